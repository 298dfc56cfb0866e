"""Estimators for continuous distributions: couplings, reparameterisations, weak derivatives."""
