"""Distributions that torch does not have."""

from estimators.distributions.autoregressive import Autoregressive
from estimators.distributions.codebook import Codebook
from estimators.distributions.conditional_bernoulli import ConditionalBernoulli
from estimators.distributions.copies import Copies
from estimators.distributions.delta import Delta
from estimators.distributions.linear_diffusion import LinearDiffusion
from estimators.distributions.perturbed_oracle import PerturbedOracle
from estimators.distributions.plackett_luce import OneHotPlackettLuce, PlackettLuce
from estimators.distributions.scalar_quantiser import ScalarQuantiser
from estimators.distributions.tanh_normal import TanhNormal
from estimators.distributions.top_k import TopK
from estimators.distributions.truncated_normal import TruncatedNormal
from estimators.distributions.von_mises_fisher import VonMisesFisher

__all__ = [
    "Autoregressive",
    "Codebook",
    "ConditionalBernoulli",
    "Copies",
    "Delta",
    "LinearDiffusion",
    "OneHotPlackettLuce",
    "PerturbedOracle",
    "PlackettLuce",
    "ScalarQuantiser",
    "TanhNormal",
    "TopK",
    "TruncatedNormal",
    "VonMisesFisher",
]
