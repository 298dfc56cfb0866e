"""Strategies at the nodes of programs: unbiased where each is, and every replicate by itself."""

import functools
import itertools

import pytest
import torch
from program_examples import (
    AT,
    continuous_continuous,
    continuous_discrete,
    discrete_continuous,
    discrete_discrete,
    replicated,
    standard_errors_off,
)
from torch.distributions import Bernoulli, Normal

import estimators
from estimators.programs import execution
from estimators.programs.halves import Apart

MODELS = (discrete_discrete, discrete_continuous, continuous_discrete, continuous_continuous)
UNBIASED = [name for name in estimators.names() if estimators.create(name).unbiased]
DISCRETE = ("enumeration", "reinforce-loo", "disarm", "measure-valued", "rebar", "self-critical")
CONTINUOUS = ("pathwise", "reinforce", "implicit", "measure-valued", "antithetic-pathwise", "lax")
FAR = 5.0  # standard errors, of any of four numbers in any of a thousand pairs


def kinds(model):
    first, second = model.__name__.split("_")
    return [DISCRETE if kind == "discrete" else CONTINUOUS for kind in (first, second)]


FEW = [(model, *pair) for model in MODELS for pair in itertools.product(*kinds(model))]
IDS = [f"{model.__name__}: {first}, {second}" for model, first, second in FEW]


@pytest.mark.parametrize(("model", "first", "second"), FEW, ids=IDS)
def test_a_pair_has_the_exact_mean(model, first, second):
    off = standard_errors_off(model, {"first": first, "second": second}, 2, 2000)
    assert off.max() < FAR


@pytest.mark.study
@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("first", UNBIASED)
def test_every_accepted_pair_has_the_exact_mean(model, first):
    accepted = 0
    for second in UNBIASED:
        slow = "reinforce-optimal" in (first, second)
        try:
            off = standard_errors_off(
                model, {"first": first, "second": second}, 2, 500 if slow else 4000
            )
        except estimators.Unsupported:
            continue
        assert off.max() < FAR, second
        accepted += 1
    if first == "reinforce-loo":
        assert accepted >= 12


@pytest.mark.parametrize("wrong", ["gumbel-softmax", "straight-through"])
def test_a_biased_strategy_is_off(wrong):
    off = standard_errors_off(
        discrete_continuous, {"first": wrong, "second": "pathwise"}, 1, 20_000
    )
    assert off.max() > FAR


def three(draw, a, m, w):
    x = draw("x", Bernoulli(logits=a))
    y = draw("y", Bernoulli(logits=w + m * x))
    z = draw("z", Bernoulli(logits=w * x + y))
    return (x + 2 * y - z - 0.3).square() + a * z


@functools.cache
def three_exact():
    a, m, w = (torch.tensor(v, dtype=torch.float64, requires_grad=True) for v in AT.values())
    total = 0.0
    for x, y, z in itertools.product((0.0, 1.0), repeat=3):
        laws = zip((a, w + m * x, w * x + y), (x, y, z), strict=True)
        p = [(logit if value else -logit).sigmoid() for logit, value in laws]
        total = total + p[0] * p[1] * p[2] * ((x + 2 * y - z - 0.3) ** 2 + a * z)
    return torch.stack(torch.autograd.grad(total, (a, m, w)))


CHAINS = [(name,) * 3 for name in ("enumeration", "reinforce", "reinforce-loo", "disarm", "arm")]
CHAINS += [("measure-valued",) * 3, ("disarm", "enumeration", "reinforce-loo")]
CHAINS += [("reinforce", "measure-valued", "arm"), ("rebar", "disarm", "measure-valued")]


@pytest.mark.parametrize("chain", CHAINS, ids=lambda chain: ", ".join(chain))
def test_a_chain_of_three_bernoullis(chain):
    found = replicated(three, dict(zip("xyz", chain, strict=True)), AT, 2, 4000)[1]
    off = (found.mean(0) - three_exact()).abs() / (found.std(0) / 4000**0.5 + 1e-9)
    assert off.max() < FAR
    if set(chain) == {"enumeration"}:
        assert found.std(0).max() < 1e-12


@pytest.mark.parametrize("strategies", [{"x,y": "reinforce-loo", "z": "disarm"}, {"*": "reinforce"},
                                        {"x": "arm", "y,z": "reinforce-loo"}], ids=str)  # fmt: skip
def test_joint_draws_are_unbiased(strategies):
    found = replicated(three, strategies, AT, 2, 8000)[1]
    off = (found.mean(0) - three_exact()).abs() / (found.std(0) / 8000**0.5)
    assert off.max() < FAR


