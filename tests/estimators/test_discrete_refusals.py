"""What the discrete estimators refuse, and the way out that they name."""

import pytest
import torch
from torch.distributions import (
    Bernoulli,
    Gamma,
    Independent,
    Normal,
    OneHotCategorical,
    Poisson,
)

import estimators


@pytest.mark.parametrize(
    ("name", "dist", "samples", "says"),
    [
        ("arm", Bernoulli(logits=torch.zeros(2)), 3, "even number"),
        ("disarm", OneHotCategorical(logits=torch.zeros(3)), 2, "Bernoulli"),
        ("arms", Bernoulli(logits=torch.zeros(2)), 1, "samples=2"),
        ("arms", Normal(torch.zeros(2), 1.0), 2, "Bernoulli"),
        ("enumeration", Poisson(torch.ones(2)), 1, "finite support"),
        ("enumeration", Independent(Bernoulli(logits=torch.zeros(17)), 1), 1, "65536"),
        ("sum-and-sample", Normal(torch.zeros(2), 1.0), 2, "finite support"),
        ("unordered-set", Bernoulli(logits=torch.zeros(2)), 11, "samples=10"),
        ("reinforce-exact-mean", Poisson(torch.ones(2)), 1, "finite support"),
        ("double-control-variates", Bernoulli(logits=torch.zeros(2)), 1, "mu-prop"),
        ("mu-prop", Normal(torch.zeros(2), 1.0), 1, "relaxation"),
        ("rebar", Gamma(torch.ones(2), 1.0), 1, "relaxation"),
        ("relax", Poisson(torch.ones(2)), 1, "relaxation"),
        ("hard-concrete", OneHotCategorical(logits=torch.zeros(3)), 1, "Bernoulli"),
        ("rein-max", Normal(torch.zeros(2), 1.0), 1, "relaxation"),
    ],
)
def test_refusals_name_the_way_out(name, dist, samples, says):
    reason = estimators.create(name).unsupported(dist, samples)
    assert reason is not None
    assert says in reason
    assert "use" in reason


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("gapped-straight-through", {"gap": -1.0}),
        ("gumbel-rao", {"relaxations": 0}),
        ("hard-concrete", {"low": 0.1}),
        ("rebar", {"temperature": 0.0}),
        ("reinforce-nvil", {"fit_steps": 0}),
        ("relax", {"hidden": 0}),
    ],
)
def test_nonsense_is_refused_at_once(name, fields):
    with pytest.raises(ValueError, match="must"):
        estimators.create(name, **fields)
