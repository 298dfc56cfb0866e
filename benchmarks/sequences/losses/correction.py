"""Weights for completions that another law drew: π_old / μ, with μ the sampler.

Sources: token and truncated: Yao et al. 2025, "Your efficient RL framework secretly brings you
off-policy RL training"; sequence, masked: Liu et al. 2025, "When speed kills stability"; prefix:
Precup, Sutton & Singh 2000, per-decision importance sampling.
"""

import torch
from torch import Tensor

from benchmarks.sequences.batch import Batch


def weights(batch: Batch, level: str, bound: str, cap: float, floor: float = 0.0) -> Tensor:
    """The importance weight of each token, without a gradient: [*R, B, T or 1].

    `level` token: of the token alone; prefix: of all up to it; sequence: of the completion.
    `bound` truncate: between `floor` and `cap`; mask: 0 outside of them.
    """
    difference = (batch.old - batch.sampler).detach() * batch.mask
    if level == "prefix":
        difference = difference.cumsum(-1)
    elif level == "sequence":
        difference = difference.sum(-1, keepdim=True)
    found = difference.exp()
    if bound == "truncate":
        return found.clamp(floor, cap)
    outside = (found > cap) | (found < floor)
    return torch.where(outside, 0.0, found) if bound == "mask" else found
