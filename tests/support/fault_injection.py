"""Runs of `gradmeter run` with random faults, each in a forked process; says what it found.

`python fault_injection.py FOLDER FAULTS SEED [KIND…]` prints one JSON object.
"""

import errno
import json
import os
import random
import re
import resource
import signal
import sys
import time
import traceback
from pathlib import Path

import cell_faults
import pandas  # noqa: F401 (loaded before the forks, not in each)
import torch
from torch.distributions import Normal

import estimators
from benchmarks import Problem, problems
from benchmarks.machine import memory
from benchmarks.machine.environment import context
from benchmarks.running import in_process
from benchmarks.running import suite as running
from benchmarks.running.child_process import _cause_of_death
from benchmarks.store import atomic_files
from benchmarks.store.store import Store, identity
from estimators.pathwise import Pathwise
from gradmeter import main
from reports import terminal  # noqa: F401

SUITE = running.Suite(("first", "second"), ("pathwise", "fickle"), (1, 2), 200, timed=False)
COMMAND = ["run", "-p", "first", "-p", "second", "-e", "pathwise", "-e", "fickle", "-K", "1,2"]
COMMAND += ["-R", "200", "--no-timing", "--resume"]
BEFORE_IT_IS_WHOLE = 5  # faulty runs into a store before one without faults completes it
EXCEPTIONS = [ValueError(), KeyError("x"), ZeroDivisionError("division"), MemoryError(), OSError(5)]
WHERE = context()  # asking git in every run would be most of the time
in_process.context = lambda: WHERE
# What happens in which call of a wrapped function; and how long a whole run takes, in seconds.
now = {"calls": 0, "at": None, "act": None, "length": 0.3}
PARAMETERS: dict[str, torch.Tensor] = {}  # of each problem, for cells that write into them


STRUCK = b'["the fault"]'
LEFT = b'["settings left behind"]'


def strike():
    """Count a call, and do what is planned for it."""
    now["calls"] += 1
    if now["calls"] == now["at"]:
        os.write(now["line"], STRUCK + b"\n")
        return now["act"]()
    return None


def made(name, loc):
    """A problem of one parameter."""
    PARAMETERS[name] = torch.tensor(loc).double()
    return Problem(
        name,
        {"loc": PARAMETERS[name]},
        lambda loc: Normal(loc, 1.0),
        lambda x: (x - 3).square(),
        {"loc": torch.tensor(2 * (loc - 3)).double()},
    )


for position, name in enumerate(SUITE.problems):
    problems.register(name)(lambda name=name, loc=float(position): made(name, loc))


@estimators.register("fickle")
class Fickle(Pathwise):
    """Pathwise, with a fault where one is planned."""

    def unsupported(self, dist, samples=1):
        return None

    def surrogate(self, dist, cost, samples=1):
        wrong = strike() if now.get("where") == "surrogate" else None
        surrogate = super().surrogate(dist, cost, samples)
        return surrogate if wrong is None else surrogate * wrong


class TornFile:
    """A file whose writes end after some bytes, and then as planned."""

    def __init__(self, file, share):
        self.file, self.share = file, share

    def __getattr__(self, name):
        return getattr(self.file, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.file.close()

    def write(self, line):
        os.write(self.file.fileno(), line[: int(self.share * len(line))])
        strike()
        return os.write(self.file.fileno(), line[int(self.share * len(line)) :]) and len(line)


def fails(number):
    def act():
        raise OSError(number, os.strerror(number))

    return act


def kills():
    os.kill(os.getpid(), signal.SIGKILL)


def plan(kind, dice):
    """Arrange a fault of this kind somewhere in the run that follows."""
    now.update(calls=0, at=dice.randint(1, 4), where=kind)
    opened, synced, measured = open, os.fsync, in_process.measure_in
    share = dice.random()
    if kind == "kill":
        signal.setitimer(signal.ITIMER_REAL, dice.uniform(0.001, now["length"]))  # death by default
    elif kind in ("no space", "torn write", "killed in a write"):
        number = {"no space": errno.ENOSPC, "torn write": errno.EIO}.get(kind)
        now["act"] = kills if number is None else fails(number)
        atomic_files.open = lambda *given, **more: TornFile(opened(*given, **more), share)
    elif kind == "file size":
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (dice.randint(8_000, 24_000),) * 2)
    elif kind == "permission":
        now["act"] = fails(errno.EACCES)
        atomic_files.open = lambda *given, **more: strike() or opened(*given, **more)
    elif kind == "sync":
        now["act"] = fails(errno.EIO)
        os.fsync = lambda number: strike() or synced(number)
    elif kind == "timeout":
        reason = _cause_of_death(-signal.SIGALRM, 1.0)
        now["act"] = lambda: reason
        in_process.measure_in = lambda child, job: (
            job.failed(found) if (found := strike()) else measured(child, job)
        )
    elif kind in cell_faults.ACTS:
        memory.free_memory = lambda device="cpu": 10**8
        now.update(where="surrogate", act=cell_faults.ACTS[kind](dice, [*PARAMETERS.values()]))
    elif kind in ("exception", "NaN"):
        chosen = dice.choice(EXCEPTIONS)
        now.update(where="surrogate", act=lambda: torch.nan if kind == "NaN" else throws(chosen))


def throws(exception):
    raise exception


