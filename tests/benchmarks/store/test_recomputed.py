"""Blocks beside a record that are not its own are said to be so, whatever stands in them."""

import numpy as np
import pytest

from benchmarks.store.recomputed import unlike_blocks

MEAN = np.array([[1.0, 2.0], [3.0, 4.0], [2.0, 2.0]])
BLOCKS = {"count": np.array([5, 5, 5]), "mean": MEAN, "m2": np.array([4.0, 3.0, 5.0])}


@pytest.fixture
def record():
    between = 5 * np.square(MEAN - MEAN.mean(0)).sum()
    return {"variance": (12 + between) / 14, "replicates": 15}


def test_its_own_are(record):
    assert unlike_blocks(record, BLOCKS) is None


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"count": np.zeros(3)}, "less than one replicate"),
        ({"count": np.array([5, np.nan, 5])}, "less than one replicate"),
        ({"count": np.array([-5, 10, 10])}, "less than one replicate"),
        ({"mean": MEAN * np.nan}, "they make the variance nan"),
        ({"m2": np.array([4.0, 3.0, 6.0])}, "they make the variance"),
    ],
)
def test_others_are_not(record, changed, says):
    assert says in unlike_blocks(record, BLOCKS | changed)
