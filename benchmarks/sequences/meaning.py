"""What a row of an audit says, in one sentence."""

import math

from benchmarks.sequences.policy import Policy

OF = {
    "policy": "the gradient of the expected reward",
    "kl": "the gradient of KL(policy ‖ reference)",
    "entropy": "the gradient of the entropy of completions",
    "total": "the gradient of the whole objective",
}
NEARLY = 0.01


def meaning(row: dict, policy: Policy) -> str:
    """One sentence about direction and length, with the cause where it is known."""
    target, scale = OF[row["term"]], row["scale"]
    if row["verdict"] == "no truth":
        return f"Nothing to compare with: {target} is zero here."
    if row["method"] == "exact" and abs(scale) < 1e-12:
        return f"Noise only: its mean along {target} is zero."
    if row["scale_high"] <= 0:
        return f"The wrong way: on average it points away from {target}."
    cause = _cause(policy)
    degrees = math.degrees(math.asin(min(row["direction_bias"], 1.0)))
    if row["verdict"] == "turned":
        small = ", which seldom matters" if row["direction_bias_high"] < 0.05 else ""
        said = f"turned by {_angle(degrees)} from {target}{small}, {_length(scale)}"
    elif row["verdict"] == "parallel":
        exactly = row["method"] == "exact"
        said = f"parallel to {target}" if exactly else f"parallel to {target} within 3°"
        said += f", {_length(scale)}"
    else:
        said = (
            f"undecided: the angle to {target} is below "
            f"{_angle(math.degrees(math.asin(min(row['direction_bias_high'], 1.0))))}; use more "
            "replicates"
        )
    moved = ""
    if row["change"] > 1e-9:
        moved = f" This split or padding moves it by {100 * row['change']:.2g} % of its length."
    said = f"{cause}: {said}" if cause and row["verdict"] == "turned" else said
    return said[0].upper() + said[1:] + "." + moved


def _cause(policy: Policy) -> str:
    """Where completions are not the policy's own, that."""
    laws = []
    if policy.sampler is not None:
        laws.append("the sampler")
    if policy.old is not None:
        laws.append("earlier steps")
    return f"off-policy by {' and '.join(laws)}" if laws else ""


def _length(scale: float) -> str:
    if abs(scale - 1) < 1e-9:
        return "and of its length"
    if abs(scale - 1) < NEARLY:
        return "and about of its length"
    return f"and {scale:.3g} × as long"


def _angle(degrees: float) -> str:
    return f"{degrees:.0f}°" if degrees >= 10 else f"{degrees:.2g}°"
