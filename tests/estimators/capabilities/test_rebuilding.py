"""λ is found wherever a class keeps it: the mean gradient is the exact one, whoever asks."""

import pytest
import torch
from odd_families import AT, EXACT, ODD, Attached, Derived, InList, InSlot, Plain
from torch.distributions import Independent

import estimators
from benchmarks import Problem
from benchmarks.validation.interface_checks import check, completed
from estimators.capabilities import Unsupported, complete, tensors

ASKS = ("pathwise", "reinforce", "reinforce-optimal", "mixed-order", "finite-differences")
R, K = 4000, 2


def prepared(family, cost=lambda x: x.square()):
    return completed(Problem("odd", AT, family, cost)).to("cpu", torch.float64)


def z_scores(problem, name):
    torch.manual_seed(3)
    found = problem.gradients(estimators.create(name), K, R)
    exact = torch.tensor(list(EXACT.values()), dtype=found.dtype)
    return (found.mean(0) - exact) / (found.std(0) / R**0.5)


@pytest.mark.parametrize("family", ODD, ids=lambda family: family.__name__)
def test_gradients_are_right_wherever_parameters_are_kept(family):
    problem = prepared(family)
    check(problem)
    for name in ASKS:
        if name in ("pathwise", "mixed-order") and family is Attached:
            continue  # it has no rsample
        assert z_scores(problem, name).abs().max() < 4.5, name


def test_an_independent_of_such_a_class_too():
    def family(loc, scale):
        return Independent(Derived(loc.unsqueeze(-1), scale.unsqueeze(-1)), 1)

    problem = prepared(family, lambda x: x.square().sum(-1))
    assert z_scores(problem, "reinforce-optimal").abs().max() < 4.5


def test_what_is_found_by_a_walk_is_not_made_anew():
    assert set(tensors(prepared(InList).dist())) == {"parts.0.loc", "parts.0.scale"}
    assert set(tensors(prepared(InSlot).dist())) == {"loc", "scale"}
    assert set(tensors(prepared(Derived).dist())) == {"loc", "scale"}  # the family's, by name


def test_added_axes_come_from_the_family():
    wide = prepared(Derived).dist(3).expand((5, 3))
    assert wide.batch_shape == (5, 3)
    assert wide.rsample((2,)).shape == (2, 5, 3)
    assert wide.expand((4, 5, 3)).precision.shape == (4, 5, 3)


@pytest.mark.parametrize("name", ["finite-differences", "reinforce-optimal", "mixed-order"])
@pytest.mark.parametrize("family", [InSlot, Derived], ids=lambda family: family.__name__)
def test_what_a_loop_brings_without_a_family_is_refused_where_its_tensors_lie(family, name):
    loc, scale = (v.double().requires_grad_() for v in AT.values())
    estimator = estimators.create(name)
    with pytest.raises(Unsupported, match=f"{family.__name__} depends on its tensor .* Problem"):
        estimator.surrogate(complete(family(loc, scale)), torch.square, 4)
    assert estimator.surrogate(complete(Plain(loc, scale)), torch.square, 4).isfinite()
