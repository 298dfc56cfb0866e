"""What is timed: where speed can fail, within its seconds, changed code first."""

from contextlib import contextmanager

import pytest

from benchmarks.regression import speed
from benchmarks.regression.repository import Gate
from benchmarks.regression.selection import Selection
from benchmarks.regression.speed_findings import Timing
from benchmarks.running.cell_spec import CellSpec

CELLS = [CellSpec("p", name, 1, 100) for name in ("a", "b", "c", "d")]


class Launches:
    """In place of workers: each cell takes a second of a clock that counts them."""

    def __init__(self):
        self.now, self.order = 0.0, [[]]

    def clock(self):
        return self.now

    @contextmanager
    def workers(self, *sides, cpu=None):
        yield [self, self]
        self.order.append([])

    def load(self):
        return {}

    def pairs(self, both, cell, *_):
        self.now += 1
        self.order[-1].append(cell.estimator)
        return cell.estimator


@pytest.fixture
def launches(monkeypatch):
    made = Launches()
    monkeypatch.setattr(speed, "workers", made.workers)
    monkeypatch.setattr(speed, "pairs", made.pairs)
    return made


def timed(launches, seconds):
    effort = speed.Effort(5, 1)
    return speed.launches(
        [None, None], CELLS, effort, "cpu", 0, seconds=seconds, clock=launches.clock
    )


def test_every_cell_is_timed_in_each_launch(launches):
    assert set(timed(launches, float("inf"))) == set(CELLS)
    assert [sorted(order) for order in launches.order[:5]] == [list("abcd")] * 5


def test_few_seconds_time_the_first_cells_as_often(launches):
    """Ten seconds over five launches are two each: the second cell begins within them."""
    found = timed(launches, 9.0)
    assert {cell.estimator: len(each) for cell, each in found.items()} == {"a": 5, "b": 5}
    assert launches.order[0] == ["a", "b"]  # in the order given
    assert launches.now == 10


@pytest.mark.parametrize(
    ("given", "gate", "measured"),
    [
        ({}, Gate(), False),
        ({"timed": True}, Gate(), True),
        ({"fail_on": ("speed",)}, Gate(), True),
        ({}, Gate(fail_on=["bias", "memory"]), True),
        ({"fail_on": ("bias",)}, Gate(fail_on=["speed"]), False),
        ({"seconds": 5.0}, Gate(), True),
        ({"timed": False, "fail_on": ("speed",)}, Gate(), False),
    ],
)
def test_speed_is_measured_where_it_can_fail_or_is_asked_for(given, gate, measured):
    assert Selection(**given).with_gate(gate).speed is measured


def test_what_the_command_says_comes_before_the_gate():
    gate = Gate(suite="full", samples=[8], fail_on=[], problems=["p"])
    assert Selection().with_gate(gate).fail_on == ()
    chosen = Selection(suite="quick", samples=(2,), problems=("q",)).with_gate(gate)
    assert (chosen.suite, chosen.samples, chosen.problems) == ("quick", (2,), ("q",))


def test_estimators_whose_code_changed_come_first():
    sides = [{"sources": {"a": "x", "b": "x"}}, {"sources": {"a": "x", "b": "y", "c": "z"}}]
    timing = Timing([None, None], Selection(timed=True), sides, print)
    found = sorted([CellSpec("p", n, 1, 9) for n in ("a", "b", "c")], key=timing._unchanged)
    assert [cell.estimator for cell in found] == ["b", "c", "a"]
