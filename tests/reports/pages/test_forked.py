"""Work in forked processes: the same results in the same order, whatever becomes of a process.

Pytest's own workers have a thread, so each forks in a process of its own.
"""

import os
import subprocess
import sys
import threading
from functools import partial

import pytest

from reports.pages import forked

START = """
import os, signal
from functools import partial
from reports.pages import forked

forked._processors = lambda: 2
here = os.getpid()

def where(place):
    return place, os.getpid()

def results(work, count=40):
    return forked.results([partial(work, place) for place in range(count)])
"""


def process(code):
    done = subprocess.run(
        [sys.executable, "-c", START + code], text=True, capture_output=True, timeout=120
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "code",
    [
        """
found = results(where)
assert [place for place, _ in found] == list(range(40))
assert here not in {process for _, process in found}
""",
        """
few = results(where, 2 * forked.FEWEST - 1)
assert {process for _, process in few} == {here}
""",
        """
def fragile(place):
    if place == 7 and os.getpid() != here:
        os.kill(os.getpid(), signal.SIGKILL)
    return place

assert results(fragile) == list(range(40))
""",
        """
import torch

torch.set_num_threads(2)
many = torch.ones(10**6)
assert many.exp().sum() > 0  # OpenMP has threads now, which no fork has

def on_threads(place):
    return os.getpid() != here and bool(many.exp().sum() > 0)

assert all(results(on_threads))
""",
    ],
    ids=["in order", "few are done here", "a process is ended", "beside OpenMP"],
)
def test_works_are_shared(code):
    assert process(code) == (0, "")


def test_a_failure_is_raised_here():
    status, said = process("""
def failing(place):
    raise ValueError(f"page {place}")

results(failing)
""")
    assert status == 1
    assert "ValueError: page" in said


def test_beside_a_thread_works_are_done_here(monkeypatch):
    monkeypatch.setattr(forked, "_processors", lambda: 2)
    ended = threading.Event()
    beside = threading.Thread(target=ended.wait)
    beside.start()
    try:
        found = forked.results([partial(lambda place: os.getpid(), place) for place in range(40)])
    finally:
        ended.set()
        beside.join()
    assert {*found} == {os.getpid()}
