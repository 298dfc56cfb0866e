"""Planted costs: what is no function of one sample, cuts off a derivative, or is random."""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from torch.distributions import Independent, Normal

from benchmarks.calibration.attacks.trials import Attack
from benchmarks.objective.definition import Problem

ONE = (1_000,)


def reward(x: Tensor) -> Tensor:
    """What the user wants: [..., 2] → [...]."""
    return (x - 2).square().sum(-1)


COSTS = {
    "centred over the group": lambda x: reward(x) - reward(x).mean(0, keepdim=True),
    "centred over everything": lambda x: reward(x) - reward(x).mean(),
    "whitened": lambda x: (reward(x) - reward(x).mean()) / reward(x).std(),
    "ranked": lambda x: reward(x).flatten().argsort().argsort().reshape(x.shape[:-1]).to(x),
    "softmax over the group": lambda x: torch.softmax(reward(x), 0),
    "clipped at the batch's maximum": lambda x: reward(x) / reward(x).max(),
    "random": lambda x: reward(x) + torch.randn(x.shape[:-1], dtype=x.dtype),
    "in part detached": lambda x: reward(torch.cat([x[..., :1].detach(), x[..., 1:]], -1)),
    "detached by its weight": lambda x: reward(x) * (1 + x.detach().square().sum(-1)),
    "constant": lambda x: 0 * x.sum(-1) + 3.0,
    "infinite somewhere": lambda x: reward(x) / (x[..., 0] > 0).to(x),
}
RIGHT = {
    "right": reward,
    "right, rounded": lambda x: (reward(x) * 1e3).round() / 1e3,
    "right, of large values": lambda x: reward(x) + 1e6,
    "right, with a kink": lambda x: (x - 2).abs().sum(-1),
}


def _problem(cost) -> Problem:
    parameters = {"loc": torch.tensor([0.5, -0.3])}
    return Problem("attack-cost", parameters, lambda loc: Independent(Normal(loc, 1.0), 1), cost)


def attacks() -> Iterator[Attack]:
    """Each cost with the estimators that it would fool."""
    plant = partial(Attack, "costs", budgets=ONE, named=True, samples=4)
    for name, cost in COSTS.items():
        estimators = ("pathwise",) if "detached" in name else ("pathwise", "reinforce-loo")
        for estimator in estimators:
            yield plant(f"{name}, {estimator}", partial(_problem, cost), estimator)
    right = partial(Attack, "costs", budgets=(2_000,), samples=4)
    for name, cost in RIGHT.items():
        yield right(f"{name}, reinforce-loo", partial(_problem, cost), "reinforce-loo")
