"""A gradient that is written in JAX, measured as any other."""

import math
import re

import pytest
import torch
from torch.distributions import Beta, Independent, Normal, Poisson

import estimators
from benchmarks import Problem, measure
from estimators.core import _registry
from estimators.foreign_gradients import Foreign, named_parameters

jax = pytest.importorskip("jax")
jnp = jax.numpy

AT = {"loc": torch.tensor(1.0), "scale": torch.tensor(0.5)}
SQUARE = Problem("foreign-square", AT, Normal, torch.square)  # gradient 2 loc, 2 scale


def square(key, parameters):
    def loss(p):
        return jnp.square(p["loc"] + p["scale"] * jax.random.normal(key))

    return jax.grad(loss)(parameters)


def too_long(key, parameters):
    return jax.tree.map(lambda g: 1.05 * g, square(key, parameters))


@pytest.fixture
def registered():
    """Names that are free again after the test."""
    before = dict(_registry)
    yield estimators.foreign
    _registry.clear()
    _registry.update(before)


def test_a_right_one_is_unbiased_and_a_long_one_is_biased(registered):
    right = registered("jax-square", square)
    found = measure(SQUARE, right, replicates=20_000, timed=False)
    assert found.bias_verdict == "unbiased", found.reason
    each = (found.parameters[k] for k in ("mean", "variance"))
    for mean, variance, g in zip(*each, [2.0, 1.0], strict=True):
        assert abs(mean - g) < 4.5 * math.sqrt(variance / 20_000)
    assert found.variance == pytest.approx(4 * 0.25 + 4 * 1 + 8 * 0.25, rel=0.05)  # by Isserlis
    long = measure(SQUARE, registered("jax-long", too_long), replicates=20_000, timed=False)
    assert long.bias_verdict == "biased"
    assert long.scale == pytest.approx(1.05, abs=0.01)


def test_samples_are_averaged_or_handed_on(registered):
    one, four = (measure(SQUARE, registered("jax-square", square), k, 4000, timed=False)
                 for k in (1, 4))  # fmt: skip
    assert four.variance == pytest.approx(one.variance / 4, rel=0.15)
    seen = []

    @registered("jax-counted")
    def counted(key, parameters, samples):
        seen.append(samples)
        return square(key, parameters)

    assert callable(counted)
    measure(SQUARE, "jax-counted", 3, 200, timed=False)
    assert set(seen) == {3}


def test_replicates_are_isolated_and_repeat():
    estimator = Foreign(square, name="jax-square")
    rows = []
    for other in (1.0, 5.0):
        loc = torch.full((4,), other, dtype=torch.float64)
        loc[2] = 1.0
        loc.requires_grad_()
        torch.manual_seed(0)
        dist = Normal(loc, torch.ones_like(loc))
        rows.append(torch.autograd.grad(estimator.surrogate(dist, None).sum(), loc)[0])
    assert rows[0][2] == rows[1][2]
    assert (rows[0][[0, 1, 3]] != rows[1][[0, 1, 3]]).all()
    assert len(set(rows[0].tolist())) == 4


@pytest.mark.parametrize(
    ("status", "function", "says"),
    [
        (
            "refused",
            lambda key, p: {"a": p["loc"]},
            "must return a dictionary with the gradient in each of loc",
        ),
        (
            "refused",
            lambda key, p: {k: jnp.ones(3) for k in p},
            r"in loc has shape \(3,\) instead of \(\)",
        ),
        ("error", lambda key, p: p if p["loc"] > 0 else {}, "branches in Python"),
        (
            "error",
            lambda key, p: {k: v / float(v) for k, v in p.items()},
            "takes a traced number out of JAX",
        ),
        (
            "error",
            lambda key, p: {k: jnp.nothing(v) for k, v in p.items()},
            "raises AttributeError",
        ),
    ],
)
def test_each_mistake_is_a_sentence_in_the_record(status, function, says):
    found = measure(SQUARE, Foreign(function, name="wrong"), replicates=200, timed=False)
    assert found.status == status
    assert re.search(says, found.reason), found.reason


def test_names_that_are_taken_and_what_is_no_function(registered):
    with pytest.raises(ValueError, match="is taken by Pathwise"):
        registered("pathwise", square)
    with pytest.raises(TypeError, match="takes a function"):
        registered("jax-nothing", 3)


def test_parameters_go_by_the_names_of_the_constructor():
    two = torch.ones(2, 3)
    found = named_parameters(Independent(Normal(two, 1.0), 1))
    assert {k: (tuple(v.shape), axes) for k, (v, axes) in found.items()} == {
        "loc": ((2, 3), 1),
        "scale": ((2, 3), 1),
    }
    assert set(named_parameters(Beta(two, two))) == {"concentration1", "concentration0"}
    assert set(named_parameters(Poisson(two))) == {"rate"}
