"""Work is cut short where it stands, and the alarms of others stay."""

import math
import signal

import pytest

from benchmarks.machine.deadline import Deadline


def test_an_endless_loop_is_cut():
    with Deadline(3600).at_most(0.01) as state:
        try:
            while True:
                pass
        except Exception:
            pytest.fail("the end of the seconds is no failure of the work")
    assert state.cut


def test_what_ends_in_time_is_not_cut():
    with Deadline(3600).at_most() as state:
        found = 1 + 1
    assert found == 2
    assert not state.cut
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)


def test_nothing_is_left_after_the_end():
    deadline = Deadline(60)
    deadline.advance(100)
    assert deadline.left == 0
    assert deadline.spent >= 100
    deadline.advance(10)
    assert deadline.spent >= 100
    with deadline.at_most() as state:
        while True:
            pass
    assert state.cut


def test_the_alarm_of_somebody_else_goes_on():
    rang = []
    before = signal.signal(signal.SIGALRM, lambda *_: rang.append(1))
    try:
        signal.setitimer(signal.ITIMER_REAL, 3000)
        with Deadline(3600).at_most(0.01):
            while True:
                pass
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 3000
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert not rang


def test_no_seconds_given_is_no_limit():
    with Deadline(math.inf).at_most() as state:
        assert signal.getitimer(signal.ITIMER_REAL) == (0, 0)
    assert not state.cut
