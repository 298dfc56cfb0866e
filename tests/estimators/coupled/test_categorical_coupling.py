"""CARMS and DisARM for categoricals: laws of pairs, exact means by enumeration of the noise."""

import pytest
import torch
from torch.distributions import Bernoulli, OneHotCategorical

import estimators
from benchmarks import Problem, measure, problems, ratio
from benchmarks.machine.random_streams import stream, stream_key
from estimators.coupled.carms import independence_ratio, orders_of, repelling

LOGITS = torch.tensor([0.5, -0.7, 1.2, 0.1], dtype=torch.float64).log_softmax(-1)
COSTS = torch.tensor([1.0, -2.0, 0.4, 3.0], dtype=torch.float64)
NAMES = ("carms", "disarm-stick-breaking", "disarm-importance")


def of_classes(x):
    return x @ COSTS[: x.shape[-1]]


@pytest.mark.parametrize("samples", [2, 3, 5])
def test_pairs_of_carms_have_the_law_that_corrects_them(samples):
    """P(a, b) = p(a) p(b) / r, and its rows add up to p(a) with what falls on a = b."""
    p, count, draws = LOGITS.exp(), len(LOGITS), 200_000
    with stream(stream_key("pairs", samples)):
        classes, orders = repelling(LOGITS.expand(draws, -1), samples)
    seen = torch.zeros(count, count, dtype=torch.float64)
    seen.index_put_((classes[0], classes[1]), torch.tensor(1 / draws).double(), accumulate=True)
    assert ((seen.sum(1) - p).abs() < 4.5 * (p * (1 - p) / draws).sqrt()).all()
    for a in range(count):
        for b in set(range(count)) - {a}:
            pair = torch.tensor(a), torch.tensor(b)
            joint = p[a] * p[b] / independence_ratio(LOGITS, orders, *pair, samples)
            assert abs(seen[a, b] - joint) < 4.5 * (joint / draws).sqrt(), (a, b)
            assert joint > 0


def test_every_two_classes_stand_at_the_ends_of_one_order():
    ends = orders_of(5, torch.device("cpu"))[:, [0, -1]]
    assert len(ends) == 10
    assert len({tuple(pair) for pair in ends.tolist()}) == 10
    assert orders_of(1, torch.device("cpu")).shape == (1, 1)


@pytest.mark.parametrize("name", ["disarm-stick-breaking", "disarm-importance"])
def test_sticks_are_exact_by_enumeration(name, monkeypatch):
    """The mean over a grid of the two uniforms of three classes, at which sticks break."""
    logits = LOGITS[:3].clone().requires_grad_()
    side = 300
    middle = (torch.arange(side, dtype=torch.float64) + 0.5) / side
    grid = torch.cartesian_prod(middle, middle)  # [side², 2]
    monkeypatch.setattr(torch, "rand", lambda *shape, **kind: grid.reshape(shape))
    surrogate = estimators.create(name).surrogate(
        OneHotCategorical(logits=logits), of_classes, 2 * len(grid)
    )
    (found,) = torch.autograd.grad(surrogate, logits)
    (exact,) = torch.autograd.grad(logits.softmax(-1) @ COSTS[:3], logits)
    assert (found - exact).abs().max() < 6 / side  # of a step of the grid
    assert (found - exact).abs().max() < exact.abs().max() / 20


@pytest.mark.parametrize("name", NAMES)
def test_two_classes_are_disarm(name):
    """ĝ = c/2 σ(|φ|) with probability 2 min(p, 1 − p), else zero, for f(1) − f(0) = c = 2."""
    problem = Problem(
        "pair",
        {"logit": torch.tensor(-0.7).double()},
        lambda logit: OneHotCategorical(logits=torch.stack((logit, 0 * logit), -1)),
        lambda x: 2.0 * x[..., 0],
    )
    row = measure(problem, name, 2, 20_000, timed=False)
    p = torch.tensor(-0.7).double().sigmoid()
    exact = float((1 - p) ** 2 * 2 * p * (1 - 2 * p))
    error = (row.variance_high - row.variance_low) / 3.92
    assert abs(row.variance - exact) < 4.5 * error
    assert row.bias_verdict in {"unbiased", "undetermined"}


def test_coupled_samples_are_quieter_than_independent_ones():
    for name in NAMES:  # how much depends on the cost: carms is no quieter on every toy
        problem = problems.load("one-hot-linear" if name == "carms" else "one-hot-quadratic")
        row, plain = (measure(problem, n, 2, 4_000, timed=False) for n in (name, "reinforce-loo"))
        assert ratio(row, plain).high < 1, name


@pytest.mark.parametrize("name", NAMES)
def test_what_cannot_be_coupled_is_refused(name):
    dist = OneHotCategorical(logits=LOGITS.clone().requires_grad_())
    assert "samples" in estimators.create(name).unsupported(dist, 1)
    bits = Bernoulli(logits=LOGITS.clone().requires_grad_())
    assert "disarm or arms" in estimators.create(name).unsupported(bits, 2)
    if name != "carms":
        assert "carms" in estimators.create(name).unsupported(dist, 3)


@pytest.mark.parametrize("name", NAMES)
def test_equal_and_extreme_probabilities_are_finite(name):
    for logits in (torch.zeros(4), torch.tensor([40.0, 0, -40, 3.0]), torch.zeros(2)):
        logits = logits.double().expand(2_000, -1).clone().requires_grad_()
        with stream(stream_key("finite")):
            surrogate = estimators.create(name).surrogate(
                OneHotCategorical(logits=logits), of_classes, 2
            )
        (found,) = torch.autograd.grad(surrogate.sum(), logits)
        assert found.isfinite().all()
