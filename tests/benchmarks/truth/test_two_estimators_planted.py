"""Planted runs: what an agreed truth says where one of its estimators, or the sampler, is wrong."""

import functools
import json
import math
from typing import ClassVar

import pytest
import torch
from torch.distributions import Distribution, Independent, Normal, constraints

from benchmarks import Problem
from benchmarks.measuring.prepare import Prepared, prepare
from benchmarks.measuring.task import Task
from benchmarks.truth import two_estimators
from benchmarks.truth.exact import find_truth
from benchmarks.truth.kept import keep, kept_truth
from benchmarks.truth.two_estimators import agreed_truth
from estimators import Estimator, evaluate


def factors(loc):
    return Independent(Normal(loc, 1.0), 1)


def square(x):
    return x.square().sum(-1)


def jumping(x):
    return square(x) + 0.3 * (x[..., 0] > 0).to(x.dtype)


def problem(size=2, cost=square, name="planted"):
    loc = torch.zeros(size, dtype=torch.float64)
    loc[1] = 0.3
    return Problem(name, {"loc": loc}, factors, cost)


@functools.cache
def truth_of_jump():
    return agreed_truth(problem(100, jumping, "jump"))


class Quiet(Estimator):
    """Pathwise, `bias` added to the first parameter and all of its noise taken out or kept."""

    unbiased = True
    bias = 0.0

    def surrogate(self, dist, cost, samples=1):
        loc = dist.base_dist.loc
        s = evaluate(cost, dist.rsample((samples,)), dist).mean(0)
        return s + self.bias * (loc - loc.detach())[..., 0]


def planted(monkeypatch, bias):
    """Runs in which the quiet one is off by `bias` in the first parameter."""
    create = two_estimators.create

    def instead(name):
        quiet = Quiet(name=name)
        object.__setattr__(quiet, "bias", bias)
        return quiet if name == "pathwise" else create(name)

    monkeypatch.setattr(two_estimators, "create", instead)
    monkeypatch.setattr(two_estimators, "KINDS", (("pathwise",), ("reinforce-loo",)))
    monkeypatch.setattr(two_estimators, "WORK", 2e7)


def test_the_truth_is_the_gradient_within_what_it_says(monkeypatch):
    monkeypatch.setattr(two_estimators, "WORK", 5e7)
    found = agreed_truth(problem())
    off = (found.gradient - torch.tensor([0.0, 0.6])).norm()
    assert off < 5 * found.error.norm()
    assert found.disagreement < 0.1 * 0.6
    assert json.loads(found.note)["runs"].keys() <= {"pathwise", "reinforce-loo", "measure-valued"}


def test_the_same_every_time_however_slow_the_machine(monkeypatch):
    monkeypatch.setattr(two_estimators, "WORK", 2e7)
    first = agreed_truth(problem())
    monkeypatch.setattr("time.monotonic", iter(range(0, 10**9, 1000)).__next__)
    second = agreed_truth(problem())
    assert torch.equal(first.gradient, second.gradient)
    assert (first.disagreement, first.note) == (second.disagreement, second.note)


def test_a_quiet_run_that_is_wrong_withdraws_the_truth(monkeypatch):
    planted(monkeypatch, 0.3)
    assert agreed_truth(problem()) is None


@pytest.mark.parametrize("size", [2, 40])
def test_what_the_comparison_does_not_see_is_in_the_error(monkeypatch, size):
    """A bias within the noise of the score function: the quiet run does not outvote it."""
    bias = 0.02
    planted(monkeypatch, bias)
    found = agreed_truth(problem(size))
    assert found is not None
    assert found.error.norm() < found.disagreement
    assert (found.gradient[0]).abs() < found.disagreement
    assert found.disagreement >= bias


@pytest.mark.parametrize("bias", [0.02, 0.05])
def test_right_ones_are_not_called_biased_by_a_truth_that_is_off(monkeypatch, bias):
    planted(monkeypatch, bias)
    found = agreed_truth(problem(40))
    moved = problem(40).to("cpu", torch.float64)
    plans = (("pathwise", 100_000), ("reinforce-loo", 5_000))
    tasks = [Task.of(Prepared(moved, found), e, samples=4, replicates=r) for e, r in plans]
    verdicts = {task.measured(timed=False).bias_verdict for task in tasks}
    assert verdicts == {"no truth" if found is None else "undetermined"}


