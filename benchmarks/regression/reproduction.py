"""The command that measures a cell of two stores again, or why there is none."""

import hashlib
import json
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import estimators
from benchmarks.regression.audit_command import audit_command, is_audit
from benchmarks.regression.judging import Pair
from benchmarks.regression.report import Reproduction, command
from benchmarks.regression.schema import Side
from benchmarks.regression.worktrees import git

SIDES = ("base", "head")
OF_A_FILE = "its audit was of a loss or policy from a file, and does not say where that is"


def reproduction(sides: Sequence[Side], pair: Pair, options: Sequence[str] = ()) -> Reproduction:
    """How to measure a cell again with the code of both commits, from this folder.

    There is no command where a side has no commit here or had uncommitted changes, where plugin
    files are gone or differ, and where the command line cannot say what was measured.
    """
    record = (pair.after or pair.before).record
    if is_audit(record):
        again = audit_command(record)
        return Reproduction(again, None if again else OF_A_FILE)
    contexts = [
        (side.record.get("context") or {}) if side else {} for side in (pair.before, pair.after)
    ]
    known = [context or side.context for context, side in zip(contexts, sides, strict=True)]
    why = _of_commits(known) or _of_cell(pair)
    plugins, missing = _plugins(known)
    spec, unsaid = _spec(pair)
    if why := why or missing or unsaid:
        return Reproduction(None, why)
    seeds = [s.record["seed"] for s in (pair.before, pair.after) if s]
    settings = {"seed": seeds[0], "head_seed": seeds[-1]}
    commits = (context["commit"][:12] for context in known)
    return Reproduction(command(*commits, pair, settings, plugins, options, spec))


def _of_commits(contexts: Sequence[Mapping]) -> str | None:
    for side, context in zip(SIDES, contexts, strict=True):
        commit = context.get("commit")
        if not commit:
            return f"the {side} does not say of which commit it is"
        if context.get("dirty"):
            return f"the {side} was measured with uncommitted changes"
        try:
            git(Path(), "cat-file", "-e", f"{commit}^{{commit}}")
        except (subprocess.CalledProcessError, OSError):
            return f"commit {commit[:12]} of the {side} is not in a repository here"
    return None


def _of_cell(pair: Pair) -> str | None:
    cell = pair.cell
    if cell["precision"] is not None:
        return "it was measured to a precision"
    if cell["generator"] is not None:
        return f"its random numbers are those of {cell['generator']}"
    if None in (cell["budget"], cell["samples"], cell["seed"]):
        return "its record lacks what the command needs"
    return None


def _plugins(contexts: Sequence[Mapping]) -> tuple[list[str], str | None]:
    """The files that both sides ran first, and why they cannot be run again."""
    named = [json.loads(context.get("plugins") or "[]") for context in contexts]
    if [digest for _, digest in named[0]] != [digest for _, digest in named[1]]:
        return [], "the two sides ran other files with --with"
    for path, digest in named[1]:
        if file_digest(Path(path)) != digest:
            return [], f"{path}, which ran first, is gone or has changed"
    return [path for path, _ in named[1]], None


def file_digest(path: Path) -> str | None:
    """Sixteen hexadecimal digits for what is in a file; None if it cannot be read."""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()[:16]
    except OSError:
        return None


def _spec(pair: Pair) -> tuple[str, str | None]:
    """The estimator with its fields as on the command line, and why that cannot be said."""
    name, config = pair.cell["estimator"], json.loads(pair.cell["config"] or "{}")
    try:
        usual = estimators.create(name).config
    except (ValueError, TypeError):  # of a plugin that is not read here
        usual = {}
    other = {key: value for key, value in config.items() if key not in usual or usual[key] != value}
    if any(isinstance(value, dict | list | str) for value in other.values()):
        return name, "its configuration cannot be said on a command line"
    fields = ",".join(f"{key}={json.dumps(value)}" for key, value in other.items())
    return f"{name}:{fields}" if fields else name, None
