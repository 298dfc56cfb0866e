"""Seconds and bytes that two stores have recorded, where they can be held against each other.

Two runs cannot be interleaved any more: what another day or another load does to one processor is
in the ratio. Its standard deviation is taken as 7 % of each run (docs/regression.md: 1 to 2 % on
one processor, 6 to 13 % wherever the system places it), or as what the ratios of all cells show if
that is more; the margin is 25 %.
"""

import math
from collections.abc import Sequence
from statistics import stdev

from scipy.special import ndtr, ndtri

from benchmarks.regression.effects import POWER, SCREENS, Effect
from benchmarks.regression.judging import Pair, finite

BETWEEN_RUNS = 0.07  # standard deviation of the log of a cell's seconds, from one run to the next
ENOUGH = 8  # cells that say how far ratios are spread
MARGINS = {"speed": 0.25, "memory": 0.05}
SAME = ("cpu", "gpu", "threads", "python", "torch", "numpy")  # of the context
WIDTH = float(ndtri(0.975))


def why_not(pair: Pair) -> str | None:
    """Why the seconds and bytes of a pair cannot be compared, or None."""
    contexts = [side.record.get("context") or {} for side in (pair.before, pair.after)]
    for name in SAME:
        base, head = (context.get(name) for context in contexts)
        if base != head:
            return f"{name} is {base} at the base and {head} at the head"
        if base is None and name != "gpu":
            return f"neither store says which {name} it was measured with"
    known = [side.record.get("seconds") for side in (pair.before, pair.after)]
    if not all(finite(seconds) and seconds > 0 for seconds in known):
        return "a side was not timed"
    return None


def timing_effects(pairs: Sequence[Pair]) -> list[tuple[Pair, Effect]]:
    """How seconds and bytes moved in each pair; all of them can be compared."""
    logs = [_log_ratio(pair) for pair in pairs]
    spread = stdev(logs) if len(logs) >= ENOUGH else 0.0
    return [(pair, effect) for pair in pairs for effect in (_speed(pair, spread), *_memory(pair))]


def _log_ratio(pair: Pair) -> float:
    return math.log(pair.after.record["seconds"] / pair.before.record["seconds"])


def _speed(pair: Pair, spread: float) -> Effect:
    before, after = pair.before.record, pair.after.record
    log_ratio = _log_ratio(pair)
    se = max(math.sqrt(_variance(before) + _variance(after)), spread)
    low, high = (math.exp(log_ratio + sign * WIDTH * se) for sign in (-1, 1))
    ratio = math.exp(log_ratio)
    p = float(2 * ndtr(-abs(log_ratio) / se))
    effect = math.expm1(float(ndtri(1 - SCREENS["speed"] / 2) + ndtri(POWER)) * se)
    return Effect(
        "speed", before["seconds"], after["seconds"], ratio - 1, p, ratio > 1,
        max(effect, MARGINS["speed"]), (ratio, low, high), margin=MARGINS["speed"],
    )  # fmt: skip


def _variance(record: dict) -> float:
    """Of the log of recorded seconds: of the rounds of its run, and between runs."""
    low, high = record.get("seconds_low"), record.get("seconds_high")
    known = finite(low) and finite(high) and 0 < low <= high
    within = math.log(high / low) / (2 * WIDTH) if known else BETWEEN_RUNS
    return within**2 + BETWEEN_RUNS**2


def _memory(pair: Pair) -> list[Effect]:
    before, after = (s.record.get("peak_memory_bytes") for s in (pair.before, pair.after))
    if not before or not after:
        return []
    ratio = after / before
    p = 0.0 if before != after else 1.0  # the same whenever it is counted: nothing to test
    return [
        Effect("memory", before, after, ratio - 1, p, ratio > 1, None, (ratio, ratio, ratio),
               margin=MARGINS["memory"])
    ]  # fmt: skip
