"""Which batches are looked at: every multiset of completions with its probability, or samples."""

import itertools
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.machine.random_streams import stream_key
from benchmarks.sequences.policy import Policy

AT_ONCE = 2**17  # tokens of the batches handed to a loss at once
ROWS = 64  # of sampled batches, whose means give the intervals


@dataclass(frozen=True)
class Chunk:
    """Batches that a loss is given at once, some of each of some rows."""

    index: Tensor  # of completions [R, B]
    weights: Tensor  # [R]; they sum to 1 over a row
    rows: dict[int, slice]  # where along R the batches of a row are


def count(policy: Policy, group: int, ordered: bool) -> int:
    """How many batches there are with a group of each prompt, as multisets or in order."""
    n = len(policy.table)
    one = n**group if ordered else math.comb(n + group - 1, group)
    return one**policy.prompts


def enumerated(policy: Policy, group: int, ordered: bool) -> Iterator[Chunk]:
    """Every batch with its probability under the sampler; those sum to 1."""
    n = len(policy.table)
    places = range(n)
    one = (
        itertools.product(places, repeat=group)
        if ordered
        else itertools.combinations_with_replacement(places, group)
    )
    if policy.prompts > 1:
        one = map(
            itertools.chain.from_iterable, itertools.product(list(one), repeat=policy.prompts)
        )
    size = group * policy.prompts
    offset = torch.arange(policy.prompts).repeat_interleave(group) * n
    log_p = policy.terms(_drawn_from(policy)).sum(-1).flatten()
    for index in _chunks(one, size, max(AT_ONCE // (size * policy.length), 1)):
        index = index + offset
        log_weight = log_p[index].sum(-1)
        if not ordered:
            log_weight = log_weight + _log_orders(index.unflatten(-1, (-1, group)))
        yield Chunk(index, log_weight.exp(), {0: slice(None)})


def sampled(policy: Policy, group: int, replicates: int, seed: int) -> Iterator[Chunk]:
    """Batches drawn by the sampler, in 64 rows of replicates / 64."""
    each = replicates // ROWS
    most = max(AT_ONCE // (group * policy.prompts * policy.length), 1)
    p = policy.probabilities(_drawn_from(policy)).numpy()
    above = np.stack([row.cumsum() / row.sum() for row in p])  # [prompts, N]
    together = max(most // each, 1)  # rows in a chunk
    for first in range(0, ROWS, together):
        numbers = range(first, min(first + together, ROWS))
        index = torch.cat([_drawn(policy, above, group, each, (seed, row)) for row in numbers])
        weights = torch.full((len(index),), 1 / each, dtype=torch.float64)
        if together > 1:
            places = (slice(i * each, (i + 1) * each) for i in range(len(numbers)))
            yield Chunk(index, weights, dict(zip(numbers, places, strict=True)))
        else:
            for part, share in zip(index.split(most), weights.split(most), strict=True):
                yield Chunk(part, share, {first: slice(None)})


def _drawn(policy: Policy, above: NDArray, group: int, each: int, key: tuple) -> Tensor:
    """`each` batches of one row, by inverting the cumulative sums [prompts, N] of each prompt."""
    stream = np.random.Philox(key=stream_key("audit", policy.name, group, *key))
    u = np.random.Generator(stream).random((each, policy.prompts, group))
    n = above.shape[1]
    found = [np.searchsorted(row, u[:, i], side="right") for i, row in enumerate(above)]
    index = np.stack(found, 1).clip(max=n - 1) + np.arange(policy.prompts)[:, None] * n
    return torch.from_numpy(index).flatten(1)


def _drawn_from(policy: Policy) -> Tensor:
    return policy.logits if policy.sampler is None else policy.sampler


def _chunks(rows: Iterable[Iterable[int]], width: int, most: int) -> Iterator[Tensor]:
    flat = itertools.chain.from_iterable(rows)
    while True:
        part = np.fromiter(itertools.islice(flat, most * width), np.int64)
        if not len(part):
            return
        yield torch.from_numpy(part.reshape(-1, width))


def _log_orders(index: Tensor) -> Tensor:
    """log of the number of orders of sorted multisets [R, prompts, G], G! / ∏ m!: [R]."""
    size = index.shape[-1]
    run = torch.ones_like(index[..., 0], dtype=torch.float64)
    total = torch.full_like(run, math.lgamma(size + 1))
    for i in range(1, size):
        run = torch.where(index[..., i] == index[..., i - 1], run + 1, 1.0)
        total = total - run.log()
    return total.sum(-1)
