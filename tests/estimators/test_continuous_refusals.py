"""What the continuous estimators refuse, and the way out that they name."""

import pytest
import torch
from torch.distributions import (
    Beta,
    Dirichlet,
    Normal,
    Poisson,
)

from estimators import Unsupported, create

REFUSALS = {
    "an odd K": ("antithetic-pathwise", Normal(0.0, 1.0), 3, "even number"),
    "discrete noise": ("rqmc-pathwise", Poisson(2.0), 2, "discrete"),
    "a family without pairs": ("measure-valued", Beta(2.0, 3.0), 1, "measure-valued"),
    "a continuous family": ("stochastic-triples", Normal(0.0, 1.0), 1, "jumps"),
    "a univariate normal": ("optimal-mass-transport", Normal(0.0, 1.0), 1, "implicit"),
    "no inverse cdf": ("spsa", Dirichlet(torch.ones(3)).expand((2,)), 1, None),
    "no gammas": ("rejection-reparameterisation", Normal(0.0, 1.0), 1, "gamma variables"),
}


@pytest.mark.parametrize(("name", "dist", "samples", "words"), REFUSALS.values(), ids=REFUSALS)
def test_refusals_are_sentences(name, dist, samples, words):
    reason = create(name).unsupported(dist, samples)
    assert reason is None if words is None else words in reason
    if words is not None:
        with pytest.raises(Unsupported, match=words):
            create(name).surrogate(dist, lambda x: x * 1.0, samples)


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("finite-differences", {"step": 0.0}),
        ("spsa", {"step": -1.0}),
        ("evolution-strategies", {"step": 0.0}),
        ("rejection-reparameterisation", {"augmentation": 0}),
    ],
)
def test_nonsensical_fields_are_refused(name, fields):
    with pytest.raises(ValueError, match="must be"):
        create(name, **fields)
