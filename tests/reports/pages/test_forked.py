"""Work in forked processes: the same results in the same order, whatever becomes of a process."""

import os
import signal
import threading
from functools import partial

import pytest

from reports.pages import forked


@pytest.fixture(autouse=True)
def two_processors(monkeypatch):
    monkeypatch.setattr(forked, "_processors", lambda: 2)
    monkeypatch.setattr(forked.threading, "active_count", lambda: 1)  # pytest's own aside


def where(place):
    return place, os.getpid()


def test_works_are_shared_and_come_in_order():
    found = forked.results([partial(where, place) for place in range(40)])
    assert [place for place, _ in found] == list(range(40))
    assert os.getpid() not in {process for _, process in found}


def test_few_works_and_those_beside_a_thread_are_done_here(monkeypatch):
    few = forked.results([partial(where, place) for place in range(2 * forked.FEWEST - 1)])
    monkeypatch.setattr(forked.threading, "active_count", lambda: 2)
    many = forked.results([partial(where, place) for place in range(40)])
    assert {process for _, process in [*few, *many]} == {os.getpid()}
    assert forked.threading is threading


def test_a_process_that_is_ended_costs_no_result():
    here = os.getpid()

    def fragile(place):
        if place == 7 and os.getpid() != here:
            os.kill(os.getpid(), signal.SIGKILL)
        return place

    assert forked.results([partial(fragile, place) for place in range(40)]) == list(range(40))


def test_a_failure_is_raised_here():
    def failing(place):
        raise ValueError(f"page {place}")

    with pytest.raises(ValueError, match="page"):
        forked.results([partial(failing, place) for place in range(40)])
