"""The two sides of a comparison as code: gradmeter's own, or the plugin of another repository."""

import subprocess
from collections.abc import Sequence
from pathlib import Path

from benchmarks.regression.repository import NOTHING, Gate, Plugin, is_plugin, read_settings
from benchmarks.regression.worktrees import Code, git, is_checkout

MIXED = """\
One side is gradmeter's own code and the other is not: compare two revisions of one repository."""


def sides_of(
    names: Sequence[str], roots: Sequence[Path], repository: Path, plugins: Sequence[str]
) -> list[Code]:
    """The code in the checkouts `roots` of the revisions or folders `names`.

    `repository` is the folder that the command was given in: below the root of a repository it is
    what is measured, if it has a plugin. `plugins` are files to run: of gradmeter's own repository
    the same ones on both sides, of another the one that each revision has.

    Raises ValueError with one sentence if there is nothing to measure.
    """
    repository = repository.resolve()
    within = [
        root if is_checkout(name) else root / _prefix(repository)
        for name, root in zip(names, roots, strict=True)
    ]
    others = [is_plugin(root) for root in within]
    if len({*others}) > 1:
        raise ValueError(MIXED)
    files = [str(Path(plugin).resolve()) for plugin in plugins]
    if not any(others):
        return [Code(root, tuple(files)) for root in within]
    named = tuple(_relative(file, repository) for file in files)
    if not named and all(Plugin.at(root).empty for root in within):
        raise ValueError(NOTHING.format(place=repository))
    return [Code(root, named, repository) for root in within]


def gate_of(codes: Sequence[Code]) -> Gate:
    """What the repository says of itself at the head: which cells, and what fails."""
    *_, head = codes
    return read_settings(head.root).regress if head.repository else Gate()


def state_of(root: Path) -> dict:
    """The commit of a checkout, and whether files of it were changed since."""
    try:
        commit = git(root, "rev-parse", "HEAD")
        dirty = bool(git(root, "status", "--porcelain", "--untracked-files=no"))
    except subprocess.CalledProcessError:  # a folder without git
        return {"commit": None, "dirty": True}
    return {"commit": commit, "dirty": dirty}


def _prefix(repository: Path) -> str:
    """Of a plugin that lies below the root of its repository: where; else the root."""
    return git(repository, "rev-parse", "--show-prefix") if is_checkout(str(repository)) else ""


def _relative(file: str, repository: Path) -> str:
    path = Path(file)
    return str(path.relative_to(repository)) if path.is_relative_to(repository) else file
