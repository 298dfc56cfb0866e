"""The laws of `Estimator`, over every registered estimator × every toy problem."""

import functools

import pytest
import torch
from torch.distributions import MultivariateNormal

import estimators
from benchmarks import problems
from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.measuring.prepare import Prepared
from benchmarks.measuring.task import Task
from benchmarks.objective import costs
from benchmarks.objective.definition import Problem, unvalidated
from benchmarks.truth.exact import find_truth
from benchmarks.validation.interface_checks import check

WINGS = (".toy", ".importance_weighted")  # the modules of problems that are small enough
FACTOR = torch.tensor([[1.0, 0.0], [0.5, 0.8]], dtype=torch.float64)
CORRELATED = Problem(  # of a family that no toy has: E ‖x − ½‖² = ‖loc − ½‖² + ‖factor‖²
    "correlated",
    {"loc": torch.tensor([0.2, -1.0], dtype=torch.float64), "factor": FACTOR},
    lambda loc, factor: MultivariateNormal(loc, scale_tril=factor.tril()),
    costs.quadratic(0.5),
    {"loc": torch.tensor([-0.6, -3.0], dtype=torch.float64), "factor": 2 * FACTOR},
)
TOYS = [n for n in problems.names() if problems.entry(n).build.__module__.endswith(WINGS)]
TOYS.append(CORRELATED.name)
CHOICES = (
    "subset-quadratic",
    "top-k-quadratic",
    "ranking-dcg",
    "permutation-tour",
    "digital-option",
    "codebook-reconstruction",
    "fsq-interacting",
    "cvar-loss-wide",
)
NEED_TERMS = ("reinforce-rao-blackwell", "reinforce-placement", "pl-rank")
TOYS += CHOICES
SAMPLES = 2


@functools.cache
def checked(toy):
    problem = CORRELATED if toy == CORRELATED.name else problems.load(toy)
    check(problem)
    return problem.drawn(SAMPLES)[0]  # the objective of so many copies, if it is one of several


@functools.cache
def prepared(toy):
    return Prepared(checked(toy), find_truth(checked(toy)))


@functools.cache
def refused_law(name, family, *values):
    """Why `name` refuses a distribution, or None: the same for every cost under it."""
    toy = next(toy for toy in TOYS if law_of(toy) == (family, *values))
    return estimators.create(name).unsupported(checked(toy).differentiable_dist(), SAMPLES)


@functools.cache
def law_of(toy):
    problem = checked(toy)
    return problem.family, *(value.numpy().tobytes() for value in problem.parameters.values())


def refused_cost(name, toy):
    """Why `name` refuses the cost of a toy, which shows when it is used, or None."""
    problem = checked(toy)
    carried = hasattr(problem.cost, "terms") if name in NEED_TERMS else name != "tail-score"
    if "step" not in toy and carried:
        return None
    try:
        with stream(stream_key("refusal")):
            dist = problem.differentiable_dist()
            estimators.create(name).surrogate(dist, problem.cost, SAMPLES)
    except estimators.Unsupported as refused:
        return str(refused)
    return None


REFUSALS = {
    (name, toy): refused_law(name, *law_of(toy)) or refused_cost(name, toy)
    for toy in TOYS
    for name in estimators.names()
}
CELLS = [cell for cell, reason in REFUSALS.items() if reason is None]
REFUSING = sorted({name for (name, _), reason in REFUSALS.items() if reason})
BIASED = [name for name in estimators.names() if not estimators.create(name).unbiased]


def law(cells, among=lambda cells: cells):
    ids = [f"{name}@{toy}" for name, toy in cells]
    return pytest.mark.parametrize(("name", "toy"), among(cells), ids=ids)


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
    for carried in {"terms", "reduction", "given_path"} & set(dir(cost)):
        value = getattr(cost, carried)
        setattr(loud, carried, value if carried == "reduction" else of(value))
    return loud


