"""Estimators that ask the cost about perturbed parameters or perturbed samples, not for ∇f."""
