"""References that stand in the repository: read back as written, and made by runs that agreed."""

import json

import numpy as np
import pytest
import torch

from benchmarks.truth import stored_references
from benchmarks.truth.stored_references import FOLDER, stored_reference

NAMES = sorted(path.stem for path in FOLDER.glob("*.npz"))


def test_what_is_written_is_read_back(tmp_path, monkeypatch):
    monkeypatch.setattr(stored_references, "FOLDER", tmp_path)
    assert stored_reference("mine") is None
    np.savez(tmp_path / "mine.npz", gradient=[1.0, -2.0], error=np.float32([0.5, 0.25]), note="how")
    found = stored_reference("mine")
    assert found.gradient.tolist() == [1.0, -2.0]
    assert found.error.tolist() == [0.5, 0.25]
    assert found.error.dtype == torch.float64
    assert (found.method, found.note) == ("reference", "how")


def test_there_are_references():
    assert NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_reference_comes_of_two_runs_that_agreed(name):
    found = stored_reference(name)
    assert found.gradient.isfinite().all()
    assert (found.error > 0).all()
    assert found.gradient.shape == found.error.shape
    note = json.loads(found.note)
    (first, *_), (second, *_) = note["runs"]
    assert first != second
    assert note["largest |z|"] <= 6
