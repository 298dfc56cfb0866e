"""Coupled samples: pairs and sets of antithetic Bernoulli draws, whose costs are compared."""
