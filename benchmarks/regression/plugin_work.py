"""What a worker does with somebody else's checkout: load its plugin, and prove where it is from."""

import importlib
import sys
from pathlib import Path
from types import ModuleType

import estimators
from benchmarks import problems
from benchmarks.objective.loading import read_file
from benchmarks.regression.repository import Plugin

GRADMETER = ("estimators", "benchmarks", "reports", "gradmeter")
ELSEWHERE = """\
The code under test should come from {root}, but {module} comes from {file}: another installation \
of it comes first. Uninstall it, or take it off PYTHONPATH; nothing was measured."""
NOT_LOADED = """\
Nothing was loaded from {root}: its entry points and files import no module of it. Name its own \
modules; nothing was measured."""


class PluginLoader:
    """Loads the plugin of one checkout, and says what it registered.

    - `root`: the checkout.
    - `repository`: the working copy it is a revision of, none of whose files may be loaded.
    """

    def __init__(self, root: Path, repository: Path):
        self.root, self.repository = root, repository
        self.plugin: Plugin | None = None

    def load(self, named: list[str]) -> dict:
        """Run the plugin, and the files `named` below the root; the names that it registered.

        Raises ValueError with one sentence if it does not load; SystemExit if it loads nothing of
        the checkout. A side may have no plugin yet.
        """
        before = set(estimators.names()), set(problems.names())
        own = [name for name in named if (self.root / name).is_relative_to(self.root)]
        self.plugin = Plugin.at(self.root, [n for n in own if (self.root / n).is_file()])
        sys.path[:0] = map(str, self.plugin.paths)
        importlib.invalidate_caches()
        for name in self.plugin.modules:
            _import(name)
        for file in [*self.plugin.files, *(Path(name) for name in named if name not in own)]:
            read_file(file)
        self.guard()
        files = filter(None, map(_file, [*sys.modules.values()]))
        if not self.plugin.empty and not any(f.is_relative_to(self.root) for f in files):
            raise SystemExit(NOT_LOADED.format(root=self.root))
        after = set(estimators.names()), set(problems.names())
        return {
            "own_estimators": sorted(after[0] - before[0]),
            "own_problems": sorted(after[1] - before[1]),
        }

    def guard(self) -> None:
        """SystemExit with a sentence if a module of the repository is not this checkout's."""
        if self.plugin is None:
            return
        ours = self.plugin.names()
        for name, module in sorted(sys.modules.items()):
            file = _file(module)
            if file is None:
                continue
            inside, top = file.is_relative_to(self.root), name.partition(".")[0]
            if inside or top in GRADMETER:  # whose own modules `worker.guard` sees to
                continue
            if top in ours or self._of_the_repository(file):
                raise SystemExit(ELSEWHERE.format(root=self.root, module=name, file=file))

    def _of_the_repository(self, file: Path) -> bool:
        """Whether a file is the working copy's own, not of an environment that lies within it."""
        within = file.is_relative_to(self.repository)
        return within and not file.is_relative_to(sys.prefix) and "site-packages" not in file.parts


def _import(name: str) -> None:
    try:
        importlib.import_module(name)
    except Exception as failure:
        raise ValueError(
            f"the entry point {name!r} does not import: {type(failure).__name__}: {failure}"
        ) from failure


def _file(module: ModuleType) -> Path | None:
    file = Path(getattr(module, "__file__", None) or "")
    return file.resolve() if file.is_absolute() else None  # torch.ops says "_ops.py"
