"""Measures cells with the code of one checkout, for whoever asks over standard input and output.

Run by path, with that checkout first on the path: `python -P worker.py CHECKOUT`. It imports
nothing that stands beside it. Whatever it loads must come from the checkout, or it stops: a figure
of the wrong code is worse than none.
"""

import os
import pickle
import sys
import time
from pathlib import Path

PACKAGES = ("estimators", "benchmarks")
SHADOWED = """\
The code under test should come from {root}, but {module} comes from {file}: another installation \
shadows it. Look into PYTHONPATH, .pth files and sitecustomize, and make sure that the revision \
has this module; nothing was measured."""


def guard(root: Path) -> None:
    """SystemExit with a sentence if a module of our packages lies outside of `root`."""
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] not in PACKAGES:
            continue
        file = getattr(module, "__file__", None)
        if file is None or not Path(file).resolve().is_relative_to(root):
            raise SystemExit(SHADOWED.format(root=root, module=name, file=file or "nowhere"))


class Work:
    """The requests: each public method answers one, with plain values and NumPy arrays."""

    def __init__(self):
        self._subjects = {}
        self._block = None

    def about(self, plugins: list[str]) -> dict:
        """Names, homes and budgets of what is registered, after running the `plugins` files."""
        import estimators
        from benchmarks import problems
        from benchmarks.machine.environment import context
        from benchmarks.objective import loading

        for plugin in plugins:
            loading.read_file(Path(plugin))
        names = problems.names()
        narrow = getattr(problems, "is_narrow", lambda name: False)  # unknown to old revisions
        return {
            "context": context(),
            "problems": {name: problems.replicates(name) for name in names},
            "suites": {suite: problems.names(suite) for suite in ("quick", "full")},
            "narrow": [n for n in names if narrow(n)],
            "also": {name: problems.also(name) for name in names},
            "estimators": {n: type(estimators.create(n)).__module__ for n in estimators.names()},
        }

    def measure(
        self, problem: str, estimator: str, samples: int, replicates: int, seed: int, device: str
    ) -> dict:
        """The record of a cell without timing, and its rows: count [M], mean [M, P], m2 [M]."""
        import torch

        from benchmarks.measuring.measure import measure_checked

        mistake, subject, truth = self._subject(problem)
        if mistake:
            return {"status": "error", "reason": mistake}
        try:
            found = measure_checked(
                subject, truth, estimator, samples, replicates, seed, device, torch.float64,
                timed=False,
            )  # fmt: skip
        except Exception as failure:  # a cell that fails is a finding
            return {"status": "error", "reason": _sentence(failure)}
        record = {k: v for k, v in vars(found).items() if k not in ("parameters", "blocks")}
        if found.status != "ok":
            return record
        blocks = getattr(found, "blocks", None)  # absent from revisions before these reports
        blocks = blocks or self._blocks(subject, estimator, samples, replicates, seed, device)
        known = getattr(found, "parameters", None) or {}
        blocks |= {name: known[name] for name in ("truth", "truth_error") if name in known}
        return record | {"blocks": blocks}

    def prepare(
        self, problem: str, estimator: str, samples: int, replicates: int, device: str
    ) -> dict:
        """Make the block that `time` runs, as float32 where the problem can; its size, peak bytes.

        Two runs of it warm it up.
        """
        import torch

        from benchmarks.machine import timing
        from benchmarks.statistics.stopping import Plan

        mistake, subject, _ = self._subject(problem)
        if mistake:
            return {"mistake": mistake}
        count = Plan.of(replicates, subject.numbers(samples)).block
        for dtype in (torch.float32, torch.float64):  # a cost may hold float64 tensors of its own
            try:
                self._block = _block(subject, estimator, samples, count, device, dtype)
                break
            except Exception as failure:
                mistake = _sentence(failure)
        else:
            return {"mistake": mistake}
        self._synchronise = torch.cuda.synchronize if "cuda" in device else lambda: None
        peak = timing.peak_memory(self._block, torch.device(device))
        self.time(1)
        return {"count": count, "peak": peak, "seconds": self.time(1)["wall"]}

    def time(self, repeats: int) -> dict:
        """Seconds of CPU time and by the wall clock of so many runs of the prepared block."""
        from benchmarks.objective.definition import unvalidated

        with unvalidated():
            self._synchronise()
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in range(repeats):
                self._block()
            self._synchronise()
            return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}

    def _subject(self, name: str) -> tuple:
        if name not in self._subjects:
            from benchmarks import problems
            from benchmarks.truth.exact import find_truth
            from benchmarks.validation.interface_checks import check

            try:
                problem = problems.load(name)
                check(problem)
                self._subjects[name] = (None, problem, find_truth(problem))
            except Exception as mistake:  # whatever it is, it must not stop the others
                self._subjects[name] = (_sentence(mistake), None, None)
        return self._subjects[name]

    @staticmethod
    def _blocks(problem, estimator, samples, replicates, seed, device) -> dict:
        import torch

        import estimators
        from benchmarks.measuring import cell
        from benchmarks.statistics.stopping import Plan

        moved = problem.to(device, torch.float64)
        one = cell.Cell(
            moved, None, estimators.create(estimator), samples, seed, torch.device(device)
        )
        rows = cell.replicate(one, Plan.of(replicates, problem.numbers(samples))).table.rows
        return {
            "count": rows.count.cpu().numpy(),
            "mean": rows.mean.cpu().numpy(),
            "m2": rows.m2.sum(-1).cpu().numpy(),
        }


def _block(problem, estimator, samples, count, device, dtype):
    import torch

    import estimators
    from benchmarks.measuring.cell import Cell

    problem = problem.to(device, dtype)
    cell = Cell(problem, None, estimators.create(estimator), samples, 0, torch.device(device))
    fitted = cell.fitted(0, count)
    cell.block(0, 2)
    return lambda: cell.block(0, count, fitted=fitted)


def _sentence(failure: Exception) -> str:
    first = (str(failure).strip().splitlines() or ["no message"])[0]
    return f"{type(failure).__name__}: {first}"


def main(root: Path) -> None:
    """Answer requests (name, arguments) until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the code under test prints must not get between the answers
    import torch

    import benchmarks  # noqa: F401
    import estimators  # noqa: F401

    guard(root)
    torch.set_num_threads(1)
    work = Work()
    while True:
        try:
            name, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = (True, getattr(work, name)(**arguments))
        except Exception as failure:
            answer = (False, _sentence(failure))
        guard(root)
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