PAIRS = [("reinforce-loo", "pathwise"), ("rebar", "lax"), ("measure-valued", "measure-valued"),
         ("mu-prop", "reinforce-loo"), ("self-critical", "implicit"), ("relax", "pathwise"),
         ("reinforce-optimal", "antithetic-pathwise"), ("double-control-variates", "stratified"),
         ("stochastic-triples", "rqmc-pathwise"), ("gumbel-rao", "pathwise")]  # fmt: skip
pairs = pytest.mark.parametrize(("first", "second"), PAIRS)


@pairs
def test_leaving_halfway_gives_the_bits_of_nesting(first, second, monkeypatch):
    """The estimator that is left and taken up again against one that calls the rest as its cost."""
    strategies = {"first": first, "second": second}
    ours = replicated(discrete_continuous, strategies, AT, 2, 7)

    def never(*_):
        raise Apart

    monkeypatch.setattr(execution, "first_half", never)
    nested = replicated(discrete_continuous, strategies, AT, 2, 7)
    assert all(map(torch.equal, ours, nested))


class Slope(estimators.Estimator):
    """Stein's identity for a normal of scale one: the mean slope of the cost, taken by itself."""

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        at = dist.sample((samples,)).requires_grad_()
        f = cost(at + 0.0, dist)
        (slope,) = torch.autograd.grad(f.sum(), at, retain_graph=True)
        return (f + slope * (dist.loc - dist.loc.detach())).mean(0)


def test_an_estimator_that_differentiates_the_cost_itself_is_asked_as_a_whole():
    off = standard_errors_off(
        continuous_discrete, {"first": Slope(), "second": "enumeration"}, 1, 8000
    )
    assert off.max() < FAR


@pairs
def test_replicates_are_apart(first, second):
    """With other parameters everywhere else, replicate 1 has the same bits."""
    strategies = {"first": first, "second": second}
    at = {k: torch.full((4,), v, dtype=torch.float64) for k, v in AT.items()}
    moved = {k: torch.where(torch.arange(4) == 1, v, v + 0.4) for k, v in at.items()}
    ours, theirs = (
        replicated(discrete_continuous, strategies, given, 2, 4) for given in (at, moved)
    )
    assert torch.equal(ours[0][1], theirs[0][1])
    assert torch.equal(ours[1][1], theirs[1][1])
    assert not torch.equal(ours[1][0], theirs[1][0])


def test_what_an_average_learns_belongs_to_its_node():
    """A shared average would see what follows from a sample before it is that sample's baseline."""

    def steps(draw, a, m, w):
        x = draw("x.0", Bernoulli(logits=a))
        y = draw("x.1", Bernoulli(logits=8 * x - 4 + w))
        return 3 * y + m * x

    strategies = estimators.programs.Strategies.of({"x": "reinforce-ema"})
    for _ in range(3):
        replicated(steps, strategies, AT, 1, 1)
    assert sorted(strategies.own) == ["x.0", "x.1"]
    assert strategies.own["x.0"].baseline is not strategies.own["x.1"].baseline


def test_batches_and_plates():
    """A batch is an axis of all nodes and of the cost, a plate an event axis of its node."""

    def batched(draw, loc, w):
        b = draw("b", Bernoulli(logits=loc))  # [.., 3]
        plate = Normal(b.unsqueeze(-1) + w.unsqueeze(-2), 1.0)  # [.., 3, 5]
        z = draw("z", torch.distributions.Independent(plate, 1))
        return (z.square().sum(-1) + b) * 0.1

    loc = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    w = torch.linspace(0, 1, 5, dtype=torch.float64).requires_grad_()
    loss = estimators.surrogate(batched, {"b": "disarm", "z": "pathwise"}, {"loc": loc, "w": w}, 2)
    assert loss.shape == (3,)
    rows = []
    for seed in range(400):
        torch.manual_seed(seed)
        loss = estimators.surrogate(
            batched, {"b": "disarm", "z": "pathwise"}, {"loc": loc, "w": w}, 2
        )
        rows.append(torch.cat(torch.autograd.grad(loss.sum(), (loc, w))))
    rows = torch.stack(rows)
    right = torch.cat([(0.1 * (5 + 2 * w.sum() + 1) / 4).expand(3), 0.1 * 2 * (w + 0.5) * 3])
    assert ((rows.mean(0) - right).abs() < FAR * rows.std(0) / 20).all()
