"""Training loops: what an estimator makes of a model."""
