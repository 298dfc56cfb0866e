"""The runner: what it leaves out, what it costs beside measuring, and what it keeps in memory."""

import math
import os
import platform
import subprocess
import sys
import time
import tracemalloc
from dataclasses import replace

import pytest
import torch
from records import without_timings
from torch.distributions import Independent, Normal

import estimators
from benchmarks import Problem, measure, problems
from benchmarks.machine import timing
from benchmarks.measuring import time_and_memory
from benchmarks.peers import scaling
from benchmarks.running import in_process
from benchmarks.running import suite as running
from benchmarks.store.store import Store
from estimators.control_variates import learned_by_descent

TINY = running.Suite(("normal-linear",), ("pathwise",), replicates=100, timed=False)


def test_timings_are_added_to_what_was_measured_without(tmp_path):
    whole, later = Store(tmp_path / "whole"), Store(tmp_path / "later")
    suite = running.Suite(("normal-quadratic",), ("pathwise", "gumbel-softmax"), (1,), 1000)
    list(running.run(suite, whole))
    list(running.run(replace(suite, timed=False), later))
    assert len(running.untimed(suite, later)) == 1
    assert not running.untimed(suite, whole)
    list(running.time_alone(running.untimed(suite, later), later))
    assert without_timings(later) == without_timings(whole)
    assert not running.untimed(suite, later)
    for ours, theirs in zip(later.latest().values(), whole.latest().values(), strict=True):
        assert (ours["seconds"] is None) == (theirs["seconds"] is None)
        assert ours["context"]["isolated"] == theirs["context"]["isolated"]


