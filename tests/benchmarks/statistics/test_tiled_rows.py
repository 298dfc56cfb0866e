"""Rows in tiles do what numpy does with all of them."""

import numpy as np
import pytest
import torch

from benchmarks.statistics import random_projections, tiled_rows
from benchmarks.statistics.tiled_rows import TiledRows, outer

M, P = 5, 23
RNG = np.random.default_rng(0)
DENSE, V, A = RNG.normal(size=(M, P)), RNG.normal(size=P), RNG.normal(size=M)
KEPT = V > 0


@pytest.fixture
def rows(monkeypatch):
    monkeypatch.setattr(tiled_rows, "COLUMNS", 7)
    return TiledRows.of([torch.from_numpy(row) for row in DENSE], torch.zeros(P))


@pytest.mark.parametrize(
    "computed",
    [
        lambda x: (x - V).sum(0),
        lambda x: (V - x).sum(-1),
        lambda x: np.square(x - x.mean(0)).mean(0),
        lambda x: ((x - V) ** 3).sum(0),
        lambda x: (A[:, None] * x).sum(1),
        lambda x: x @ V,
        lambda x: A @ (x - V),
        lambda x: x @ x.T,
        lambda x: (x - V) @ x.T,
        lambda x: (x - outer(A, V, x)).sum(0),
        lambda x: x[:, KEPT] @ V[KEPT],
        lambda x: (x - V)[:, KEPT].sum(0),
        lambda x: x[:, 3:19].sum(1),
        lambda x: x[:, 3:19][:, 2:9] @ np.ones((7, 2)),
    ],
)
def test_operations(rows, computed):
    assert computed(rows) == pytest.approx(computed(DENSE), rel=1e-13)


def test_rows_cannot_be_selected(rows):
    with pytest.raises(TypeError, match="Only columns"):
        rows[:2, :]


def test_projections_in_tiles_are_those_of_the_whole(rows, monkeypatch):
    """They must not change: stored sketches are compared with new ones."""
    x = RNG.normal(size=(3, 1001))
    whole = random_projections.sketch(x)
    monkeypatch.setattr(random_projections, "COLUMNS", 100)
    assert random_projections.sketch(x) == pytest.approx(whole, rel=1e-12)
    tiled = TiledRows.of([torch.from_numpy(row) for row in x], torch.zeros(1001))
    assert random_projections.sketch(tiled) == pytest.approx(whole, rel=1e-12)
