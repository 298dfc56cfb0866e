"""Planted truths: problems whose truth has to be found, and where a careless one would be wrong."""

import math
from collections.abc import Iterator
from functools import partial

import torch
from torch.distributions import Beta, Independent, Normal

from benchmarks.calibration.attacks.estimators import Changed, times
from benchmarks.calibration.attacks.trials import Attack
from benchmarks.objective.definition import Problem

COUNT = 20  # coordinates: too many for quadrature


def jump(height: float) -> Problem:
    """‖x‖² and a step of this height in the first coordinate, which pathwise gradients miss."""
    loc = torch.zeros(COUNT)
    loc[1] = 0.3
    return Problem(
        f"attack-jump-{height:g}",
        {"loc": loc},
        lambda loc: Independent(Normal(loc, 1.0), 1),
        lambda x: x.square().sum(-1) + height * (x[..., 0] > 0).to(x),
    )


def missed(height: float) -> float:
    """‖what pathwise misses‖ / ‖g‖ of `jump`."""
    step = height / math.sqrt(2 * math.pi)
    return step / math.hypot(step, 0.6)


def tiny(constant: float) -> Problem:
    """A gradient of 0.001 under a cost of `constant`: scores are all noise."""
    return Problem(
        f"attack-tiny-{constant:g}",
        {"loc": torch.tensor(0.0)},
        lambda loc: Normal(loc, 1.0),
        lambda x: constant + 0.001 * x,
    )


def given(wrong_by: float) -> Problem:
    """A truth that its user gives, off by a share of ‖g‖: it is the user's word."""
    loc = torch.tensor([0.6, 0.8], dtype=torch.float64)
    return Problem(
        f"attack-given-{wrong_by:g}",
        {"loc": loc},
        lambda loc: Independent(Normal(loc, 0.1), 1),
        lambda x: x.square().sum(-1),
        truth={"loc": 2 * loc * (1 + wrong_by)},
    )


def smooth() -> Problem:
    """A smooth cost of many coordinates, for which two estimators of different kinds agree."""
    loc = torch.linspace(-1, 1, COUNT)
    return Problem(
        "attack-smooth",
        {"loc": loc},
        lambda loc: Independent(Normal(loc, 0.5), 1),
        lambda x: (x.sum(-1) / COUNT).cos() + x.square().mean(-1),
    )


def cut_off() -> Problem:
    """A beta law whose score is rounded off near 1: REINFORCE is far from (25, −25)."""
    parameters = {"concentration1": torch.tensor(0.01), "concentration0": torch.tensor(0.01)}
    return Problem("attack-beta", parameters, Beta, lambda x: x)


def attacks() -> Iterator[Attack]:
    """Right and wrong estimators under each truth."""
    plant = partial(Attack, "truths")
    for height in (0.3, 1.0, 3.0):
        off, problem = missed(height), partial(jump, height)
        yield plant(
            f"pathwise misses a jump of {height:g}", problem, "pathwise", off, off, samples=16
        )
        for name in ("reinforce-loo", "measure-valued"):
            yield plant(f"{name} sees a jump of {height:g}", problem, name, samples=16)
    for name in ("pathwise", "reinforce-loo"):
        yield plant(f"{name} on a smooth cost", smooth, name, samples=16)
    yield plant("pathwise × 1.08 on a smooth cost", smooth, Changed(change=times(1.08)), 0.08,
                samples=16)  # fmt: skip
    doubled = Changed(base="reinforce", change=times(2.0))
    for constant in (1.0, 1e3):
        yield plant(
            f"reinforce, tiny gradient under {constant:g}", partial(tiny, constant), "reinforce"
        )
        yield plant(f"reinforce × 2, tiny gradient under {constant:g}", partial(tiny, constant),
                    doubled, 1.0)  # fmt: skip
    yield plant("a given truth off by 8 %", partial(given, 0.08), "pathwise", 0.08 / 1.08)
    yield plant("a given truth, right", partial(given, 0.0), "pathwise")
    yield plant("a score that is rounded off", cut_off, "reinforce", 1.2, named=True)
