"""Distributions that torch does not have."""

from estimators.distributions.conditional_bernoulli import ConditionalBernoulli
from estimators.distributions.linear_diffusion import LinearDiffusion
from estimators.distributions.perturbed_oracle import PerturbedOracle
from estimators.distributions.plackett_luce import OneHotPlackettLuce, PlackettLuce
from estimators.distributions.top_k import TopK

__all__ = [
    "ConditionalBernoulli",
    "LinearDiffusion",
    "OneHotPlackettLuce",
    "PerturbedOracle",
    "PlackettLuce",
    "TopK",
]