# Python drops a ctrl-C that comes in a callback of its own, with this message; the run goes on.
IGNORED = re.compile(r"Exception ignored in: .*?\nKeyboardInterrupt: \n", re.DOTALL)
KINDS = ["kill", "no space", "torn write", "killed in a write", "file size", "permission", "sync",
         "timeout", "exception", "NaN", "interrupt", *cell_faults.ACTS, "none"]  # fmt: skip


def run_forked(folder, kind, seed):
    """One run with one fault in a process of its own: (its id, what it acknowledges)."""
    reading, writing = os.pipe()
    process = os.fork()
    if process:
        os.close(writing)
        return process, reading
    now["line"] = writing
    try:
        said = os.open(folder / "said", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)
        append = Store.append

        def acknowledged(store, record):
            append(store, record)
            os.write(writing, json.dumps(identity(record)).encode() + b"\n")

        Store.append = acknowledged
        os.chdir(folder)
        sys.argv = ["gradmeter", *COMMAND, "--out", "store"]
        dice = random.Random(seed)
        if kind == "interrupt":
            signal.signal(signal.SIGALRM, signal.default_int_handler)
            signal.setitimer(signal.ITIMER_REAL, dice.uniform(0.001, now["length"]))
        else:
            plan(kind, dice)
        before = cell_faults.settings()
        try:
            main(sys.argv[1:])
        finally:
            if cell_faults.settings() != before:
                os.write(writing, LEFT + b"\n")
    except SystemExit as leaving:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(leaving.code or 0)
    except KeyboardInterrupt:
        if not (folder / "store").exists():
            os._exit(130)  # before the command had begun
        traceback.print_exc()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    os._exit(99)


def ended(process, reading):
    """(exit status, whether there was a fault, what the run acknowledged, and left behind)."""
    with os.fdopen(reading) as acknowledgements:
        finished = {tuple(json.loads(line)) for line in acknowledgements if line.endswith("\n")}
    status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])
    struck, left = (tuple(json.loads(line)) for line in (STRUCK, LEFT))
    return status, bool(status) or struck in finished, finished - {struck, left}, left in finished


def statistics(record):
    apart = ("schema", "context", "checksum")
    return json.dumps({k: v for k, v in record.items() if k not in apart}, sort_keys=True)


def check(folder, status, finished, kinds, whole):
    """Sentences about what is wrong with a store after a run."""
    store = Store(folder / "store")
    last = store.latest() if store.path.exists() else {}
    said = IGNORED.sub("", (folder / "said").read_text())
    for key in finished - last.keys():
        yield f"lost: {key}"
    for key, record in last.items():
        if record["status"] == "ok" and statistics(record) != whole.get(key):
            yield f"changed: {key}"
        if record["status"] == "error" and not record["reason"]:
            yield f"without a reason: {key}"
        if record["per_block"]:
            store.arrays(record["per_block"])
    if store.damaged and not {"kill", "killed in a write", "interrupt"} & set(kinds):
        yield f"damaged: {store.damaged}"
    if status == 99 or "Traceback" in said:
        yield f"crashed: {said[-2000:]}"
    explained = ("Go on with: gradmeter run", "failed:", "Interrupted")
    if status in (3, 130) and not any(words in said for words in explained):
        yield f"unexplained: {said}"
    if status == 0 and len(last) < len(SUITE.cells):
        yield "incomplete, and nothing said"


def sweep(folder, faults, seed, kinds=KINDS[:-1]):
    """Run with `faults` faults, and count what was found."""
    dice = random.Random(seed)
    list(running.run(SUITE, Store(folder / "store")))  # the forks inherit its truths
    whole = {key: statistics(record) for key, record in Store(folder / "store").latest().items()}
    (folder / "timed").mkdir()
    start = time.perf_counter()
    ended(*run_forked(folder / "timed", "none", 0))
    now["length"] = time.perf_counter() - start
    found = {"faults": 0, "kinds": {}, "statuses": {}, "wrong": [], "cells": len(whole)}
    store = 0
    while found["faults"] < faults:
        store += 1
        here = folder / str(store)
        here.mkdir()
        kept, seen = set(), []
        for _ in range(BEFORE_IT_IS_WHOLE):
            chosen = [dice.choice(kinds) for _ in range(dice.choice([1, 1, 1, 2]))]
            runs = [run_forked(here, kind, dice.random()) for kind in chosen]  # two at a time
            seen += chosen
            for kind, one in zip(chosen, runs, strict=True):
                status, struck, finished, left = ended(*one)
                found["wrong"] += ["settings left behind"] * left
                kept |= finished
                found["faults"] += struck
                found["kinds"][kind] = found["kinds"].get(kind, 0) + struck
                found["statuses"][status] = found["statuses"].get(status, 0) + 1
                found["wrong"] += check(here, status, kept, seen, whole)
            (here / "said").write_text("")
        status, *_ = ended(*run_forked(here, "none", 0))
        last = Store(here / "store").latest()
        if status or {key: statistics(record) for key, record in last.items()} != whole:
            found["wrong"].append(f"--resume left it incomplete: {(here / 'said').read_text()}")
    return found


if __name__ == "__main__":
    torch.set_num_threads(1)
    folder, faults, seed, *kinds = sys.argv[1:]
    print(json.dumps(sweep(Path(folder), int(faults), int(seed), kinds or KINDS[:-1])))
