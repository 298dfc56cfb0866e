"""A user's mistakes: each gets one clear sentence that names the object and the way out."""

import pytest
import torch
from click.testing import CliRunner
from torch.distributions import Bernoulli, Distribution, Independent, Normal

import estimators
from benchmarks import Problem, ProblemError, measure
from benchmarks.objective.definition import unvalidated
from benchmarks.validation.interface_checks import check
from gradmeter import main

LAMBDA = {"loc": torch.zeros(3).double(), "scale": torch.ones(3).double()}


def problem(parameters=None, family=Normal, cost=lambda x: x.square(), **more):
    return Problem("mine", parameters or LAMBDA, family, cost, **more)


PROBLEMS = {
    "cost of the wrong shape": (
        lambda: problem(family=lambda loc, scale: Independent(Normal(loc, scale), 1)),
        "1 event axes",
    ),
    "cost returns no tensor": (lambda: problem(cost=lambda x: 1.0), "a float"),
    "cost is NaN": (lambda: problem(cost=lambda x: x.log()), "not finite for"),
    "cost ignores x": (lambda: problem(cost=lambda x: torch.ones_like(x)), "ignores x"),
    "cost mixes replicates": (lambda: problem(cost=lambda x: x - x.mean(1, True)), "mixes"),
    "cost draws noise": (lambda: problem(cost=lambda x: x + torch.randn_like(x)), "other values"),
    "cost raises": (lambda: problem(cost=lambda x: x @ torch.ones(7)), "raises RuntimeError"),
    "cost returns integers": (lambda: problem(cost=lambda x: (x > 0).long()), "torch.int64"),
    "constraint violated": (
        lambda: problem({"loc": torch.zeros(3), "scale": -torch.ones(3)}),
        "raises ValueError: Expected parameter scale",
    ),
    "family ignores a parameter": (
        lambda: problem(family=lambda loc, scale: Normal(loc, 1.0)),
        "ignores its parameter 'scale'",
    ),
    "family does not broadcast": (
        lambda: problem({"loc": torch.zeros(3), "scale": torch.tensor(1.0)}, family=Normal),
        "broadcast from the right",
    ),
    "family returns no distribution": (
        lambda: problem(family=lambda loc, scale: loc),
        "must return a torch.distributions.Distribution",
    ),
    "integer parameter": (
        lambda: problem({"loc": torch.tensor(1)}),
        "floating tensor",
    ),
    "no parameters": (lambda: Problem("mine", {}, Normal, lambda x: x), "no parameters"),
}


class Loose(Normal):
    """A class whose users turn torch's checks off."""


def test_parameters_are_checked_though_compiling_ended_torch_s_checks():
    with unvalidated():
        with pytest.raises(ProblemError, match="Expected parameter scale"):
            check(problem({"loc": torch.zeros(3), "scale": -torch.ones(3)}))
        assert not Distribution._validate_args
        found = problem({"loc": torch.zeros(3), "scale": -torch.ones(3)}, family=Loose)
        with pytest.raises(ProblemError, match="std >= 0"):  # torch's own sampler
            check(found)
        check(problem())


@pytest.mark.parametrize("mistake", PROBLEMS)
def test_a_problem(mistake):
    build, words = PROBLEMS[mistake]
    with pytest.raises(ProblemError) as caught:
        check(build())
    sentence = str(caught.value)
    assert words in sentence
    assert "mine" in sentence
    assert sentence.count("\n") == 0


ARGUMENTS = {
    "K = 0": (lambda: measure(problem(), "pathwise", samples=0), "at least one sample"),
    "R too small": (lambda: measure(problem(), "pathwise", replicates=20), "at least 100"),
    "precision": (lambda: measure(problem(), "pathwise", precision=5.0), "between 0 and 1"),
    "temperature": (
        lambda: estimators.create("gumbel-softmax", temperature=0.0),
        "must be positive",
    ),
    "decay": (lambda: estimators.baselines.MovingAverage(1.5), "between 0 and 1"),
    "pilot": (lambda: estimators.create("reinforce-optimal", pilot=1), "at least 2"),
    "name": (lambda: estimators.create("pathwize"), "Did you mean 'pathwise'"),
    "problem": (lambda: __import__("benchmarks.problems").problems.load("normal"), "Known:"),
    "taken": (
        lambda: estimators.register("pathwise")(estimators.straight_through.StraightThrough),
        "is taken by",
    ),
}


@pytest.mark.parametrize("mistake", ARGUMENTS)
def test_an_argument(mistake):
    act, words = ARGUMENTS[mistake]
    with pytest.raises(ValueError, match=words):
        act()


def test_an_unknown_field_names_the_fields():
    with pytest.raises(TypeError, match="its fields are: hard, temperature"):
        estimators.create("gumbel-softmax", temprature=1.0)


def test_leave_one_out_with_one_sample_is_a_row():
    measured = measure(problem(), "reinforce-loo", samples=1)
    assert measured.status == "refused"
    assert "samples=2" in measured.reason


def test_a_cost_without_a_derivative_is_a_row():
    measured = measure(problem(cost=lambda x: x.detach().square()), "pathwise", replicates=200)
    assert measured.status == "refused"
    assert "score-function" in measured.reason


def test_gradients_that_are_not_finite_are_a_row_with_their_share():
    logits = {"logits": torch.tensor([0.0, 1.0]).double()}
    measured = measure(
        problem(logits, lambda logits: Bernoulli(logits=logits), lambda x: x.sqrt()),
        "straight-through",  # the derivative of √x at 0 is infinite
        replicates=200,
    )
    assert measured.status == "error"
    assert measured.unhealthy > 0
    assert "not finite" in measured.reason


COMMANDS = {
    "unknown estimator": (["run", "-e", "pathwize"], "Did you mean 'pathwise'"),
    "unknown problem": (["run", "-p", "normal-quadratik"], "normal-quadratic"),
    "K not a number": (["run", "-K", "two"], "1,16"),
    "K = 0": (["run", "-K", "0", "-p", "normal-linear", "-e", "pathwise"], "at least one sample"),
    "missing file": (["compare", "missing.py"], "There is no file"),
    "file that raises": (["compare", "raises.py"], "does not import: ZeroDivisionError"),
    "file without a problem": (["compare", "empty.py"], "holds no Problem"),
    "file with two": (["compare", "two.py"], "say which"),
    "wrong name": (["compare", "two.py:c"], "no Problem 'c'"),
    "no cost": (["compare", "torch.distributions:Normal", "loc=0", "scale=1"], "--cost"),
    "no such distribution": (
        ["compare", "torch.distributions:Norml", "loc=0", "--cost", "linear"],
        "Did you mean 'Normal'",
    ),
    "no number": (
        ["compare", "torch.distributions:Normal", "loc=x", "--cost", "linear"],
        "NAME=NUMBER",
    ),
    "no store": (["report", "nowhere"], "gradmeter run"),
}
FILES = {
    "raises.py": "1 / 0\n",
    "empty.py": "x = 1\n",
    "two.py": """import torch
from torch.distributions import Normal
from benchmarks import Problem
a = Problem("a", {"loc": torch.tensor(0.0)}, lambda loc: Normal(loc, 1.0), lambda x: x)
b = Problem("b", {"loc": torch.tensor(0.0)}, lambda loc: Normal(loc, 1.0), lambda x: x)
""",
}


@pytest.mark.parametrize("mistake", COMMANDS)
def test_a_command(mistake, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    arguments, words = COMMANDS[mistake]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 2, done.output
    assert words in done.stderr
    assert "Traceback" not in done.output
