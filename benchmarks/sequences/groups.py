"""Which batches are looked at: every multiset of completions with its probability, or samples."""

import itertools
import math
from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from benchmarks.measuring.streams import stream_key
from benchmarks.sequences.policy import Policy

AT_ONCE = 2**17  # tokens of the batches handed to a loss at once
ROWS = 64  # of sampled batches, whose means give the intervals

Chunk = tuple[Tensor, Tensor]  # index of completions [R, B], probabilities or weights [R]


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
        yield index, log_weight.exp()


def sampled(policy: Policy, group: int, replicates: int, seed: int) -> Iterator[list[Chunk]]:
    """Batches drawn by the sampler, in rows of replicates / 64, with weights that sum to 1."""
    size, n = group * policy.prompts, len(policy.table)
    each = replicates // ROWS
    p = policy.probabilities(_drawn_from(policy)).numpy()
    above = np.stack([row.cumsum() / row.sum() for row in p])  # [prompts, N]
    most = max(AT_ONCE // (size * policy.length), 1)
    for row in range(ROWS):
        key = stream_key("audit", policy.name, group, seed, row)
        draw = np.random.Generator(np.random.Philox(key=key)).random((each, policy.prompts, group))
        index = np.stack(
            [np.searchsorted(above[i], draw[:, i], side="right") for i in range(policy.prompts)], 1
        )
        index = torch.from_numpy(index.clip(max=n - 1) + np.arange(policy.prompts)[:, None] * n)
        weights = torch.full((each,), 1 / each, dtype=torch.float64)
        chunks = zip(index.flatten(1).split(most), weights.split(most), strict=True)
        yield list(chunks)


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