MISSES = {  # a payoff that jumps: paths see none of it, which tests/benchmarks/problems names
    ("pathwise", "digital-option"),
    ("sticking-the-landing", "digital-option"),
}
UNBIASED = [cell for cell in CELLS if cell[0] not in BIASED and cell not in MISSES]
PLACE = {
    entry: place for entries in (estimators.names(), TOYS) for place, entry in enumerate(entries)
}
SPREAD = [
    (name, toy)
    for name, toy in UNBIASED
    if (PLACE[name] + PLACE[toy]) % 4 == 0 and name != "rodeo"  # which learns for up to 20 s a toy
]
SPREAD += [cell for cell in UNBIASED if cell[0] not in {name for name, _ in SPREAD}]
SPREAD += [cell for cell in UNBIASED if cell[1] not in {toy for _, toy in SPREAD}]


def measured_now(cells):
    """The cells of `SPREAD`; the others are left to `make study`."""
    now = set(SPREAD)
    return [cell if cell in now else pytest.param(*cell, marks=pytest.mark.study) for cell in cells]


def test_enough_cells_are_accepted():
    assert len(CELLS) >= 1_000
    assert {name for name, _ in CELLS} == set(estimators.names())
    assert {toy for _, toy in CELLS} == set(TOYS)


@pytest.mark.parametrize("name", REFUSING)
def test_a_refusal_is_a_sentence_and_raised_alike(name):
    refused = {toy: reason for (one, toy), reason in REFUSALS.items() if reason and one == name}
    for toy, reason in refused.items():
        assert len(reason) > 30, toy
        assert reason.endswith("."), toy
    laws = {law_of(toy): toy for toy in refused}
    for toy in laws.values():
        with pytest.raises((estimators.Unsupported, NotImplementedError, RuntimeError)):
            surrogate_of(name, checked(toy), checked(toy).cost)


@law(CELLS)
def test_shape_isolation_and_silence(name, toy, capsys):
    problem = checked(toy)
    before = {k: v.clone() for k, v in problem.parameters.items()}
    seed, default = torch.initial_seed(), torch.get_default_dtype()
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


def test_every_unbiased_estimator_and_toy_is_measured_by_default():
    assert {name for name, _ in SPREAD} == {name for name, _ in UNBIASED}
    assert {toy for _, toy in SPREAD} == {toy for _, toy in UNBIASED}
    assert len(SPREAD) < len(UNBIASED) / 3


@law(UNBIASED, measured_now)
def test_truth(name, toy):
    task = Task.of(prepared(toy), name, samples=SAMPLES, replicates=4_000, seed=1)
    measured = task.measured(timed=False)
    assert measured.status == "ok", measured.reason
    assert measured.bias_verdict in {"unbiased", "undetermined"}, (
        measured.bias_p,
        measured.bias_limit,
    )


@law(UNBIASED, measured_now)
def test_value(name, toy):
    problem = checked(toy)
    surrogate, _, dist = surrogate_of(name, problem, problem.cost, replicates=2_000)
    with stream(stream_key("value")), torch.no_grad():
        plain = estimators.evaluate(problem.cost, dist.sample((20,)), dist).mean(0)
    gap = surrogate.detach().mean() - plain.mean()
    error = (surrogate.detach().var() / 2_000 + plain.var() / 2_000).sqrt()
    assert gap.abs() <= 5 * error + 1e-12


@pytest.mark.parametrize("name", BIASED)
def test_what_is_called_biased_is_shown_to_be_biased_somewhere(name):
    fields = {"step": 1.0} if "step" in estimators.create(name).config else {}  # a bias of O(step²)
    biased = estimators.create(name, **fields)
    toys = (toy for one, toy in CELLS if one == name and "step" not in toy)
    tasks = (Task.of(prepared(toy), biased, samples=SAMPLES, seed=1) for toy in toys)
    assert any(task.measured(timed=False).bias_verdict == "biased" for task in tasks)


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
