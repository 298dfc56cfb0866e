"""Worktrees of a comparison: there while it lasts, gone whenever and however it ends."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import planted
import pytest

from benchmarks.machine import allocator
from benchmarks.regression import speed
from benchmarks.regression import worktrees as module
from benchmarks.regression.revisions import Progress, compare_revisions
from benchmarks.regression.selection import Selection
from benchmarks.regression.signals import interruptible, undisturbed
from benchmarks.regression.worktrees import Code, checkouts, commit_of

NAMES = ("main", "main")


@pytest.fixture
def repository(tmp_path):
    planted.git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "file").write_text("A state.")
    return planted.commit(tmp_path)


def worktrees(folder):
    return len(planted.git(folder, "worktree", "list").splitlines()) - 1


@pytest.fixture(autouse=True)
def as_started_from_a_terminal():
    """Also where the tests themselves were started to ignore signals, as by nohup."""
    handlers = {
        signal.SIGINT: signal.default_int_handler,
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGHUP: signal.SIG_DFL,
    }
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_it_lasts_leaves_nothing(repository, number):
    before = signal.getsignal(number)
    found = []

    def use():
        with checkouts(NAMES, repository) as roots:
            found.extend(roots)
            assert worktrees(repository) == 2
            signal.raise_signal(number)

    with pytest.raises(KeyboardInterrupt):
        use()
    assert worktrees(repository) == 0
    assert not any(root.exists() for root in found)
    assert signal.getsignal(number) == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("moment", range(6))  # before and after two of add, two of remove
def test_a_signal_while_git_works_leaves_nothing(repository, monkeypatch, number, moment):
    calls = []

    def git(folder, *arguments):
        calls.append(arguments)
        if len(calls) == moment + 1:
            signal.raise_signal(number)
        return subprocess.run(["git", "-C", folder, *arguments], capture_output=True, text=True,
                              check=True).stdout.strip()  # fmt: skip

    monkeypatch.setattr(module, "git", git)
    entered = []

    def use():
        with checkouts(NAMES, repository) as roots:
            entered.extend(roots)

    with pytest.raises(KeyboardInterrupt):
        use()
    assert bool(entered) == (moment >= 4)
    assert worktrees(repository) == 0
    assert len(calls) == 6


def test_what_is_no_revision_leaves_nothing(repository):
    with pytest.raises(ValueError, match="'nowhere' is no git revision"):
        checkouts(("main", "nowhere"), repository).__enter__()
    assert worktrees(repository) == 0


def test_a_revision_that_git_cannot_check_out_is_told_in_its_words(repository, monkeypatch):
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(repository))
    (repository / "post-checkout").write_text("#!/bin/sh\necho 'no room' >&2\nexit 1\n")
    (repository / "post-checkout").chmod(0o755)
    with pytest.raises(ValueError, match="git could not check out 'main': no room"):
        checkouts(NAMES, repository).__enter__()
    assert worktrees(repository) == 0


def test_signals_that_were_held_back_are_sent_again_once():
    done = []

    def work():
        with interruptible(), undisturbed():
            signal.raise_signal(signal.SIGTERM)
            signal.raise_signal(signal.SIGINT)
            done.append(True)

    with pytest.raises(KeyboardInterrupt):
        work()
    assert done


@pytest.fixture
def packages(tmp_path):
    return planted.checkout(tmp_path)


def test_a_command_that_is_terminated_leaves_nothing(packages):
    command = [sys.executable, "-P", "-m", "gradmeter", "regress", "main", "main", "--no-speed"]
    process = subprocess.Popen(command, cwd=packages, text=True, stderr=subprocess.PIPE,
                               env=os.environ | {"OMP_NUM_THREADS": "1"})  # fmt: skip
    while not worktrees(packages):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.01)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=600)
    assert process.returncode == 130
    assert "there is no report" in said
    assert worktrees(packages) == 0


class Terminated(Progress):
    """Sends SIGTERM where the third cell begins."""

    count = 0

    def step(self, cell):
        self.count += 1
        if self.count == 3:
            signal.raise_signal(signal.SIGTERM)


def test_what_was_compared_before_a_signal_is_in_the_report(packages):
    cells = Selection(problems=("normal-quadratic",), estimators=("pathwise", "reinforce*"),
                      replicates=500, timed=False)  # fmt: skip
    document = compare_revisions(*NAMES, cells, repository=packages, progress=Terminated())
    assert document.exit_status == 130
    assert "Interrupted" in document.sentence
    assert document.completeness["cells"] == 2
    assert worktrees(packages) == 0


def test_a_cell_that_kills_its_process_while_it_is_timed_is_left_out(tmp_path, monkeypatch):
    def pairs(both, cell, *_):
        if cell[0] == "deadly":
            both[1]("exit")
        both[1]("still there")
        return cell[0]

    worker = tmp_path / "worker.py"  # answers everything, unless it is to die
    worker.write_text(
        "import os, pickle, sys\n"
        "while True:\n"
        "    request, _ = pickle.load(sys.stdin.buffer)\n"
        "    if request == 'exit':\n"
        "        os.kill(os.getpid(), 9)\n"
        "    pickle.dump((True, None), sys.stdout.buffer)\n"
        "    sys.stdout.flush()\n"
    )
    monkeypatch.setattr(module, "WORKER", worker)
    monkeypatch.setattr(speed, "pairs", pairs)
    cells = [("deadly", "e", 1, 100), ("good", "e", 1, 100)]
    found = speed.launches([Code(tmp_path)] * 2, cells, speed.Effort(3, 1), "cpu", 0)
    assert found == {cells[1]: ["good"] * 3}


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="no choice of processors here")
def test_the_workers_of_a_launch_share_a_processor_and_keep_freed_memory(monkeypatch):
    def places(both):
        return {tuple(os.sched_getaffinity(worker._process.pid)) for worker in both}

    def pairs(both, *_):
        found.append(places(both))
        both[0].close()
        both[0].start()  # as after a cell that killed it
        found.append(places(both))
        environment = Path(f"/proc/{both[1]._process.pid}/environ").read_bytes().decode()
        assert f"MALLOC_TRIM_THRESHOLD_={allocator.KEPT}" in environment

    found = []
    monkeypatch.setattr(speed, "pairs", pairs)
    root = Path(module.__file__).parents[2]
    speed.launches([Code(root)] * 2, [("toy", "e", 1, 100)], speed.Effort(2, 1), "cpu", 0)
    assert len(found) == 4
    for place in found:
        ((cpu,),) = place
        assert cpu in os.sched_getaffinity(0)


BEFORE_THE_ROOMS = "4cdde95"  # the last commit whose modules lay loose in `benchmarks`


def test_a_revision_from_before_the_rooms_is_measured_beside_this_one():
    try:
        commit_of(BEFORE_THE_ROOMS, planted.ROOT)
    except ValueError:
        pytest.skip("a shallow clone: the old commit is not here")
    cells = Selection(problems=("normal-quadratic",), estimators=("pathwise", "reinforce-loo"),
                      samples=(2,), replicates=500, timed=False)  # fmt: skip
    found = compare_revisions(BEFORE_THE_ROOMS, str(planted.ROOT), cells, repository=planted.ROOT)
    assert {finding.verdict for finding in found.cells} <= {"identical", "unchanged"}
    assert len(found.cells) == 4