def test_a_jump_keeps_out_what_differentiates_the_cost():
    found = truth_of_jump()
    note = json.loads(found.note)
    assert note["runs"].keys() == {"reinforce-loo", "measure-valued"}
    assert note["the cost jumps by"] == pytest.approx(0.3, rel=1e-3)
    right = torch.zeros(100, dtype=torch.float64)
    right[0], right[1] = 0.3 / math.sqrt(2 * math.pi), 0.6
    assert (found.gradient - right).norm() < found.disagreement + 3 * found.error.norm()


@pytest.mark.parametrize(
    ("name", "replicates", "wrong"),
    [
        ("pathwise", 2_000, True),
        ("pathwise", 20_000, True),
        ("antithetic-pathwise", 1_000, True),
        ("reinforce-loo", 2_000, False),
        ("reinforce-loo", 20_000, False),
    ],
)
def test_verdicts_at_the_jump(name, replicates, wrong):
    prepared = Prepared(problem(100, jumping, "jump"), truth_of_jump())
    measured = Task.of(prepared, name, samples=16, replicates=replicates).measured(timed=False)
    assert measured.bias_verdict != ("unbiased" if wrong else "biased")
    assert "The cost jumps" in measured.reason
    assert measured.truth_error > 0.05


def test_kinds_that_are_all_kept_out_leave_no_truth(monkeypatch):
    monkeypatch.setattr(two_estimators, "KINDS", (("pathwise",), ("reinforce-loo",)))
    assert agreed_truth(problem(2, jumping)) is None


def test_an_infinite_run_makes_no_truth():
    def cost(x):
        return square(x) + torch.where(x[..., 0] > 1.0, torch.inf, 0.0)

    assert agreed_truth(problem(2, cost)) is None


class Wider(Normal):
    """Says one scale and samples another, as one of torch's own may."""

    __module__ = "torch.distributions.wider"

    def rsample(self, sample_shape=()):
        return self.loc + 1.3 * (super().rsample(sample_shape) - self.loc)

    sample = rsample


def test_a_wrong_sampler_withdraws_the_truth(monkeypatch):
    monkeypatch.setattr("benchmarks.measuring.prepare.examine", lambda problem: ())
    monkeypatch.setattr("benchmarks.measuring.prepare.find_truth", lambda problem: ())
    parts = {"loc": torch.zeros(2, dtype=torch.float64)}
    for family, known in ((Normal, True), (Wider, False)):
        one = Problem("sampler", parts, lambda loc, f=family: Independent(f(loc, 1.0), 1), square)
        assert (prepare(one).truth is not None) == known


def test_a_kept_truth_keeps_how_far_it_may_be_off(tmp_path, monkeypatch):
    monkeypatch.setattr(two_estimators, "WORK", 2e7)
    one = problem()
    found = agreed_truth(one)
    keep(one, found, tmp_path)
    assert kept_truth(one, tmp_path).disagreement == found.disagreement > 0


class Quantiles(Distribution):
    """Uniform about `loc`, known by its quantiles alone."""

    arg_constraints: ClassVar = {}
    support = constraints.real

    def __init__(self, loc):
        self.loc = loc
        super().__init__(loc.shape, validate_args=False)

    def icdf(self, u):
        return self.loc + 2 * u - 1

    def rsample(self, sample_shape=()):
        return self.icdf(torch.rand(self._extended_shape(sample_shape), dtype=self.loc.dtype))


def test_quantiles_alone_give_no_truth_to_a_cost_that_jumps():
    at = {"loc": torch.tensor(1.0, dtype=torch.float64)}
    smooth = find_truth(Problem("smooth", at, Quantiles, torch.square))
    assert smooth.gradient.item() == pytest.approx(2.0, rel=1e-6)
    assert find_truth(Problem("jump", at, Quantiles, lambda x: x + (x > 0.9).to(x.dtype))) is None
