"""Distributions that torch does not have."""

from estimators.distributions.codebook import Codebook
from estimators.distributions.copies import Copies
from estimators.distributions.delta import Delta
from estimators.distributions.tanh_normal import TanhNormal
from estimators.distributions.truncated_normal import TruncatedNormal
from estimators.distributions.von_mises_fisher import VonMisesFisher

__all__ = [
    "Codebook",
    "Copies",
    "Delta",
    "TanhNormal",
    "TruncatedNormal",
    "VonMisesFisher",
]
