"""A name in a registry belongs to the file that took it, for estimators and for problems."""

import pytest

import estimators
from benchmarks import ProblemError, problems
from benchmarks.objective.loading import read_file
from estimators.pathwise import Pathwise

SHADOW = """
import estimators
from estimators import Estimator

@estimators.register({name!r})
class {cls}(Estimator):
    '''d.'''
    def surrogate(self, dist, cost, samples=1):
        return 3 * cost(dist.rsample((samples,)), dist).mean(0)
"""
PROBLEM = """
import torch
from torch.distributions import Normal
from benchmarks import Problem, problems

@problems.register({name!r})
def {function}():
    given = {{"loc": torch.tensor(1.0)}}
    return Problem({name!r}, given, lambda loc: Normal(loc, 1.0), lambda x: x)
"""


def written(folder, text, file="mine.py"):
    folder.mkdir(exist_ok=True)
    (folder / file).write_text(text)
    return folder / file


@pytest.mark.parametrize("name", ["pathwise", "reinforce", "vimco", "straight-through"])
def test_a_built_in_estimator_is_not_replaced(name, tmp_path):
    before = type(estimators.create(name))
    for index, cls in enumerate((before.__name__, "Mine")):
        file = written(tmp_path, SHADOW.format(name=name, cls=cls), f"mine{index}.py")
        with pytest.raises(ProblemError, match=f"'{name}' is taken by {before.__name__} of"):
            read_file(file)
    assert type(estimators.create(name)) is before


@pytest.mark.parametrize("name", ["normal-quadratic", "vae-digits", "bernoulli-quadratic"])
def test_a_built_in_problem_is_not_replaced(name, tmp_path):
    before = problems.entry(name)
    holder = before.build.__name__  # a factory's functions are all called alike
    file = written(tmp_path, PROBLEM.format(name=name, function=holder))
    with pytest.raises(ProblemError, match=f"The name '{name}' is taken by"):
        read_file(file)
    assert problems.entry(name) is before


def test_the_same_file_may_be_read_again(tmp_path):
    file = written(tmp_path, SHADOW.format(name="u-mine", cls="Mine"))
    read_file(file)
    before = type(estimators.create("u-mine"))
    read_file(file)
    assert type(estimators.create("u-mine")) is not before
    again = written(tmp_path, PROBLEM.format(name="u-problem", function="build"), "other.py")
    read_file(again)
    read_file(again)
    assert problems.load("u-problem").name == "u-problem"


def test_a_file_of_the_same_name_in_another_folder_is_another_file(tmp_path):
    read_file(written(tmp_path / "a", SHADOW.format(name="u-mine", cls="Mine")))
    with pytest.raises(ProblemError, match=r"is taken by Mine of .*a/mine\.py"):
        read_file(written(tmp_path / "b", SHADOW.format(name="u-mine", cls="Mine")))


def test_one_class_may_have_several_names():
    estimators.register("u-one")(Pathwise)
    estimators.register("u-two")(Pathwise)
    assert {"u-one", "u-two"} <= set(estimators.names())
