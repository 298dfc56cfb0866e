"""Batches of data: random, the same every time, of one size, and tensors."""

import math

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from benchmarks.objective.batches import MOST, Batches, DataError

ROWS = torch.arange(40.0).reshape(20, 2)


def loader(**settings):
    return DataLoader(TensorDataset(ROWS, ROWS[:, 0]), **{"batch_size": 6, **settings})


class Endless(IterableDataset):
    def __iter__(self):
        while True:
            yield torch.rand(3)


@pytest.mark.parametrize(
    ("data", "shapes"),
    [
        (ROWS, [(6, 2)]),
        (ROWS.numpy(), [(6, 2)]),
        ((ROWS, ROWS[:, 0]), [(6, 2), (6,)]),
        (TensorDataset(ROWS, ROWS[:, 0]), [(6, 2), (6,)]),
        ([(row, 1.0) for row in ROWS], [(6, 2), (6,)]),
        (loader(), [(6, 2), (6,)]),
        (loader(shuffle=True), [(6, 2), (6,)]),
        (DataLoader(Endless(), batch_size=6), [(6, 3)]),
    ],
    ids=["tensor", "array", "tensors", "dataset", "list", "in order", "shuffled", "endless"],
)
def test_a_batch_is_the_same_every_time_and_leaves_the_generator_alone(data, shapes):
    before = torch.get_rng_state()
    found = Batches(data, 6)
    for index in (0, 5, 0):
        batch, again = found[index], Batches(data, 6)[index]
        parts, others = (b if isinstance(b, list | tuple) else [b] for b in (batch, again))
        assert [tuple(part.shape) for part in parts] == shapes
        if not isinstance(data, DataLoader) or not isinstance(data.dataset, Endless):
            assert all(torch.equal(p, q) for p, q in zip(parts, others, strict=True))
        assert all(torch.equal(p, q) for p, q in zip(parts, _parts(found[index]), strict=True))
    assert torch.equal(before, torch.get_rng_state())


def _parts(batch):
    return batch if isinstance(batch, list | tuple) else [batch]


def test_a_short_last_batch_is_left_out_and_order_says_how_many_there_are():
    assert Batches(loader()).different == 3  # 6 + 6 + 6, and 2 that are left out
    shuffled = Batches(loader(shuffle=True))
    assert shuffled.different == math.inf
    assert {len(shuffled[i][0]) for i in range(MOST)} == {6}
    firsts = {tuple(shuffled[i][1].tolist()) for i in range(MOST)}
    assert len(firsts) > MOST / 2
    assert Batches(loader(batch_size=20, shuffle=True)).different == 1
    assert Batches(ROWS, 64).different == 1


def test_a_generator_of_the_loader_stays_where_it_is():
    own = torch.Generator().manual_seed(3)
    before = own.get_state()
    Batches(loader(shuffle=True, generator=own))
    assert torch.equal(own.get_state(), before)


def text(examples):
    return ["a" for _ in examples]


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (DataLoader(["one", "two", "three"], batch_size=2), "hold str"),
        (loader(collate_fn=text), "hold str"),
        ([torch.ones(2), torch.ones(3)], "make no batch"),
        (
            DataLoader(TensorDataset(ROWS), batch_sampler=[[0, 1], [2, 3, 4], [5]]),
            "Batch 1 .* 3 rows",
        ),
        (DataLoader([torch.ones(2), torch.ones(3)], batch_size=None), "Batch 1 .* 3 rows"),
        ([], "empty"),
        (3, "minibatch is int"),
    ],
    ids=["strings", "strings by hand", "ragged", "sizes", "sizes without sampler", "empty", "int"],
)
def test_data_that_make_no_batches_are_a_sentence(data, says):
    with pytest.raises(DataError, match=says):
        Batches(data, 2)


def test_rows_are_drawn_without_replacement():
    drawn = Batches(np.arange(10.0), 5)[3]
    assert len(set(drawn.tolist())) == 5
