"""Estimators for subsets, rankings and what other solvers of combinatorial problems choose."""
