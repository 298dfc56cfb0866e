"""The laws of `Estimator`, over every registered estimator × every toy problem."""

import functools

import pytest
import torch

import estimators
from benchmarks import problems
from benchmarks.checks import check
from benchmarks.measured import measure_checked
from benchmarks.measuring.streams import stream, stream_key
from benchmarks.problem import unvalidated
from benchmarks.truth import find_truth

WINGS = (".toy", ".importance_weighted")  # the modules of problems that are small enough
CHOICES = ("subset-quadratic", "top-k-quadratic", "ranking-dcg", "permutation-tour")
NEED_TERMS = ("reinforce-rao-blackwell", "reinforce-placement", "pl-rank")
TOYS = [n for n in problems.names() if problems.entry(n).build.__module__.endswith(WINGS)]
TOYS += CHOICES
CELLS = [(e, p) for p in TOYS for e in estimators.names()]
SAMPLES = 2
laws = pytest.mark.parametrize(("name", "toy"), CELLS, ids=[f"{e}@{p}" for e, p in CELLS])


@functools.cache
def prepared(toy):
    problem = problems.load(toy)
    check(problem)
    problem, _ = problem.drawn(SAMPLES)  # the objective of so many copies, if it is one of several
    return problem, find_truth(problem)


@functools.cache
def refusal(name, toy):
    problem, _ = prepared(toy)
    reason = estimators.create(name).unsupported(problem.differentiable_dist(), SAMPLES)
    if reason is None and name in NEED_TERMS and not hasattr(problem.cost, "terms"):
        return refused_late(name, problem)
    return reason


def replicated(problem, replicates):
    leaves = {
        k: v.expand((replicates, *v.shape)).clone().requires_grad_()
        for k, v in problem.parameters.items()
    }
    return leaves, problem.family(**leaves)


def surrogate_of(name, problem, cost, replicates=4):
    """The surrogate of a fitted estimator and its gradients, from one fixed stream."""
    with stream(stream_key("law")), unvalidated():
        leaves, dist = replicated(problem, replicates)
        estimator = estimators.create(name).fitted(dist, problem.cost, SAMPLES)
        surrogate = estimator.surrogate(dist, cost, SAMPLES)
        if not surrogate.requires_grad:  # `replicate_gradients` refuses in the same way
            raise estimators.Unsupported(f"{name} finds no derivative of the cost.")
        grads = torch.autograd.grad(surrogate.sum(), list(leaves.values()), allow_unused=True)
    return surrogate, grads, dist


def louder(cost):
    """`cost` and what it carries, ten times as large for all of four replicates but number 1."""

    def of(values):
        def found(x, dist):
            f = values(x, dist)
            factor = torch.full((4,), 10.0, dtype=x.dtype).index_fill(0, torch.tensor(1), 1.0)
            return f * factor.reshape(4, *[1] * (f.ndim - 2))

        return found

    loud = of(cost)
    for carried in {"terms", "reduction"} & set(dir(cost)):
        value = getattr(cost, carried)
        setattr(loud, carried, of(value) if carried == "terms" else value)
    return loud


def refused_late(name, problem):
    """The sentence of an estimator that needs a derivative the cost does not have, or None."""
    try:
        surrogate_of(name, problem, problem.cost)
    except estimators.Unsupported as refused:
        return str(refused)
    return None


def test_enough_cells_are_accepted():
    assert sum(refusal(e, p) is None for e, p in CELLS) >= 200


@laws
def test_a_refusal_is_a_sentence_and_raised_alike(name, toy):
    reason = refusal(name, toy)
    if reason is None:
        return
    assert len(reason) > 30
    assert reason.endswith(".")
    problem, _ = prepared(toy)
    with pytest.raises((estimators.Unsupported, NotImplementedError, RuntimeError)):
        surrogate_of(name, problem, problem.cost)


@laws
def test_shape_isolation_and_silence(name, toy, capsys):
    if refusal(name, toy):
        return
    problem, _ = prepared(toy)
    before = {k: v.clone() for k, v in problem.parameters.items()}
    seed, default = torch.initial_seed(), torch.get_default_dtype()
    if "step" in toy and (late := refused_late(name, problem)):
        assert late.endswith(".")
        return
    surrogate, grads, dist = surrogate_of(name, problem, problem.cost)
    assert surrogate.shape == dist.batch_shape

    again, grads_again, _ = surrogate_of(name, problem, louder(problem.cost))
    assert torch.equal(surrogate[1], again[1])
    for grad, other in zip(grads, grads_again, strict=True):
        assert grad is None or torch.equal(grad[1], other[1])
    assert torch.initial_seed() == seed
    assert torch.get_default_dtype() == default
    assert all(torch.equal(before[k], v) for k, v in problem.parameters.items())
    assert all(v.grad is None for v in problem.parameters.values())
    assert capsys.readouterr() == ("", "")


@laws
def test_truth(name, toy):
    if refusal(name, toy) or not estimators.create(name).unbiased:
        return
    problem, truth = prepared(toy)
    measured = measure_checked(
        problem, truth, name, SAMPLES, 4_000, 1, "cpu", torch.float64, timed=False
    )
    if "step" in toy and measured.status == "n/a":
        return
    assert measured.status == "ok", measured.reason
    assert measured.bias_verdict in {"unbiased", "undetermined"}, (
        measured.bias_p,
        measured.bias_limit,
    )


@laws
def test_value(name, toy):
    if refusal(name, toy) or not estimators.create(name).unbiased or "step" in toy:
        return
    problem, _ = prepared(toy)
    surrogate, _, dist = surrogate_of(name, problem, problem.cost, replicates=2_000)
    with stream(stream_key("value")), torch.no_grad():
        plain = estimators.evaluate(problem.cost, dist.sample((20,)), dist).mean(0)
    gap = surrogate.detach().mean() - plain.mean()
    error = (surrogate.detach().var() / 2_000 + plain.var() / 2_000).sqrt()
    assert gap.abs() <= 5 * error + 1e-12


@pytest.mark.parametrize(
    "name", [n for n in estimators.names() if not estimators.create(n).unbiased]
)
def test_what_is_called_biased_is_shown_to_be_biased_somewhere(name):
    fields = {"step": 1.0} if "step" in estimators.create(name).config else {}  # a bias of O(step²)
    for toy in (toy for toy in TOYS if refusal(name, toy) is None and "step" not in toy):
        problem, truth = prepared(toy)
        estimator = estimators.create(name, **fields)
        measured = measure_checked(
            problem, truth, estimator, SAMPLES, 10_000, 1, "cpu", torch.float64, timed=False
        )
        if measured.bias_verdict == "biased":
            return
    pytest.fail(f"{name} is called biased, and no toy problem shows it")


class _Model:
    def of_x(self, x):
        return x.square()

    def of_both(self, x, dist):
        return (x - dist.loc).square()

    def with_default(self, x, centre=0.5):
        return (x - centre).square()


@pytest.mark.parametrize("cost", [_Model().of_x, _Model().of_both, _Model().with_default])
def test_a_cost_may_be_a_method(cost):
    normal = torch.distributions.Normal(torch.zeros(3, requires_grad=True), 1.0)
    assert estimators.create("pathwise").surrogate(normal, cost, 2).shape == (3,)
