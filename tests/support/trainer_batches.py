"""Random groups on which a trainer's own loss code and a formula of ours must agree."""

import dataclasses
import importlib.util
from importlib import metadata

import pytest
import torch

from benchmarks.sequences import Batch
from benchmarks.sequences.losses import of_step

GROUP, PROMPTS, LENGTH = 4, 2, 5


def needs(name, least):
    """A mark that skips a test where a trainer is not installed in this version or a later one."""
    missing = importlib.util.find_spec(name) is None
    old = not missing and tuple(map(int, metadata.version(name).split(".")[:3])) < least
    return pytest.mark.skipif(missing or old, reason=f"needs {name} {least} or later")


def random_batch(seed, spread=0.5):
    """Two groups of four, off every policy, with an end where a completion ends."""
    draw = torch.Generator().manual_seed(seed)
    count = GROUP * PROMPTS

    def law():
        return -1.5 + spread * torch.randn(count, LENGTH, generator=draw, dtype=torch.float64)

    sizes = torch.randint(1, LENGTH + 1, (count,), generator=draw)
    group = torch.arange(PROMPTS).repeat_interleave(GROUP)
    greedy = torch.randn(PROMPTS, generator=draw, dtype=torch.float64)
    return Batch(
        log_prob=law(), old=law(), reference=law(), sampler=law(), entropy=law().abs(),
        mask=(torch.arange(LENGTH) < sizes[:, None]).double(),
        tokens=torch.zeros(count, LENGTH, dtype=torch.long),
        rewards=torch.randn(count, generator=draw, dtype=torch.float64), greedy=greedy[group],
        group=group, prompt=group, length=LENGTH,
    )  # fmt: skip


BATCHES = [random_batch(seed) for seed in range(6)]


def of(loss, batch, micro_batches=1):
    """The loss, its derivative in the log-probabilities and that in the entropies."""
    leaves = [getattr(batch, name).clone().requires_grad_() for name in ("log_prob", "entropy")]
    batch = dataclasses.replace(batch, log_prob=leaves[0], entropy=leaves[1])
    value = of_step(loss, batch, micro_batches)
    found = torch.autograd.grad(value, leaves, allow_unused=True, materialize_grads=True)
    return [value.detach(), *found]


def agree(theirs, ours, batches, micro_batches=1):
    """Value and derivatives are the same to 1e-12 on every batch."""
    for batch in batches:
        pairs = zip(of(theirs, batch, micro_batches), of(ours, batch, micro_batches), strict=True)
        for a, b in pairs:
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)
