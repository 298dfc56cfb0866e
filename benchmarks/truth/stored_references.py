"""Truths that stand in the repository, made by long reference runs."""

from pathlib import Path

import numpy as np
import torch

from benchmarks.objective.truth import Truth

FOLDER = Path(__file__).parent.parent / "problems" / "references"


def stored_reference(name: str) -> Truth | None:
    """The stored reference of a problem, or None if there is none yet."""
    path = FOLDER / f"{name}.npz"
    if not path.exists():
        return None
    with np.load(path) as stored:
        gradient, error = (torch.from_numpy(stored[key]).double() for key in ("gradient", "error"))
        note = str(stored["note"])
    return Truth(gradient, error, "reference", note)
