"""Random batches of data, the i-th the same every time it is asked for."""

import math
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_flatten
from torch.utils.data import DataLoader, IterableDataset, SequentialSampler, default_collate

MOST = 64  # batches that are ever asked for


class DataError(ValueError):
    """Data that make no batches: one sentence with the way out."""


class Batches:
    """Batches of one size, tensors or tuples, lists and dicts of tensors.

    `data` is a DataLoader, whose batches they are, an incomplete last one left out; or anything
    with a length and rows, a tensor, a tuple of tensors of one length, a Dataset or a list of
    examples, of which `size` are drawn at random. `different` says how many there are that differ:
    a DataLoader that does not shuffle has the same again in every epoch.
    Raises DataError for what makes no tensors, or batches of several sizes.
    """

    def __init__(self, data: Any, size: int = 64):
        self.data, self.different = data, math.inf
        self._lists: list[list[int]] | None = None  # of the rows in each batch
        self._kept: list | None = None  # batches that cannot be asked for again
        if isinstance(data, DataLoader):
            self._of_loader(data)
        else:
            self._of_rows(data, size)
        _check(self[0])

    def __getitem__(self, index: int) -> Any:
        if self._kept is not None:
            return self._kept[index % len(self._kept)]
        if self._lists is not None:
            rows = self._lists[index % len(self._lists)]
            return self.data.collate_fn([self.data.dataset[row] for row in rows])
        generator = np.random.default_rng(index)
        return _rows(self.data, generator.choice(self._length, self._size, replace=False))

    def _of_loader(self, loader: DataLoader) -> None:
        rows = None if isinstance(loader.dataset, IterableDataset) else loader.batch_sampler
        with _apart(loader):
            if rows is None:
                found = self._kept = list(islice(loader, MOST))
                _check_sizes([_length(batch) for batch in found])
            else:
                found = self._lists = _whole(rows)
                while found and len(found) < MOST:
                    found += _whole(rows)
        if not found:
            raise DataError("The DataLoader is empty; give it data, or a smaller batch_size.")
        if rows is None or isinstance(loader.sampler, SequentialSampler):
            self.different = len({str(batch) for batch in found}) if rows else len(found)
        elif len(found[0]) == len(loader.dataset):
            self.different = 1

    def _of_rows(self, data: Any, size: int) -> None:
        try:
            several = isinstance(data, tuple) and all(isinstance(d, Tensor) for d in data)
            lengths = {len(part) for part in (data if several else (data,))}
        except TypeError:
            raise DataError(
                f"minibatch is {type(data).__name__}; give a DataLoader, or something with a "
                "length and rows: a tensor, a Dataset or a list of examples."
            ) from None
        if len(lengths) != 1 or lengths == {0}:
            raise DataError("The data are empty, or their tensors have several lengths.")
        (self._length,) = lengths
        self._size = min(size, self._length)
        if self._size == self._length:
            self.different = 1


@contextmanager
def _apart(loader: DataLoader) -> Iterator[None]:
    """Inside, a DataLoader draws from random numbers of its own; all generators stay."""
    own = loader.generator
    state = None if own is None else own.get_state()
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        yield
    if own is not None:
        own.set_state(state)


def _whole(epoch: Iterable[Sequence[int]]) -> list[list[int]]:
    """The lists of rows of one epoch without an incomplete last one, `MOST` at most."""
    lists = [list(rows) for rows in islice(epoch, MOST + 1)]
    if len(lists) > 1 and len(lists[-1]) < len(lists[0]):
        lists.pop()
    _check_sizes([len(rows) for rows in lists])
    return lists[:MOST]


def _check_sizes(sizes: list[int]) -> None:
    for place, size in enumerate(sizes):
        if size != sizes[0]:
            raise DataError(
                f"Batch {place} of the data has {size} rows, the first has {sizes[0]}: the "
                "objective sums over the batch, so give batches of one size, such as those of "
                "DataLoader(data, batch_size=64, shuffle=True, drop_last=True)."
            )


def _rows(data: Any, rows: np.ndarray) -> Any:
    if isinstance(data, Tensor):
        return data[torch.from_numpy(rows)]
    if isinstance(data, np.ndarray):
        return torch.as_tensor(data[rows])
    if isinstance(data, tuple) and all(isinstance(d, Tensor) for d in data):
        return tuple(part[torch.from_numpy(rows)] for part in data)
    try:
        return default_collate([data[int(row)] for row in rows])
    except (RuntimeError, TypeError, IndexError, KeyError) as failure:
        first = (str(failure).splitlines() or [""])[0]
        raise DataError(
            f"The rows of the data make no batch: {type(failure).__name__}: {first}; give "
            "examples of one shape, or a DataLoader with a collate_fn."
        ) from failure


def _length(batch: Any) -> int:
    leaves = [leaf for leaf in tree_flatten(batch)[0] if isinstance(leaf, Tensor) and leaf.ndim]
    return len(leaves[0]) if leaves else 0


def _check(batch: Any) -> None:
    for leaf in tree_flatten(batch)[0]:
        if not isinstance(leaf, Tensor):
            raise DataError(
                f"The batches of the data hold {type(leaf).__name__}; give tensors, for example "
                "by DataLoader(..., collate_fn=...) with a function that turns a list of examples "
                "into tensors."
            )
