"""The settings of OpenRLHF's losses: options of its command line, and what values they take."""

import math
from typing import Any

from benchmarks.sequences.adapters.openrlhf_source import options
from estimators import unknown

ESTIMATOR, KIND, BETA = "algo.advantage.estimator", "actor.policy_loss_type", "algo.kl.init_coef"
ENTROPY, CLIP, DUAL = "actor.entropy_coef", "actor.eps_clip", "actor.dual_clip"
CLIPS, MODE, GAMMA = "actor.eps_clip_low_high", "actor.loss_agg_mode", "algo.advantage.gamma"
CORRECTION = [f"algo.advantage.is_correction_{x}" for x in ("level", "mode", "gating", "threshold")]
BAND, RANGE = CORRECTION[-1], "reward.clip_range"
SWITCHES = ("algo.advantage.no_std_norm", "algo.kl.use_loss", "algo.kl.unbiased_gradient")
NUMBERS = {CLIP: (1,), DUAL: (1,), ENTROPY: (1,), GAMMA: (1,), BETA: (1,), CLIPS: (2,),
           RANGE: (2,), BAND: (1, 2)}  # fmt: skip
SETTINGS = (*NUMBERS, *SWITCHES, ESTIMATOR, KIND, MODE, "algo.kl.estimator", *CORRECTION[:-1])
CRITIC = "gae"  # needs the values of a critic, which an audit has not


def estimators() -> list[str]:
    """The advantage estimators that need no critic."""
    return [kind for kind in options()[ESTIMATOR][1] if kind != CRITIC]


def check(given: dict[str, Any]) -> None:
    """Raise ValueError for a setting or a value that OpenRLHF does not have."""
    for name, value in given.items():
        if name not in SETTINGS:
            raise ValueError(unknown("setting of openrlhf", name, sorted(SETTINGS)))
        if name in NUMBERS:
            _check_numbers(name, value)
        elif name in SWITCHES:
            if not isinstance(value, bool):
                raise ValueError(f"{name} is {value!r}; it must be true or false.")
        elif value not in (choices := estimators() if name == ESTIMATOR else options()[name][1]):
            raise ValueError(unknown(f"{name} of openrlhf", str(value), choices))


def with_defaults(given: dict[str, Any]) -> dict[str, Any]:
    """All settings, those not given as its command line has them."""
    found = {setting: options()[setting][0] for setting in SETTINGS} | given
    if found[CLIPS] is None:
        found[CLIPS] = (found[CLIP], found[CLIP])
    band = _listed(found[BAND])
    return found | {BAND: band if len(band) > 1 else [0.0, *band]}


def _check_numbers(name: str, value: Any) -> None:
    if value is None and options()[name][0] is None:
        return
    numbers, counts = _listed(value), NUMBERS[name]
    right = all(isinstance(x, int | float) and not isinstance(x, bool) for x in numbers)
    if len(numbers) not in counts or not right or not all(map(math.isfinite, numbers)):
        wanted = "a finite number" if counts == (1,) else "[LOW, HIGH], of finite numbers"
        raise ValueError(f"{name} is {value!r}; it must be {wanted}.")
    if name == DUAL and value <= 1:
        raise ValueError(f"{name} is {value!r}; it must be above 1, or it would bind everywhere.")


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]
