"""This build beside an older one: `python -m benchmarks.peers.build --against 4cdde95`.

A process of each measures the same rows in turn, in an order drawn anew for each round, on one
processor: CPU time of one thread, medians of the ratios with 95 % intervals. `--suite quick` adds
`gradmeter run` on the cells that both builds have, `--report STORE` the site of a store.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks.machine import allocator, mkl_numbers, timing
from benchmarks.peers.build_rows import COMPILED, MEASURED
from benchmarks.peers.interleaved_timing import ratio, with_ends
from benchmarks.regression.worktrees import HOME, checkouts

BYTE_CODE = Path(tempfile.gettempdir(), "gradmeter-byte-code")
ROWS = Path(__file__).with_name("build_rows.py")
WARM_UP = 1_000  # replicates of a first measurement, for imports and caches
Work = Callable[[], float]  # what a side needs for a row


def environment(root: Path) -> dict[str, str]:
    """That of a process with the code in `root`, on one thread, whose byte code is kept."""
    ours = {"PYTHONPATH": str(root), "OMP_NUM_THREADS": "1"}
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(BYTE_CODE)}
    return os.environ | allocator.ENVIRONMENT | ours | kept


@contextmanager
def process(root: Path, cpu: int | None) -> Iterator[Callable[..., float]]:
    """Ask a process with the code in `root` for a row, with arguments of `measure`."""
    with subprocess.Popen(
        [sys.executable, "-P", str(ROWS)], cwd=root, env=environment(root), text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    ) as running:  # fmt: skip
        if cpu is not None:
            timing.pin(running.pid, {cpu})

        def ask(row: str, how: dict[str, str], **more: int) -> float:
            print(json.dumps({"row": row, "how": how, **more}), file=running.stdin, flush=True)
            line = running.stdout.readline()
            if not line:
                raise SystemExit(f"{row}: the process with the code in {root} has stopped.")
            return json.loads(line)

        yield ask
        running.stdin.close()


def rounds(sides: dict[str, Work], count: int) -> dict[str, np.ndarray]:
    """The logarithm of what each side needs, in each of `count` rounds."""
    found, order = {name: [] for name in sides}, np.random.default_rng(0)
    for _ in range(count):
        for name in order.permutation(list(sides)):
            found[name].append(np.log(sides[name]()))
    return {name: np.array(each) for name, each in found.items()}


def line(row: str, found: dict[str, np.ndarray], unit: str) -> str:
    """A row of the table: what the first side needs, and how many times as fast the others are."""
    base, *others = found.values()
    sign = -1 if unit == "×" else 1  # a rate
    cells = (with_ends(ratio(sign * (base - other))) for other in others)
    return f"| {row} | {np.exp(np.median(base)):.3g} {unit} | " + " | ".join(cells) + " |"


def spent(root: Path, arguments: Sequence[str]) -> tuple[float, float]:
    """Processor seconds of `gradmeter`, child processes and system included, and of the clock."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    command = [sys.executable, "-P", "-m", "gradmeter", *arguments]
    done = subprocess.run(command, cwd=root, env=environment(root), capture_output=True)
    clock = time.perf_counter() - start
    if done.returncode not in (0, 3):  # 3: cells failed, which both sides have
        raise SystemExit(done.stderr.decode(errors="replace"))
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, clock


def suite_seconds(root: Path, how: Sequence[str]) -> float:
    """Processor seconds of `gradmeter run`."""
    with tempfile.TemporaryDirectory() as folder:
        return spent(root, ["run", "--out", folder, *how])[0]


def report_seconds(root: Path, store: Path) -> float:
    """Seconds on the clock of `gradmeter report`, which uses all processors, into a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        return spent(root, ["report", str(store), "--to", folder])[1]


def names(root: Path, kind: str, suite: str) -> list[str]:
    """The problems or estimators that the code in `root` has in a suite."""
    known = {"problems": "benchmarks.problems", "estimators": "estimators"}[kind]
    code = f"from json import dumps; from inspect import signature; from {known} import names; "
    code += f"asked = [{suite!r}] if signature(names).parameters else []; "  # 4cdde95 has one shelf
    code += "print(dumps(list(names(*asked))))"
    said = subprocess.check_output(
        [sys.executable, "-P", "-c", code], cwd=root, env=environment(root)
    )
    return json.loads(said)


def shared_cells(roots: Sequence[Path], suite: str) -> list[str]:
    """Options of `gradmeter run` for what both builds have in a suite."""
    options = []
    for option, kind in (("-p", "problems"), ("-e", "estimators")):
        first, second = (names(root, kind, suite) for root in roots)
        options += [part for name in first if name in second for part in (option, name)]
    return options


def extras() -> dict[str, dict[str, str]]:
    """Further columns of this build: with a generator that is installed."""
    return {"with mkl": {"generator": "mkl"}} if mkl_numbers.installed() else {}


def main() -> None:
    """Print the table as Markdown, a row as soon as it is measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--against", required=True, help="a revision, or a folder with the code")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--row", default="", help="part of the name of the rows to measure")
    parser.add_argument("--suite", action="append", default=[], choices=["quick", "full"])
    parser.add_argument("--suite-rounds", type=int, default=3)
    parser.add_argument("--report", type=Path, metavar="STORE", help="also time its report")
    parser.add_argument("--only-suites", action="store_true", help="and the report")
    given = parser.parse_args()
    processors = sorted(timing.processors())
    cpu = processors[os.getpid() % len(processors)] if processors else None
    with checkouts([given.against, str(HOME)], HOME) as (old, new), ExitStack() as stack:
        columns = [given.against, "this build", *extras()]
        print("| what | " + " | ".join(columns) + " |\n|---|" + "---|" * len(columns), flush=True)
        if not given.only_suites:
            ask = {root: stack.enter_context(process(root, cpu)) for root in (old, new)}
            sides = {columns[0]: (ask[old], {}), columns[1]: (ask[new], {})}
            sides |= {name: (ask[new], how) for name, how in extras().items()}
            _print_rows(sides, given.row, given.rounds)
        for suite in given.suite:
            runs = {columns[0]: (old, []), columns[1]: (new, [])}
            for name, how in extras().items():
                runs[name] = new, [part for k, v in how.items() for part in (f"--{k}", v)]
            _print_suite(suite, runs, given.suite_rounds)
        if given.report:
            store = given.report.resolve()
            works = {root: partial(report_seconds, root, store) for root in (old, new)}
            print(line("report, on the clock", rounds(works, given.suite_rounds), "s"), flush=True)


def _print_suite(suite: str, runs: dict[str, tuple[Path, list[str]]], count: int) -> None:
    old, new, *_ = (root for root, _ in runs.values())
    cells = ["--suite", suite, *shared_cells([old, new], suite)]
    works = {
        name: partial(suite_seconds, root, [*cells, *how]) for name, (root, how) in runs.items()
    }
    print(line(f"run --suite {suite}", rounds(works, count), "s"), flush=True)


def _print_rows(sides: dict, part: str, count: int) -> None:
    for row in (*MEASURED, COMPILED):
        if part not in row:
            continue
        for ask, how in sides.values():
            ask(row, how, replicates=WARM_UP)
        works = {name: partial(ask, row, how) for name, (ask, how) in sides.items()}
        print(line(row, rounds(works, count), "×" if row == COMPILED else "s"), flush=True)


if __name__ == "__main__":
    main()
