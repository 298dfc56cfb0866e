"""What may be said of a bias where the truth itself may be off: intervals widen, verdicts yield."""

import math
from collections.abc import Mapping

from benchmarks.objective.truth import Truth
from benchmarks.statistics.bias_test import MATERIAL

NAN = math.nan


def allow_for(truth: Truth | None, found: Mapping) -> dict:
    """Changes to the facts `found` of a cell, for a truth that two runs agree on within a distance.

    With d = `truth.disagreement`: ‖bias‖ may be d larger or smaller than it seems. "biased" is said
    only of what lies farther off, "unbiased" only where the limit with d in it is below 5 %; the
    same for direction and scale. Nothing changes where d = 0.
    """
    if truth is None or not truth.disagreement > 0:
        return {}
    d, norm = truth.disagreement, float(truth.gradient.norm())
    error = float(truth.error.norm())
    relative_to = norm if norm > 3 * error else math.sqrt(found["variance"])
    share = d / relative_to if relative_to > 0 else math.inf
    low, high = (math.sqrt(max(found[f"bias2_{end}"], 0.0)) for end in ("low", "high"))
    limit = found["bias_limit"] + share
    changes = {
        "truth_error": math.hypot(error, d) / norm if norm > 0 else math.inf,
        "bias2_low": (low - d) ** 2 if low > d else min(found["bias2_low"], 0.0),
        "bias2_high": (high + d) ** 2,
        "bias_limit": limit,
    }
    biased, unbiased = (found["bias_verdict"] == verdict for verdict in ("biased", "unbiased"))
    if (biased and low <= d) or (unbiased and limit >= MATERIAL):
        changes["bias_verdict"] = "undetermined"
    if biased and low <= d:
        changes["bias_p"] = NAN  # of "unbiased" by a truth that is not known so well
    if share >= MATERIAL:
        changes["replicates_to_decide"] = None  # no number of them
    if "direction_verdict" in found:
        changes |= _direction(d / norm if norm > 0 else math.inf, found)
    said = _caution(truth, norm)
    before = found.get("reason")
    return changes | ({"reason": f"{before} {said}" if before else said} if said else {})


def _direction(share: float, found: Mapping) -> dict:
    """The same for scale and direction; `share` is d / ‖g‖."""
    bias = [found.get(f"direction_bias_{end}", NAN) for end in ("low", "high")]
    low, high = max(bias[0] - share, 0.0), min(bias[1] + share, 1.0)
    changes = {
        "scale_low": found.get("scale_low", NAN) - share,
        "scale_high": found.get("scale_high", NAN) + share,
        "direction_bias_low": low,
        "direction_bias_high": high,
    }
    verdict = found["direction_verdict"]
    if (verdict == "turned" and not low > 0) or (verdict == "parallel" and not high < MATERIAL):
        changes["direction_verdict"] = "undetermined"
    return changes


def _caution(truth: Truth, norm: float) -> str | None:
    d = truth.disagreement
    if d < MATERIAL * norm:
        return None
    within = f"{100 * d / norm:.2g} % of ‖g‖" if norm > 0 else f"{d:.2g}"
    said = (
        f"The exact gradient is known only within {within}, from two runs that agree so far; a "
        "smaller bias is not seen."
    )
    if "jumps" in truth.note:
        said += " The cost jumps, which estimators that differentiate it in x do not see."
    return said
