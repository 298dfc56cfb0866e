"""Distributions that torch does not have."""

from estimators.distributions.autoregressive import Autoregressive

__all__ = ["Autoregressive"]
