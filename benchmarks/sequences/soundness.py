"""Checks of a loss before it is audited: each mistake gets one sentence."""

import torch
from torch import Tensor

from benchmarks.sequences.gradients import Gathered
from benchmarks.sequences.losses import Loss

BATCHES = 4
SAME = 1e-10  # relative; of sums in another order


def check(loss: Loss, gathered: Gathered, group: int) -> None:
    """Raise ValueError for a batch that the loss is not made for, and for one that mixes batches.

    The gradient of a batch must be the same alone, with others in the call, and after others.
    """
    index = _some(gathered, group)
    refusal = loss.unsupported(gathered.batch(index[:1], group))
    if refusal:
        raise ValueError(refusal)
    whole = gathered.derivatives(loss, index, group)[0].scores
    if not whole.isfinite().all():
        raise ValueError(
            f"The loss {loss.name} has a gradient that is not finite for some groups, such as one "
            "whose rewards are all equal; keep its divisions away from 0."
        )
    alone = gathered.derivatives(loss, index[1:2], group)[0].scores
    if not _same(whole[1:2], alone):
        raise ValueError(
            f"The loss {loss.name} mixes groups: its gradient for one batch changes with the "
            "batches beside or before it; let it depend on its own batch alone, without averages "
            "that it remembers."
        )


def is_exchangeable(loss: Loss, gathered: Gathered, group: int) -> bool:
    """Whether the gradient is the same in whatever order the completions of a group stand."""
    index = _some(gathered, group)
    groups = index.unflatten(-1, (-1, group))
    weights = torch.arange(1.0, BATCHES + 1, dtype=torch.float64)
    first, *others = (
        gathered.summed(gathered.derivatives(loss, each.flatten(-2), group)[0], weights)
        for each in (groups, groups.roll(1, -1), groups.flip(-1))
    )
    return all(_same(first, other) for other in others)


def _some(gathered: Gathered, group: int) -> Tensor:
    """A few batches that hold likely, unlikely and equal completions: [4, B]."""
    n, prompts = len(gathered.policy.table), gathered.policy.prompts
    step = torch.arange(group * prompts) % group
    rows = [step * 0, step, n - 1 - step * 3, step * 5 + 2]
    offset = torch.arange(prompts).repeat_interleave(group) * n
    return torch.stack(rows) % n + offset


def _same(a: Tensor, b: Tensor) -> bool:
    return bool((a - b).abs().max() <= SAME * (a.abs().max() + b.abs().max()))