FAULTS = """
import resource, torch
from benchmarks.running.cell_spec import CellSpec
from benchmarks.running.job import Job, measure

def faults():
    for _ in range(20):
        torch.zeros(2**24).add(1)  # two times 64 MB, above what glibc ever keeps by itself
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt

if {measures}:
    measure(Job(CellSpec("normal-linear", "pathwise", 1, 100), timed=False))
print(-faults() + faults())
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another allocator")
def test_whoever_measures_keeps_freed_memory():
    def faults(measures):
        code = FAULTS.format(measures=measures)
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True)
        return int(done.stdout)

    runs = ((faults(True), faults(False)) for _ in range(3))  # a busy system takes pages away
    assert any(10 * kept < given_back for kept, given_back in runs)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no choice of processors here")
def test_a_block_is_timed_on_one_processor():
    before, seen = os.sched_getaffinity(0), set()

    def block():
        seen.add(tuple(os.sched_getaffinity(0)))

    timing.time_block(block, 1, torch.device("cpu"))
    ((cpu,),) = seen
    assert cpu in before
    assert os.sched_getaffinity(0) == before


@pytest.mark.parametrize(
    ("raised", "reason"),
    [
        (KeyError("absent"), "KeyError: 'absent'"),
        (MemoryError(), "It asked for more memory than is"),
    ],
)
def test_a_cell_that_raises_whatever_it_raises_is_a_record(tmp_path, monkeypatch, raised, reason):
    def fails(*_, **__):
        raise raised

    monkeypatch.setattr("benchmarks.measuring.task.Task.measured", fails)
    (ended,) = running.run(replace(TINY, samples=(1,)), Store(tmp_path))
    assert ended.status == "error"
    assert ended.reason.startswith(reason)


def overhead(cells, tmp_path, monkeypatch, clock=time.thread_time):
    """Seconds of CPU that the runner spends on each cell beside measuring it; no disk counts."""
    measuring = 0.0
    measure_in = in_process.measure_in

    def watched(*given):
        nonlocal measuring
        start = clock()
        try:
            return measure_in(*given)
        finally:
            measuring += clock() - start

    list(running.run(replace(TINY, samples=(1,)), Store(tmp_path / "once")))  # reads the problems
    monkeypatch.setattr(in_process, "measure_in", watched)
    suite = replace(TINY, problems=TINY.problems * (cells // 10), samples=tuple(range(1, 11)))
    start = clock()
    count = sum(m.status == "ok" for m in running.run(suite, Store(tmp_path / "all")))
    assert count == cells
    return (clock() - start - measuring) / cells


def test_the_runner_works_less_than_ten_milliseconds_a_cell(tmp_path, monkeypatch):
    assert overhead(200, tmp_path, monkeypatch) < 0.01


def test_memory_does_not_grow_with_what_a_cell_holds(tmp_path, monkeypatch):
    suite = replace(TINY, samples=(1,))
    (one,) = running.run(suite, Store(tmp_path / "one"))
    many = replace(TINY, samples=tuple(range(1, 1001)))
    large = replace(one, reason="x" * 100_000, blocks=None)
    monkeypatch.setattr(
        in_process, "measure_in", lambda child, job: replace(large, samples=job.cell.samples)
    )
    monkeypatch.setattr("os.fsync", lambda number: None)
    tracemalloc.start()
    try:
        for _ in running.run(many, Store(tmp_path / "many")):
            pass
        assert len(running.finished(Store(tmp_path / "many"))) == 1000
        assert tracemalloc.get_traced_memory()[1] < 20e6  # the records are 100 MB
    finally:
        tracemalloc.stop()


@pytest.mark.study
def test_ten_thousand_cells(tmp_path, monkeypatch):
    assert overhead(10_000, tmp_path, monkeypatch) < 0.01


def test_a_suite_measures_an_application_by_a_part_of_the_shelf():
    names = ("normal-quadratic", "vae-sampled-kl")
    suite = running.Suite(names, tuple(estimators.names()), whole=True)
    measured = {name: {e for p, e, *_ in suite.cells if p == name} for name in names}
    assert measured["normal-quadratic"] == set(estimators.names())
    assert measured["vae-sampled-kl"] == {
        *estimators.names("quick"),
        *problems.also("vae-sampled-kl"),
    }
    asked = running.Suite(names, ("relax",))
    assert {e for _, e, *_ in asked.cells} == {"relax"}


def test_stages_before_the_last_are_in_no_suite():
    assert "vae-digits@start" in problems.names()
    assert not [name for name in problems.names("full") if "@" in name]
    assert set(problems.names("quick")) < set(problems.names("full"))


def test_what_is_timed_learned_for_one_step_but_is_as_learned(monkeypatch):
    steps = []

    def counted(dist, surrogate, start, steps_asked, fit=learned_by_descent.fit):
        steps.append(steps_asked)
        return fit(dist, surrogate, start, steps_asked)

    monkeypatch.setattr(learned_by_descent, "fit", counted)
    measured = measure(problems.load("bernoulli-linear"), "relax", replicates=1000)
    assert measured.status == "ok"
    assert measured.seconds > 0
    # to see what a block holds, to measure, to count what that costs, and to time
    assert steps == [1, 64, 64, 1]
    assert measured.fit_evaluations == 64


def test_of_a_block_that_takes_long_a_part_is_timed(monkeypatch):
    timed = []

    def spy(block, replicates, device, time_block=timing.time_block):
        timed.append((replicates, len(block()[0])))
        return time_block(block, replicates, device)

    monkeypatch.setattr(timing, "time_block", spy)
    for longest in (1e3, 0.0):
        monkeypatch.setattr(time_and_memory, "LONGEST", longest)
        assert measure(problems.load("normal-linear"), "pathwise", replicates=1000).seconds > 0
    assert timed == [(1000, 1000), (time_and_memory.FEW, time_and_memory.FEW)]


def test_estimators_that_evaluate_much_are_timed_in_smaller_blocks():
    assert time_and_memory.timed_block(128, 1.0) == time_and_memory.timed_block(128, 4.0) == 128
    assert time_and_memory.timed_block(1024, 33.0) == 124
    assert time_and_memory.timed_block(128, 1e6) == 16
    assert time_and_memory.timed_block(8, 1e6) == 8


def test_what_grows_is_measured_and_a_refusal_is_no_figure():
    seconds, peak = scaling.measured("pathwise", 2, 1, 200)
    assert seconds > 0
    assert peak > 50
    assert math.isnan(scaling.measured("reinforce-loo", 2, 1, 200)[0])
    assert scaling.stored("pathwise", 2)[0] > 0


@pytest.mark.parametrize("parameters", [1, 2])
def test_gradients_of_next_to_nothing_have_a_direction(parameters):
    loc = torch.full((parameters,), 0.5, dtype=torch.float64)
    problem = Problem(
        "flat", {"loc": loc}, lambda loc: Independent(Normal(loc, 20.0), 1),
        lambda x: x.erf().sum(-1), {"loc": 0.04 * torch.ones(parameters)},
    )  # fmt: skip
    found = measure(problem, "pathwise", replicates=2000, timed=False)
    assert found.status == "ok"
    assert 0 < found.cosine <= 1
    assert found.zero < 0.25
