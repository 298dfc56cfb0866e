"""The rows of an audit: exactly over all batches, or from samples with 95 % intervals."""

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from torch import Tensor

from benchmarks.sequences import groups
from benchmarks.sequences.gradients import Gathered
from benchmarks.sequences.groups import Chunk
from benchmarks.sequences.losses import Loss
from benchmarks.sequences.moments import (
    Row,
    Setting,
    Term,
    measured_gradient,
    rows_of,
    variances,
)
from benchmarks.sequences.soundness import is_exchangeable
from benchmarks.statistics.direction import Turn, assess_turn
from benchmarks.statistics.exact_direction import exact_turn
from benchmarks.statistics.intervals import Interval

MOST_BATCHES = 2**19  # that are enumerated without being asked to
MOST_CALLS = 2**13  # the same of a loss that takes one batch a call
MOST_EVER = 2**28
UNKNOWN = Interval(*[math.nan] * 3)
NO_TRUTH = Turn(UNKNOWN, UNKNOWN, "no truth")
SEEN = 5  # times in the mean that a row must see a token for its parameter to be tested


@dataclass(frozen=True)
class Plan:
    """Which batches are looked at: `each` in a row, 0 where all of them are enumerated."""

    chunks: Iterable[Chunk]
    each: int
    replicates: int
    seed: int
    setting: Setting


def planned(
    loss: Loss,
    gathered: Gathered,
    setting: Setting,
    exact: bool | Literal["auto"],
    replicates: int,
    seed: int,
) -> Plan:
    """All batches where they are few or `exact` is true, else `replicates` sampled ones.

    Raises ValueError where there are too many to enumerate or too few to sample.
    """
    policy, group = gathered.policy, setting.group
    ordered = setting.micro_batches > 1 or not is_exchangeable(loss, gathered, group)
    count = groups.count(policy, group, ordered)
    few = count <= (MOST_BATCHES if loss.vectorised else MOST_CALLS)
    if few if exact == "auto" else exact:
        if count > MOST_EVER:
            raise ValueError(
                f"There are {count} batches, too many to enumerate; use exact=False, a smaller "
                "group, or a smaller policy."
            )
        return Plan(groups.enumerated(policy, group, ordered), 0, count, seed, setting)
    each = replicates // groups.ROWS
    if each < 2:
        raise ValueError(
            f"replicates is {replicates}; intervals need at least {2 * groups.ROWS}, two for each "
            f"of {groups.ROWS} rows."
        )
    chunks = groups.sampled(policy, group, replicates, seed)
    return Plan(chunks, each, each * groups.ROWS, seed, setting)


def measured(loss: Loss, gathered: Gathered, terms: dict[str, Term], plan: Plan) -> list[dict]:
    """One row a term, each with its mean gradient as `mean`."""
    parts = [terms.get(name) for name in ("policy", "total")]
    whole = all(parts) and parts[0].plus is parts[1].plus  # of one term, which is the total
    apart = {name: term for name, term in terms.items() if not (whole and name == "total")}
    rows, leaked = rows_of(gathered, apart, plan.chunks, plan.setting)
    shared = {
        "loss": loss.name,
        "config": json.dumps(loss.settings, sort_keys=True, default=str),
        "policy": gathered.policy.name,
        "group": plan.setting.group,
        "micro_batches": plan.setting.micro_batches,
        "padding": plan.setting.padding,
        "seed": plan.seed,
        "method": "sampled" if plan.each else "exact",
        "replicates": plan.replicates,
        "note": _note(loss, leaked),
    }
    seen = gathered.measured_in(gathered.visits() * plan.each * plan.setting.group >= SEEN)
    found = {name: _of_term(rows[name], plan.each, term, seen) for name, term in apart.items()}
    found |= {"total": found["policy"]} if whole else {}
    return [{**shared, "term": name, **found[name]} for name in terms]


def _of_term(rows: list[Row], each: int, term: Term, seen: Tensor) -> dict[str, Any]:
    """Scale, direction bias, cosine, variance and verdict of one term."""
    means = np.stack([row.mean.numpy() for row in rows])  # [M, P]
    squares, truth = np.array([row.square for row in rows]), term.truth.numpy()
    if each:
        known = measured_gradient(means, squares, each, truth, seen.numpy())
        found = assess_turn(known) or NO_TRUTH
        spread, scaled = variances(means, squares, each, truth)
    else:
        found = exact_turn(means[0], truth, math.sqrt(rows[0].square)) or NO_TRUTH
        variance = max(rows[0].square - float(means[0] @ means[0]), 0.0)
        scale = found.scale.value if found.scale.value > 0 else math.nan
        spread, scaled = (Interval(*[v] * 3) for v in (variance, variance / scale**2))
    cosine = float(np.mean([row.cosine for row in rows]))
    columns = {
        "scale": found.scale,
        "direction_bias": found.bias,
        "variance": spread,
        "variance_scaled": scaled,
    }
    ends = {
        name + end: value
        for name, interval in columns.items()
        for end, value in zip(("", "_low", "_high"), interval, strict=True)
    }
    known = found.verdict != "no truth"
    cosine = cosine if known else math.nan
    kept = {"mean": means.mean(0), "rows": _sums(means, squares, each), "truth": truth}
    return {**ends, "cosine": cosine, "verdict": found.verdict, **kept}


def _sums(mean: np.ndarray, square: np.ndarray, each: int) -> dict[str, np.ndarray]:
    """The rows as a store keeps blocks: count [M], mean [M, P], Σ ‖ĝ − mean‖² [M].

    An exact mean stands as eight rows that do not differ, of a million batches each.
    """
    if not each:
        mean, square, each = mean.repeat(8, 0), square.repeat(8), 10**6
    m2 = each * np.maximum(square - np.einsum("mp,mp->m", mean, mean), 0.0)
    return {"count": np.full(len(mean), float(each)), "mean": mean, "m2": m2}


def changed(rows: list[dict], before: list[dict]) -> list[dict]:
    """`rows` with `change`: how far E ĝ is from that of the first setting, over its length."""
    first = {row["term"]: row["mean"] for row in reversed(before)}
    for row in rows:
        mean = first.get(row["term"], row["mean"])
        length = np.linalg.norm(mean)
        off = np.linalg.norm(row["mean"] - mean)
        row["change"] = float(off / length) if length > 0 else float(off)
    return rows


def _note(loss: Loss, leaked: float) -> str | None:
    """What a reader must know beside the numbers."""
    notes = [loss.note] if loss.note else []
    if leaked > 1e-12:
        notes.append(
            f"up to {100 * leaked:.2g} % of the derivatives are at padding, which the mask should "
            "keep out: they are left out here, and move a real model's weights"
        )
    return "; ".join(notes) or None
