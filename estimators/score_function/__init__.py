"""Score-function estimators with baselines of their own."""
