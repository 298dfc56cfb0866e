"""Distributions and costs of SciPy, NumPy, NumPyro and TFP, as families and costs of torch."""
