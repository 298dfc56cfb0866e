"""Truths that took long to find, kept beside a store: one file each, made once and then read."""

import hashlib
import inspect
from contextlib import suppress
from pathlib import Path

import torch

from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.objective.definition import Problem
from benchmarks.objective.truth import Truth
from benchmarks.store.atomic_files import read_arrays, write_arrays
from estimators import evaluate

DRAWS = 64  # of the distribution, whose values and costs tell one problem from another


def kept_truth(problem: Problem, folder: Path | None) -> Truth | None:
    """The truth that `keep` wrote for this very problem, or None if there is none."""
    if folder is None or problem.truth != "auto":
        return None
    try:
        arrays = read_arrays(folder, f"{fingerprint(problem)}.npz")
        gradient, error = (torch.from_numpy(arrays[key]) for key in ("gradient", "error"))
        disagreement = float(arrays["disagreement"])
        return Truth(gradient, error, str(arrays["method"]), str(arrays["note"]), disagreement)
    except (OSError, ValueError, KeyError):  # none, or a damaged one: it is found again
        return None


def keep(problem: Problem, truth: Truth | None, folder: Path | None) -> None:
    """Write the truth of a problem to the folder; nothing if there is no truth or no folder."""
    if folder is None or truth is None:
        return
    arrays = {"gradient": truth.gradient.numpy(), "error": truth.error.numpy()}
    arrays |= {"method": truth.method, "note": truth.note, "disagreement": truth.disagreement}
    with suppress(OSError):  # it is found again next time
        write_arrays(folder / f"{fingerprint(problem)}.npz", arrays)


def fingerprint(problem: Problem) -> str:
    """What tells this problem from others of its name: parameters, draws, their costs, the code.

    The code counts as the text of the files that its functions stand in, so that an edit of a
    cost, wherever it shows, finds the truth anew.
    """
    problem = problem.to("cpu", torch.float64)
    dist = problem.dist()
    with stream(stream_key("fingerprint", problem.name)), torch.no_grad():
        x = dist.sample((DRAWS,))
        f = evaluate(problem.cost, x, dist)
    digest = hashlib.sha256(f"{problem.name} {problem.version}".encode())
    for name, value in problem.measured.items():
        digest.update(name.encode() + value.detach().contiguous().numpy().tobytes())
    for value in (x, f):
        digest.update(value.detach().contiguous().numpy().tobytes())
    for part in (problem.family, problem.cost, problem.network):
        digest.update(_source(part))
    return digest.hexdigest()[:24]


def _source(part: object) -> bytes:
    """The file that defines a function or the class of an object; nothing where there is none."""
    with suppress(TypeError, OSError):
        return Path(inspect.getfile(inspect.unwrap(part))).read_bytes()
    with suppress(TypeError, OSError):
        return Path(inspect.getfile(type(part))).read_bytes()
    return b""
