"""Where the loss and the policy of an audit come from: a name, a trainer, a file, or an object."""

import dataclasses
import importlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.objective.loading import read_file
from benchmarks.sequences import losses
from benchmarks.sequences.examples import EXAMPLES
from benchmarks.sequences.losses import Loss
from benchmarks.sequences.policy import Policy, PolicyError
from benchmarks.sequences.user_loss import UserLoss
from estimators import unknown

TRAINERS = ("trl", "verl", "openrlhf")


def loss_from(given: str | Loss | Callable[..., Any], settings: dict[str, Any]) -> Loss:
    """A loss of ours by its name, "trl:grpo", "FILE.py:NAME", a `Loss`, or a function of a batch.

    Raises ValueError with one sentence for what there is not.
    """
    if isinstance(given, Loss):
        if settings and not dataclasses.is_dataclass(given):
            raise ValueError(f"{given.name} is made already; give it its settings yourself.")
        return dataclasses.replace(given, **settings) if settings else given
    if isinstance(given, type) and issubclass(given, Loss):
        return given(**settings)
    if callable(given):
        return UserLoss(given, **settings)
    place, colon, name = given.partition(":")
    if place.endswith(".py"):
        return loss_from(_from_file(Path(place), name, "loss"), settings)
    if place in TRAINERS:
        adapter = importlib.import_module(f"benchmarks.sequences.adapters.{place}")
        return adapter.create(name, **settings)
    if colon:
        raise ValueError(
            f"{given!r} is no loss; write a name of ours, {', '.join(TRAINERS[:-1])} or "
            f"{TRAINERS[-1]} as in trl:grpo, or FILE.py:NAME."
        )
    return losses.create(given, **settings)


def policy_from(target: str) -> Policy:
    """The policy in `FILE.py[:NAME]`, or an example by name; PolicyError where there is none."""
    place, _, name = target.partition(":")
    if not place.endswith(".py"):
        if place not in EXAMPLES:
            raise PolicyError(f"{unknown('policy', place, EXAMPLES)} Or give FILE.py:NAME.")
        return EXAMPLES[place]()
    found = _from_file(Path(place), name, "policy")
    if isinstance(found, Policy):
        return found
    made = found() if callable(found) else None
    if not isinstance(made, Policy):
        raise PolicyError(f"{target} is {type(found).__name__}; it must be a Policy, or make one.")
    return made


def _from_file(path: Path, name: str, default: str) -> Any:
    found = {k: v for k, v in vars(read_file(path)).items() if not k.startswith("_")}
    if (name or default) not in found:
        raise ValueError(f"{path}: {unknown('object', name or default, sorted(found))}")
    return found[name or default]
