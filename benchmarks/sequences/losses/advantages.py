"""Advantages: what stands for the reward in front of a completion's score.

Each takes a batch, a KL penalty of each token [*R, B, T] or None, and how to scale; it returns
[*R, B, 1], or [*R, B, T] where tokens differ.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.sequences.batch import Batch

TINY = 1e-8  # added to a count and to a variance by whoever whitens, as verl 0.9 does

Advantage = Callable[[Batch, Tensor | None, "Scale"], Tensor]


@dataclass(frozen=True)
class Scale:
    """By which standard deviation advantages are divided, and what is added to it."""

    by: str = "none"  # none | group | batch
    epsilon: float = 1e-4  # trl 1.16; verl 0.9 has 1e-6


def reward(batch: Batch, penalty: Tensor | None, scale: Scale) -> Tensor:
    """A_i = r_i.

    Source: Williams 1992, Machine Learning 8.
    """
    return _scaled(penalised(batch, penalty), batch, scale)


def group_mean(batch: Batch, penalty: Tensor | None, scale: Scale) -> Tensor:
    """A_i = r_i − mean_j r_j, over the group: (1 − 1/G) times leave-one-out.

    Source: Shao et al. 2024, arXiv:2402.03300.
    """
    r = batch.by_group(penalised(batch, penalty))
    return _scaled((r - r.mean(-1, keepdim=True)).flatten(-2), batch, scale, r.flatten(-2))


def leave_one_out(batch: Batch, penalty: Tensor | None, scale: Scale) -> Tensor:
    """A_i = r_i − mean_{j ≠ i} r_j, over the group.

    Source: Kool, van Hoof & Welling 2019; Ahmadian et al. 2024, arXiv:2402.14740.
    """
    r = batch.by_group(penalised(batch, penalty))
    others = (r.sum(-1, keepdim=True) - r) / (batch.size - 1)
    return _scaled((r - others).flatten(-2), batch, scale, r.flatten(-2))


def length_weighted(batch: Batch, penalty: Tensor | None, scale: Scale) -> Tensor:
    """A_i = r_i − Σ_j |o_j| r_j / Σ_j |o_j|: the baseline of least variance, were scores like √|o|.

    Source: Hao et al. 2025, arXiv:2505.23585.
    """
    r = batch.by_group(penalised(batch, penalty))
    size = batch.by_group(batch.mask.sum(-1))
    baseline = (size * r).sum(-1, keepdim=True) / size.sum(-1, keepdim=True)
    return _scaled((r - baseline).flatten(-2), batch, scale, r.flatten(-2))


def greedy(batch: Batch, penalty: Tensor | None, scale: Scale) -> Tensor:
    """A_i = r_i − r(the greedy completion).

    Source: Li et al. 2023, arXiv:2310.10505.
    """
    return _scaled(penalised(batch, penalty) - batch.greedy, batch, scale)


def batch_mean(batch: Batch, penalty: Tensor | None, scale: Scale) -> Tensor:
    """A_i = r_i − mean_j r_j, over all completions of the step.

    Source: FlashREINFORCE, as OpenRLHF 0.11 has it.
    """
    r = penalised(batch, penalty)
    return _scaled(r - r.mean(-1, keepdim=True), batch, scale, r)


def whitened(batch: Batch, penalty: Tensor | None, scale: Scale) -> Tensor:
    """A_it = (R_it − mean R) / sd R over all tokens of the step, R_it = r_i − β Σ_{s ≥ t} k_is.

    Source: Hu 2025, arXiv:2501.03262, REINFORCE++.
    """
    return _whitened(_returns(batch, batch.rewards, penalty), batch.mask)


def whitened_group_mean(batch: Batch, penalty: Tensor | None, scale: Scale) -> Tensor:
    """A_it = the same of r_i − mean_j r_j, over the group.

    Source: Hu 2025, arXiv:2501.03262, REINFORCE++-baseline.
    """
    centred = group_mean(batch, penalty, Scale())
    return _whitened(centred.expand_as(batch.mask), batch.mask)


def standardised(batch: Batch, penalty: Tensor | None, scale: Scale) -> Tensor:
    """`whitened` with the standard deviation of the step's tokens themselves, over n for n − 1.

    Source: the same, as OpenRLHF 0.11 has it.
    """
    return _standardised(_returns(batch, batch.rewards, penalty), batch.mask)


def standardised_group_mean(batch: Batch, penalty: Tensor | None, scale: Scale) -> Tensor:
    """`standardised` of r_i − mean_j r_j, over the group, less the penalties from a token on.

    Source: the same.
    """
    centred = group_mean(batch, None, Scale()).squeeze(-1)
    return _standardised(_returns(batch, centred, penalty), batch.mask)


ADVANTAGES: dict[str, Advantage] = {
    "reward": reward,
    "group-mean": group_mean,
    "leave-one-out": leave_one_out,
    "length-weighted": length_weighted,
    "greedy": greedy,
    "batch-mean": batch_mean,
    "whitened": whitened,
    "whitened-group-mean": whitened_group_mean,
    "standardised": standardised,
    "standardised-group-mean": standardised_group_mean,
}


def penalised(batch: Batch, penalty: Tensor | None) -> Tensor:
    """Rewards less the penalty of all tokens: [*R, B]."""
    return batch.rewards if penalty is None else batch.rewards - (penalty * batch.mask).sum(-1)


def _scaled(advantage: Tensor, batch: Batch, scale: Scale, rewards: Tensor | None = None) -> Tensor:
    """[*R, B, 1], over the standard deviation of the rewards in the group or in the step."""
    rewards = advantage if rewards is None else rewards
    if scale.by == "group":
        spread = batch.by_group(rewards).std(-1, keepdim=True)
        advantage = (batch.by_group(advantage) / (spread + scale.epsilon)).flatten(-2)
    elif scale.by == "batch":
        advantage = advantage / (rewards.std(-1, keepdim=True) + scale.epsilon)
    return advantage.unsqueeze(-1)


def _returns(batch: Batch, rewards: Tensor, penalty: Tensor | None) -> Tensor:
    """The reward, less the penalties of a token and of those after it: [*R, B, T]."""
    returns = rewards.unsqueeze(-1).expand_as(batch.mask)
    if penalty is None:
        return returns
    return returns - to_go(penalty, batch.mask)


def to_go(penalty: Tensor, mask: Tensor) -> Tensor:
    """The penalties of a token and of those after it: [*R, B, T]."""
    return (penalty * mask).flip(-1).cumsum(-1).flip(-1)


def _whitened(values: Tensor, mask: Tensor) -> Tensor:
    count = mask.sum((-2, -1), keepdim=True)
    mean = (values * mask).sum((-2, -1), keepdim=True) / (count + TINY)
    off = (values - mean) * mask
    variance = off.square().sum((-2, -1), keepdim=True) / (count + TINY)
    variance = variance * count / (count - 1).clamp_min(1)
    return off * torch.rsqrt(variance + TINY)


def _standardised(values: Tensor, mask: Tensor) -> Tensor:
    count = mask.sum((-2, -1), keepdim=True)
    off = values - (values * mask).sum((-2, -1), keepdim=True) / count
    variance = (off.square() * mask).sum((-2, -1), keepdim=True) / count
    return off * variance.clamp_min(TINY).rsqrt()
