"""The problems of a small planted site."""

PROBLEMS = {"normal-quadratic": 16.0, "bernoulli-quadratic": 0.0159}
