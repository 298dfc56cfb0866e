"""Measures cells with the code of one checkout, for whoever asks over standard input and output.

Run by path, with that checkout first on the path: `python -P worker.py CHECKOUT`. It imports
nothing that stands beside it. Whatever it loads must come from the checkout, or it stops: a figure
of the wrong code is worse than none.

Of somebody else's repository, `python -P worker.py CHECKOUT HOME REPOSITORY`: gradmeter itself
comes from HOME, the plugin from the checkout, and nothing from the working copy REPOSITORY.
"""

import hashlib
import importlib.util
import os
import pickle
import re
import sys
import time
from pathlib import Path
from types import ModuleType

OLD = Path(__file__).with_name("interface_0_1.py")
PACKAGES = ("estimators", "benchmarks")
WING = re.compile(r"estimators\.\w+\.")  # modules outside the quick suite, before names said so
SHADOWED = """\
The code under test should come from {root}, but {module} comes from {file}: another installation \
shadows it. Effect into PYTHONPATH, .pth files and sitecustomize, and make sure that the revision \
has this module; nothing was measured."""


def guard(root: Path) -> None:
    """SystemExit with a sentence if a module of our packages lies outside of `root`."""
    for name, module in sorted(sys.modules.items()):
        if name.partition(".")[0] not in PACKAGES:
            continue
        file = getattr(module, "__file__", None)
        if file is None or not Path(file).resolve().is_relative_to(root):
            raise SystemExit(SHADOWED.format(root=root, module=name, file=file or "nowhere"))


def interface() -> ModuleType:
    """What the checkout offers: its own `interface`, or for an older one that by the old paths."""
    try:
        return importlib.import_module("benchmarks.regression.interface")
    except ModuleNotFoundError as missing:
        if not str(missing.name).startswith("benchmarks.regression"):
            raise
    spec = importlib.util.spec_from_file_location("interface_0_1", OLD)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Work:
    """The requests: each public method answers one, with plain values and NumPy arrays."""

    def __init__(self, revision: ModuleType, loader=None):
        self.measure = revision.measure
        self._revision = revision
        self._loader = loader  # of a plugin: `plugin_work.PluginLoader`
        self._block = None

    def about(self, plugins: list[str]) -> dict:
        """Names, suites and budgets of what the revision has registered."""
        own = {}
        if self._loader is not None:
            own, plugins = self._loader.load(plugins), []
        known = self._revision.about(plugins)
        homes = known["estimators"].items()
        quick = [name for name, home in homes if not WING.match(home)]
        return {"quick": quick, "sources": {n: _digest(home) for n, home in homes}} | known | own

    def prepare(
        self, problem: str, estimator: str, samples: int, replicates: int, device: str
    ) -> dict:
        """Make the block that `time` runs, as float32 where the problem can; its size, peak bytes.

        Two runs of it warm it up.
        """
        try:
            self._block, count, peak = self._revision.timed_block(
                problem, estimator, samples, replicates, device
            )
        except ValueError as mistake:
            return {"mistake": str(mistake)}
        cuda = sys.modules["torch"].cuda
        self._synchronise = cuda.synchronize if "cuda" in device else lambda: None
        self.time(1)
        return {"count": count, "peak": peak, "seconds": self.time(1)["wall"]}

    def time(self, repeats: int) -> dict:
        """Seconds of CPU time and by the wall clock of so many runs of the prepared block."""
        self._synchronise()
        wall, cpu = time.perf_counter(), time.process_time()
        self._revision.run(self._block, repeats)
        self._synchronise()
        return {"cpu": time.process_time() - cpu, "wall": time.perf_counter() - wall}


def _digest(module: str) -> str | None:
    """Of the file of a module: whether its code changed."""
    file = getattr(sys.modules.get(module), "__file__", None)
    return hashlib.sha256(Path(file).read_bytes()).hexdigest() if file else None


def _sentence(failure: Exception) -> str:
    first = (str(failure).strip().splitlines() or ["no message"])[0]
    return f"{type(failure).__name__}: {first}"


def main(root: Path, home: Path | None = None, repository: Path | None = None) -> None:
    """Answer requests (name, arguments) until the input ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the code under test prints must not get between the answers
    import torch

    import benchmarks  # noqa: F401
    import estimators  # noqa: F401

    loader = None
    guard(home or root)
    torch.set_num_threads(1)
    revision = interface()
    if home is not None:
        from benchmarks.regression.plugin_work import PluginLoader

        loader = PluginLoader(root, repository)
    work = Work(revision, loader)
    guard(home or root)
    while True:
        try:
            name, arguments = pickle.load(sys.stdin.buffer)
        except EOFError:
            return
        try:
            answer = (True, getattr(work, name)(**arguments))
        except Exception as failure:
            answer = (False, _sentence(failure))
        guard(home or root)
        if loader is not None:
            loader.guard()
        pickle.dump(answer, answers)
        answers.flush()


if __name__ == "__main__":
    main(*(Path(argument).resolve() for argument in sys.argv[1:]))
