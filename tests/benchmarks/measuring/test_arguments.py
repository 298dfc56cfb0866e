"""What is passed to measure and compare: what is meant is done, anything else is one sentence."""

import pytest
import torch

import estimators
from benchmarks import Problem, compare, measure


@pytest.fixture
def normal():
    parameters = {"loc": torch.tensor(1.0), "scale": torch.tensor(1.0)}
    return Problem("normal", parameters, torch.distributions.Normal, lambda x: x.square())


@pytest.mark.parametrize(
    "chosen",
    ["pathwise", ["pathwise"], ("pathwise",), estimators.create("pathwise")],
    ids=["name", "list", "tuple", "instance"],
)
def test_one_estimator_or_several(normal, chosen):
    frame = compare(normal, chosen, replicates=200)
    assert frame["estimator"].tolist() == ["pathwise"]


def test_several_samples(normal):
    frame = compare(normal, "pathwise", samples=[1, 4], replicates=200)
    assert frame["samples"].tolist() == [1, 4]


def test_a_dtype_by_its_name(normal):
    by_name = measure(normal, "pathwise", replicates=200, dtype="float32", timed=False)
    itself = measure(normal, "pathwise", replicates=200, dtype=torch.float32, timed=False)
    assert by_name.dtype == "float32"
    assert by_name.variance == itself.variance


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"samples": 1.5}, "samples=1.5: K is a whole number"),
        ({"samples": True}, "samples=True: K is a whole number"),
        ({"samples": "4"}, "samples='4': K is a whole number"),
        ({"samples": 0}, "at least one sample"),
        ({"replicates": 1e4}, "replicates=10000.0: R is a whole number"),
        ({"device": "cuda:99"}, "There is no device cuda:99 here"),
        ({"device": "gpu"}, "use 'cpu', 'cuda'"),
        ({"dtype": "double precision"}, "use one of float64"),
        ({"dtype": torch.int64}, "use one of float64"),
        ({"precision": -0.1}, "precision"),
    ],
    ids=str,
)
@pytest.mark.parametrize("door", [measure, compare])
def test_what_cannot_be_meant_is_a_sentence(normal, door, wrong, says):
    with pytest.raises(ValueError, match=says):
        door(normal, "pathwise", **{"replicates": 200} | wrong)


@pytest.mark.parametrize("wrong", [3, estimators.core.Estimator, None])
def test_what_is_no_estimator_is_named(normal, wrong):
    with pytest.raises(TypeError, match="is no estimator; give a name"):
        measure(normal, wrong)
