"""Path gradients in one pass: sticking-the-landing's numbers, without its way back."""

import pytest
import torch
from torch.distributions import Independent, LogNormal, Normal, TransformedDistribution
from torch.distributions.transforms import AffineTransform, TanhTransform

import estimators
from benchmarks import problems
from benchmarks.problems.flow_layers import AffineCoupling

NAMES = ("sticking-the-landing", "path-gradient")


def both(take):
    found = []
    for name in NAMES:
        torch.manual_seed(3)
        found.append(take(estimators.create(name)))
    return found


@pytest.mark.parametrize("name", ["flow-realnvp@start", "flow-glow@middle", "flow-clusters"])
def test_flows_have_the_same_gradient_to_rounding(name):
    problem = problems.load(name)
    two_passes, one = both(lambda estimator: problem.gradients(estimator, 3, 20))
    assert (two_passes - one).abs().max() < 1e-10 * two_passes.abs().max()
    assert two_passes.abs().max() > 0


def test_the_inverse_of_a_coupling_is_never_asked_for(monkeypatch):
    def never(layer, y):
        raise AssertionError("the inverse was computed")

    monkeypatch.setattr(AffineCoupling, "_inverse", never)
    problem = problems.load("flow-realnvp")
    problem.gradients(estimators.create("path-gradient"), 2, 3)
    with pytest.raises(AssertionError):
        problem.gradients(estimators.create("sticking-the-landing"), 2, 3)


def vectors(loc, scale):
    base = Independent(Normal(loc, scale), 1)
    return TransformedDistribution(base, [AffineTransform(0.3, scale + 1, 1), TanhTransform()])


@pytest.mark.parametrize("family", [LogNormal, vectors])
def test_layers_of_torch_and_parameters_of_the_base(family):
    shape = (2,) if family is vectors else ()
    values = {"loc": torch.full(shape, 0.1).double(), "scale": torch.full(shape, 0.4).double()}

    def cost(x, dist):
        elsewhere = dist.log_prob(x.detach() * 0.9)  # at another point it is computed anew
        inner = x.square() if not shape else x.square().sum(-1)
        return dist.log_prob(x) + 0.1 * elsewhere + inner

    found = both(
        lambda estimator: estimators.replicate_gradients(estimator, family, values, cost, 3, 4)
    )
    for key in values:
        assert torch.allclose(found[0][key], found[1][key], rtol=1e-9, atol=1e-12)


def test_the_value_is_the_cost_and_other_laws_are_refused():
    dist = LogNormal(torch.tensor(0.2).double(), torch.tensor(0.5).double())
    values = both(lambda e: e.surrogate(dist, lambda x, d: d.log_prob(x) + x, 5))
    assert torch.allclose(*values)
    loc = torch.tensor(0.0, requires_grad=True)
    refusal = estimators.create("path-gradient").unsupported(Normal(loc, 1.0))
    assert "sticking-the-landing" in refusal
