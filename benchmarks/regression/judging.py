"""From two sides of a cell, and two more where confirmation was needed, to verdicts."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.objective.content import edition
from benchmarks.regression.effects import CONFIRM, MARGINS, Effect, Summary, effects, relative_bias
from benchmarks.regression.schema import Finding
from benchmarks.store.store import IDENTITY

HOPELESS = 1.0  # a relative change of 100 % could not have been found: no verdict "unchanged"
WORDS = {"variance": "Variance", "speed": "Time per estimate", "memory": "Peak memory"}


@dataclass(frozen=True)
class Pair:
    """A cell on both sides; a side that does not have it is None.

    `spec` is the estimator's name with its fields, as on the command line.
    """

    spec: str
    before: Summary | None
    after: Summary | None
    mismatch: str | None = None  # why the two cannot be compared

    @property
    def cell(self) -> dict:
        """The identity of the cell, as the newer side has it."""
        record = (self.after or self.before).record
        return {name: record.get(name) for name in IDENTITY}

    @property
    def statuses(self) -> tuple[str | None, str | None]:
        """How it ended on each side."""
        return tuple(side.record["status"] if side else None for side in (self.before, self.after))

    @property
    def refused(self) -> bool:
        """Whether there is nothing to say: both sides refuse it, or it is new and refused."""
        return set(self.statuses) <= {"refused", None}

    @property
    def measured(self) -> bool:
        """Whether both sides have numbers that can be held against each other."""
        return self.statuses == ("ok", "ok") and why_not(self) is None and not self.overflowed

    @property
    def overflowed(self) -> bool:
        """Whether the variance was finite and is not, though nothing failed."""
        if self.statuses != ("ok", "ok"):
            return False
        variances = [s.record.get("variance") for s in (self.before, self.after)]
        return finite(variances[0]) and not finite(variances[1])

    @property
    def same_randomness(self) -> bool:
        """Whether both sides drew from the same streams."""
        return self.before.record["seed"] == self.after.record["seed"]

    def effects(self) -> list[Effect]:
        """What can be said of the numbers; nothing of sides that are identical."""
        if not self.measured or self.before.identical(self.after):
            return []
        return effects(self.before, self.after)


@dataclass(frozen=True)
class Confirmation:
    """Measured again: fresh seeds for variance, bias and status, fresh launches for the rest."""

    pair: Pair | None = None
    effects: Mapping[str, Effect] = field(default_factory=dict)


def findings(pair: Pair, second: Confirmation | None, level: float = CONFIRM) -> list[Finding]:
    """The verdicts on one cell. Without a `second` measurement, what is beyond `level` counts."""
    if pair.refused:
        return []
    if not pair.measured:
        return [_status(pair, second)]
    if pair.before.identical(pair.after):
        return [_identical(pair, metric) for metric in ("variance", "bias")]
    found = [judge(pair, effect, second, level) for effect in pair.effects()]
    if len(found) == 1:
        reason = "A side has no block means: the mean cannot be compared, the variance can."
        found.append(Finding(**pair.cell, metric="bias", verdict="incomparable", reason=reason))
    return found


def judge(pair: Pair, first: Effect, second: Confirmation | None, level: float) -> Finding:
    """The verdict on one metric; without a `second` measurement it is never confirmed."""
    again = second.effects.get(first.metric) if second else None
    if second is None:
        return _judged_once(pair, first, level)
    confirmed = _confirmed(first, again)
    shown = again if again is not None and confirmed else first
    facts = _facts(pair, first, shown)
    if first.suspicious and confirmed:
        verdict = "regressed" if first.worse else "improved"
        return Finding(**facts, verdict=verdict, confirmed=True, reason=_sentence(pair, shown))
    if first.suspicious:
        return _suspect(pair, first, again, facts)
    if (first.minimum_effect or 0) > HOPELESS:
        return Finding(
            **facts, verdict="unstable",
            replicates_to_decide=_budget(pair.cell["budget"], first.minimum_effect, HOPELESS),
            reason=f"Too noisy: a change below {100 * first.minimum_effect:.0f} % is not seen.",
        )  # fmt: skip
    return Finding(**facts, verdict="unchanged")


def _facts(pair: Pair, first: Effect, shown: Effect) -> dict:
    facts = pair.cell | {
        "metric": first.metric,
        "base_value": shown.base,
        "head_value": shown.head,
        "change": shown.change,
        "p": first.p,
        "minimum_effect": first.minimum_effect,
        "wall": shown.wall,
    }
    if shown.ratio:
        facts |= dict(zip(("ratio", "ratio_low", "ratio_high"), shown.ratio, strict=True))
    return facts


def _judged_once(pair: Pair, effect: Effect, level: float) -> Finding:
    """The verdict where nothing can be measured again: significant, inside the margin, or open."""
    facts = _facts(pair, effect, effect)
    if effect.suspicious and effect.alarm(level):
        verdict = "regressed" if effect.worse else "improved"
        reason = f"{_sentence(pair, effect).rstrip('.')}; significant, not confirmed."
        return Finding(**facts, verdict=verdict, confirmed=False, significant=True, reason=reason)
    if effect.suspicious:
        return _suspect(pair, effect, None, facts)
    if effect.reach <= effect.material:
        return Finding(**facts, verdict="unchanged")
    off = abs(effect.change)
    half, target = max(effect.reach - off, 0.0), abs(effect.material - off)
    counted = effect.metric in ("variance", "bias")
    return Finding(
        **facts,
        verdict="unstable",
        replicates_to_decide=_budget(pair.cell["budget"], half, target) if counted else None,
        reason=f"A change of {100 * effect.reach:.3g} % is not excluded, and one of "
        f"{100 * effect.material:.3g} % matters.",
    )


def _confirmed(first: Effect, again: Effect | None) -> bool:
    return again is not None and again.alarm(CONFIRM) and again.worse == first.worse


def _suspect(pair: Pair, first: Effect, again: Effect | None, facts: dict) -> Finding:
    """An alarm that was not confirmed: over if the confirmation excludes it, else unstable."""
    budget = pair.cell["budget"]
    if again is None:
        target, effect = abs(first.change), first.minimum_effect
        reason = f"{_moved(first)}, p = {first.p:.1g}: not beyond doubt among all these cells."
    else:
        margin = MARGINS[first.metric]
        if again.minimum_effect is not None and again.minimum_effect <= margin:
            reason = f"{_moved(first)} at screening, not confirmed."
            return Finding(**facts, verdict="unchanged", confirmed=False, reason=reason)
        target, effect = max(abs(again.change), margin), again.minimum_effect
        reason = f"{_moved(first)} at screening, {_moved(again, False)} when confirming."
        budget *= 4
    decide = _budget(budget, effect or math.inf, target)
    if first.metric in ("speed", "memory"):
        decide = None
    return Finding(
        **facts, verdict="unstable", confirmed=False, replicates_to_decide=decide, reason=reason
    )


def _budget(replicates: int, effect: float, target: float) -> int | None:
    """R at which a change of `target` is found, if `replicates` find one of `effect`."""
    if not (finite(effect) and finite(target)) or target <= 0:
        return None
    needed = replicates * max((effect / target) ** 2, 1.0)
    return int(float(f"{needed:.2g}")) or None


def _status(pair: Pair, second: Confirmation | None) -> Finding:
    """What is to be said of a cell whose numbers cannot be compared."""
    before, after = pair.statuses
    facts = pair.cell | {"metric": "status", "base_value": before, "head_value": after}
    why = (pair.after or pair.before).record.get("reason")
    if why_not(pair):
        return Finding(**facts, verdict="incomparable", reason=why_not(pair))
    if before is None or after is None:
        verdict, side = ("new", "base") if before is None else ("removed", "head")
        reason = f"There is no such cell at the {side}."
        return Finding(**facts, verdict=verdict, reason=reason + (f" {why}" if why else ""))
    if before == "ok":
        return _failed(pair, facts, second, why)
    if after == "ok":
        reason = f"Works now; {_ended(before)} at the base: {pair.before.record.get('reason')}"
        return Finding(**facts, verdict="fixed", reason=reason)
    where = "on both sides" if before == after else f"now, {_ended(before)} at the base"
    return Finding(
        **facts, verdict="incomparable", reason=f"{_ended(after).capitalize()} {where}: {why}"
    )


def _failed(pair: Pair, facts: dict, second: Confirmation | None, why: str | None) -> Finding:
    """ok → failed or finite → not finite; with the same randomness there is no doubt."""
    if pair.overflowed:
        base, head = (side.record.get("variance") for side in (pair.before, pair.after))
        facts |= {"metric": "variance", "base_value": base, "head_value": head}
        why = "The variance was finite at the base and is not at the head."
    else:
        why = f"Worked at the base, {_ended(pair.statuses[1])} at the head: {why}"
    again = second.pair if second else None
    if second is None:
        return Finding(**facts, verdict="failed", confirmed=False, significant=True, reason=why)
    sure = pair.same_randomness or again is None or again.statuses == pair.statuses
    verdict = "failed" if sure else "unstable"
    return Finding(**facts, verdict=verdict, confirmed=sure, reason=why)


def why_not(pair: Pair) -> str | None:
    """Why the two sides cannot be held against each other, or None."""
    if pair.mismatch or not (pair.before and pair.after):
        return pair.mismatch
    versions = [edition(side.record.get("problem_version")) for side in (pair.before, pair.after)]
    if versions[0] != versions[1]:
        return f"The problem has version {versions[0]} at the base and {versions[1]} at the head."
    if pair.statuses == ("ok", "ok"):
        a, b = (side.jackknife for side in (pair.before, pair.after))
        if a is None or b is None:
            return "A side holds no blocks of replicates."
        if len(a) != len(b):
            return f"The base has {len(a)} blocks of replicates, the head {len(b)}."
    return None


def finite(value) -> bool:
    """Whether it is a finite number."""
    return value is not None and math.isfinite(value)


def _identical(pair: Pair, metric: str) -> Finding:
    value = pair.after.record.get("variance")
    if metric == "bias":
        value = relative_bias(pair.after)
        return Finding(
            **pair.cell, metric=metric, verdict="identical", base_value=value, head_value=value,
            change=0.0, minimum_effect=MARGINS[metric],
        )  # fmt: skip
    return Finding(
        **pair.cell, metric=metric, verdict="identical", base_value=value, head_value=value,
        ratio=1.0, ratio_low=1.0, ratio_high=1.0, change=0.0, minimum_effect=MARGINS[metric],
    )  # fmt: skip


def _sentence(pair: Pair, effect: Effect) -> str:
    """What happened, for a person."""
    if effect.metric != "bias":
        return f"{_moved(effect)}."
    verdicts = [side.record.get("bias_verdict") for side in (pair.before, pair.after)]
    flip = verdicts[1] == "biased" and verdicts[0] in ("unbiased", "undetermined")
    start = f"{verdicts[0].capitalize()} at the base, biased at the head: " if flip else ""
    return f"{start}{_moved(effect)}."


def _moved(effect: Effect, opening: bool = True) -> str:
    """By how much: `Variance +10.7 % (+9.2 to +12.3 %)`, `Variance × 44 (43.6 to 44.5)`."""
    if effect.metric == "bias":
        return f"E ĝ {'has ' if opening else ''}moved by {100 * effect.change:.1f} % of ‖g‖"
    if effect.ratio is None:
        return f"{WORDS[effect.metric]} {effect.base:.3g} → {effect.head:.3g}"
    start = WORDS[effect.metric] + " " if opening else ""
    if not 0.5 < effect.ratio[0] < 2:
        value, low, high = (f"{r:.3g}" for r in effect.ratio)
        return f"{start}× {value} ({low} to {high})"
    value, low, high = (f"{100 * (r - 1):+.1f}" for r in effect.ratio)
    return f"{start}{value} % ({low} to {high} %)"


def _ended(status: str) -> str:
    return "fails" if status == "error" else status
