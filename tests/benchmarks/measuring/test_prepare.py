"""One door: whoever measures a problem says the same words and finds the same numbers."""

import pandas
import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

from benchmarks import Problem, ProblemError, compare, measure, problems
from benchmarks.measuring import prepare as module
from benchmarks.measuring.prepare import prepare
from benchmarks.objective.truth import Truth
from benchmarks.regression import interface
from benchmarks.running import suite as running
from benchmarks.store.store import Store

R, ESTIMATORS = 500, ("pathwise", "antithetic-pathwise", "reinforce")
ENDED = {
    "pathwise": "ok",
    "antithetic-pathwise": "ok",
    "reinforce": "refused",
}  # no log-probability
NUMBERS = (
    "status", "reason", "variance", "variance_low", "variance_high", "bias2", "bias2_low",
    "bias2_high", "bias_p", "bias_verdict", "truth_method", "truth_error", "truth_note",
    "gradient_norm", "cosine", "wrong_way", "evaluations",
)  # fmt: skip


class Kumaraswamy:
    """Nothing but its quantiles."""

    def __init__(self, a, b):
        self.a, self.b = a, b

    def icdf(self, u):
        return (1 - (1 - u) ** (1 / self.b)) ** (1 / self.a)


class Off(Normal):
    """A sampler that is 5 % too wide for its own density."""

    def rsample(self, sample_shape=()):
        return self.loc + 1.05 * (super().rsample(sample_shape) - self.loc)

    def sample(self, sample_shape=()):
        with torch.no_grad():
            return self.rsample(sample_shape)


def kumaraswamy():
    parameters = {"a": torch.tensor(2.0), "b": torch.tensor(3.0)}
    return Problem("my-kumaraswamy", parameters, Kumaraswamy, lambda x: (x - 0.3).square())


def off():
    parameters = {"loc": torch.tensor(1.0), "scale": torch.tensor(1.0)}
    return Problem("my-off", parameters, Off, lambda x: (x - 0.3).square())


@pytest.fixture(autouse=True)
def _registered():
    for build in (kumaraswamy, off):
        problems.register(build().name)(build)
    yield
    interface._prepared.cache_clear()


def by_measure(build, _):
    return {e: vars(measure(build(), e, 2, R, timed=False)) for e in ESTIMATORS}


def by_compare(build, _):
    rows = compare(build(), ESTIMATORS, (2,), R).to_dict("records")
    return {row["estimator"]: row for row in rows}


def by_run(build, folder):
    suite = running.Suite((build().name,), ESTIMATORS, (2,), R, timed=False)
    list(running.run(suite, Store(folder)))
    return {record["estimator"]: record for record in Store(folder)}


def by_regress(build, _):
    return {e: interface.measure(build().name, e, 2, R, 0, "cpu") for e in ESTIMATORS}


def shown(row):
    """The numbers and words of a row; what is not known is None."""
    return {name: None if pandas.isna(row.get(name)) else row[name] for name in NUMBERS}


DOORS = (by_measure, by_compare, by_run, by_regress)


def test_all_doors_give_the_same_numbers(tmp_path):
    found = [door(kumaraswamy, tmp_path) for door in DOORS]
    for estimator, status in ENDED.items():
        first, *others = [shown(one[estimator]) for one in found]
        assert (first["status"], first["truth_method"]) == (status, "quadrature")
        assert first["bias_verdict"] in ("unbiased", "undetermined", None)
        assert (first["variance"] is None) == (status == "refused")
        for other in others:
            assert other == first, estimator


def test_all_doors_say_the_same_words(tmp_path):
    with pytest.raises(ProblemError) as by_hand:
        by_measure(off, None)
    words = str(by_hand.value)
    assert words.endswith(".")
    assert "my-off" in words
    with pytest.raises(ProblemError) as compared:
        by_compare(off, None)
    assert str(compared.value) == words
    for door in (by_run, by_regress):
        found = door(off, tmp_path)
        assert {row["status"] for row in found.values()} == {"error"}
        assert {row["reason"] for row in found.values()} == {f"ProblemError: {words}"}


def test_one_that_does_not_pass_does_not_end_the_sweep(tmp_path):
    suite = running.Suite(("my-off", "my-kumaraswamy"), ESTIMATORS, (2,), R, timed=False)
    ended = [(m.problem, m.status) for m in running.run(suite, Store(tmp_path))]
    assert sorted(ended) == sorted(
        [("my-kumaraswamy", status) for status in ENDED.values()] + [("my-off", "error")] * 3
    )


@pytest.fixture
def found(monkeypatch):
    """The problems for which two runs were made to find a truth, which takes long."""
    asked = []

    def agreed(problem):
        asked.append(problem.name)
        return Truth(torch.ones(2).double(), torch.ones(2).double(), "reference", "planted")

    monkeypatch.setattr(module, "agreed_truth", agreed)
    return asked


def plane():
    return Problem(
        "plane", {"loc": torch.tensor([0.5, 1.0])}, lambda loc: Independent(Normal(loc, 1.0), 1),
        lambda x: x.prod(-1),
    )  # fmt: skip


def test_a_problem_is_prepared_once_and_again_if_somebody_writes_into_it(found):
    problem = plane()
    first = prepare(problem)
    assert prepare(problem) is first
    assert found == ["plane"]
    problem.parameters["loc"][0] = 2.0
    assert prepare(problem) is not first
    assert found == ["plane"] * 2


def test_a_truth_that_takes_long_is_kept_from_one_run_to_the_next(found, tmp_path):
    first, second = prepare(plane(), tmp_path).truth, prepare(plane(), tmp_path).truth
    assert found == ["plane"]
    assert torch.equal(first.gradient, second.gradient)
    assert (second.method, second.note) == ("reference", "planted")
    prepare(plane())
    assert found == ["plane"] * 2  # without a folder nothing is kept


@pytest.mark.parametrize("truth", ["auto", {"probs": torch.tensor(1.0)}])
def test_no_truth_comes_from_a_density_with_a_wrong_derivative(truth):
    """torch clamps a probability of 1, so that enumeration finds 0 where d E[x] / d p is 1."""
    sure = Problem("sure", {"probs": torch.tensor(1.0)}, Bernoulli, lambda x: x, truth=truth)
    prepared = prepare(sure)
    assert any("wrong derivative" in one for one in prepared.cautions)
    if truth == "auto":
        assert prepared.truth is None
        assert "No exact gradient is stated" in prepared.cautions[-1]
    else:
        assert float(prepared.truth.gradient) == 1
