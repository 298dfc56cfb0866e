"""The optimal baseline is E[f s²] / E[s²] over its pilot samples, for each parameter."""

import torch
from torch.distributions import Independent, Normal

from estimators import create


def test_it_is_the_ratio_over_the_pilot():
    loc = torch.tensor([0.3, -0.2], dtype=torch.float64)
    dist = Independent(Normal(loc, 1.5), 1)
    estimator = create("reinforce-optimal")
    torch.manual_seed(0)
    found = estimator._fit(dist, lambda x: x.square().sum(-1))
    torch.manual_seed(0)
    x = dist.sample((estimator.pilot,))
    f, s = x.square().sum(-1, keepdim=True), (x - loc) / 1.5**2
    expected = (f * s.square()).mean(0) / s.square().mean(0)
    assert any(b.shape == loc.shape and torch.allclose(b, expected) for b in found.values())
