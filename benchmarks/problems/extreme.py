"""Where numbers break: saturated logits, extreme concentrations, half precision, cold temperatures.

These cells are to end as rows with a flag and a reason, not as exceptions or silent numbers.
"""

from collections.abc import Callable

import torch
from torch.distributions import Bernoulli, Beta, Gamma, OneHotCategorical

from benchmarks.objective import costs
from benchmarks.objective.definition import Problem
from benchmarks.problems import register

COLD = ("gumbel-softmax:temperature=1e-4", "gumbel-softmax-hard:temperature=1e-4")


def extreme(name: str, family: Callable, values: dict, cost: costs.Cost, also=()) -> None:
    """Register one problem of a single distribution."""

    @register(name, also=also)
    def build() -> Problem:
        parameters = {k: torch.tensor(v, dtype=torch.float64) for k, v in values.items()}
        return Problem(name, parameters, family, cost)


def half_one_hot(logits):
    """A categorical whose logits were computed in half precision."""
    return OneHotCategorical(logits=logits.half())


extreme(
    "extreme-bernoulli",
    lambda logits: Bernoulli(logits=logits),
    {"logits": 20.0},
    costs.quadratic(0.45),
    COLD,
)
extreme("extreme-beta-small", Beta, {"concentration1": 1e-3, "concentration0": 1e-3},
        costs.quadratic(0.25))  # fmt: skip
extreme("extreme-beta-large", Beta, {"concentration1": 1e9, "concentration0": 1e9},
        costs.quadratic(0.25))  # fmt: skip
extreme("extreme-gamma-small", Gamma, {"concentration": 1e-3, "rate": 1.0}, costs.quadratic(0.5))
extreme(
    "extreme-one-hot",
    lambda logits: OneHotCategorical(logits=logits),
    {"logits": [0.0, 1.0, -1.0]},
    costs.quadratic(torch.tensor([0.1, 0.4, 0.9])),
    COLD,
)
extreme(
    "extreme-one-hot-half",
    half_one_hot,
    {"logits": [0.0, 1.0, -1.0]},
    costs.linear(torch.tensor([1.0, 2.0, 3.0])),
    COLD,
)
