"""Strategies for the nodes of the suite's own programs are cells like any other."""

import json

import pytest

import estimators
from benchmarks import problems
from benchmarks.running.cell_spec import CellSpec, by_node
from benchmarks.running.selection import choose
from benchmarks.running.suite import Suite, run
from benchmarks.store.store import Store

PROGRAMS = ("hierarchical-vae", "sigmoid-belief-2", "frozen-lake", "discrete-choice-then-action")


@pytest.mark.parametrize("name", PROGRAMS)
@pytest.mark.parametrize("suite", ["quick", "full"])
def test_a_suite_has_strategies_by_node(name, suite):
    cells = Suite((name,), tuple(estimators.names(suite)), whole=True).cells
    own = [cell for cell in cells if by_node(cell.estimator)]
    assert 2 <= len({cell.estimator for cell in own}) <= 3
    nodes = {node.partition(".")[0] for node in problems.load(name).nodes}
    for cell in own:
        keys = estimators.create(cell.estimator).nodes
        assert {key.partition(".")[0] for key in keys} == nodes
    assert {cell.samples for cell in own} == {1, 4}


def test_they_are_measured_once_and_kept_under_their_names(tmp_path):
    store = Store(tmp_path)
    chosen = (
        "option=gumbel-softmax:temperature=0.3, action=pathwise",
        "option=reinforce-loo, action=pathwise",
    )
    suite = Suite(("discrete-choice-then-action",), chosen, (4,), 200, timed=False)
    first, second = run(suite, store)
    assert first.estimator == "option=gumbel-softmax, action=pathwise"
    assert json.loads(first.config)["option"]["temperature"] == 0.3
    assert (second.status, second.samples, second.evaluations) == ("ok", 4, 4)
    assert list(run(suite, store, resume=True)) == []
    assert len(list(store)) == 2


def test_of_a_problem_without_nodes_they_are_refused(tmp_path):
    suite = Suite(("bernoulli-quadratic",), ("b=disarm, z=pathwise",), (2,), 200, timed=False)
    (found,) = run(suite, Store(tmp_path))
    assert found.status == "refused"
    assert "need a program" in found.reason


def test_names_are_taken_apart():
    cell = CellSpec("p", "b=gumbel-softmax:temperature=0.1,hard=true, c,d=reinforce", 1)
    assert cell.name == "b=gumbel-softmax, c,d=reinforce"
    assert cell.registered == ("gumbel-softmax", "reinforce")
    plain = CellSpec("p", "gumbel-softmax:temperature=0.1", 1)
    assert (plain.name, plain.registered) == ("gumbel-softmax", ("gumbel-softmax",))
    assert list(estimators.create(cell.estimator).nodes) == ["b", "c,d"]
    assert choose("estimator", ("b=disarm, z=pathwise",), ["arm"]) == ("b=disarm, z=pathwise",)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("b=disarm, b=arm", "each node once"),
        ("b=disarm, z", "'z' in 'b=disarm, z' is no strategy"),
        ("b=disarm, z=", "is no strategy"),
        ("b=disarm z=pathwise", "is no strategy"),
        ("b=dizarm", "Did you mean 'disarm'"),
        ("*=reinforce, b=arm", "has two strategies"),
    ],
)
def test_what_is_no_strategy_is_said(text, says):
    with pytest.raises(ValueError, match=says):
        estimators.create(text)
