"""The seconds of a race on the command line count from where the command began."""

import itertools
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from benchmarks.machine.deadline import Deadline
from gradmeter.command import main
from gradmeter.commands import compare

NORMAL = ["compare", "torch.distributions:Normal", "loc=1", "scale=1", "--cost", "quadratic"]


@pytest.mark.parametrize("sweep", [[], ["--sweep", "loc=0,1"]])
def test_reading_the_problem_and_the_table_are_in_the_seconds(monkeypatch, sweep):
    advanced, clock = [], itertools.chain([100.0, 107.0], itertools.repeat(107.0))
    monkeypatch.setattr(Deadline, "advance", lambda self, spent: advanced.append(spent))
    monkeypatch.setattr(compare, "time", SimpleNamespace(perf_counter=lambda: next(clock)))
    asked = [*NORMAL, *sweep, "-e", "pathwise", "-R", "200", "--seconds", "600"]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output
    assert advanced == [7.0 + min(0.05 * 600, 2.0)]


def test_without_seconds_no_clock_is_asked(monkeypatch):
    monkeypatch.setattr(Deadline, "advance", lambda self, spent: pytest.fail("no race"))
    done = CliRunner().invoke(main, [*NORMAL, "-e", "pathwise", "-R", "200"])
    assert done.exit_code == 0, done.output
