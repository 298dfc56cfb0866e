"""What a cell's numbers cannot be trusted with: sentences beside them, and no verdict too many."""

from torch.distributions import Distribution

from benchmarks.cell import Cell
from benchmarks.measuring.streams import stream, stream_key
from estimators import families

FEWEST = 10  # times that every coordinate must have left its usual value
DRAWS = 20_000  # samples at most whose moments are held against those of the distribution
DISAGREE = 12  # standard errors: far out, since skewed laws stray further than normal ones
MOST = 2**20  # numbers drawn to see either


def cautions(cell: Cell, found: dict, replicates: int) -> dict:
    """Changes to `found`, the facts about a cell that was measured."""
    rare = rarest_event(cell, replicates)
    if rare is not None and rare < FEWEST:
        changes = {"heavy_tailed": True, "reason": _about_rare(rare, replicates)}
        if found["bias_verdict"] == "biased":  # the mean of what was seen is not the mean
            changes |= {"bias_verdict": "undetermined", "bias_p": float("nan")}
        return changes
    if found["zero"] == 1 and found.get("gradient_norm", 0) > 0:
        norm = found["gradient_norm"]
        return {
            "reason": f"The gradient has vanished: every one is exactly zero, ‖g‖ is {norm:.3g}."
        }
    wrong = wrong_sampler(cell)
    if wrong is None and found["bias_verdict"] == "biased" and cell.estimator.unbiased:
        wrong = (
            f"{cell.estimator} is unbiased under its conditions, and is not here: the cost jumps, "
            "the support moves, or the truth is that of another problem."
        )
    return {"reason": wrong} if wrong else {}


def wrong_sampler(cell: Cell) -> str | None:
    """A sentence if samples disagree with the distribution's own mean or variance, or None."""
    dist = cell.problem.dist()
    stated = None if families.is_discrete(dist) else families.stated_moments(dist)
    if stated is None:
        return None
    mean, variance = (moment.double() for moment in stated)
    count = min(DRAWS, _affordable(dist))
    with stream(stream_key("sampler", cell.problem.name), cell.device):
        off = dist.sample((count,)).double() - mean
    square = off.square()
    gaps = {
        "mean": off.mean(0).abs() / (square.mean(0) / count).sqrt(),
        "variance": (square.mean(0) - variance).abs() / (square.var(0) / count).sqrt(),
    }
    for moment, gap in gaps.items():
        if gap.max() > DISAGREE:
            return (
                f"The sampler of {families.describe(dist)} is wrong here: {count} samples have "
                f"a {moment} that is {gap.max():.0f} standard errors from the distribution's own; "
                "use less extreme parameters."
            )
    return None


def rarest_event(cell: Cell, replicates: int) -> float | None:
    """How often, in R estimates, the quietest coordinate of x leaves its usual value.

    Only for discrete distributions. A gradient that never met an event has no noise to show for it.
    """
    dist = cell.problem.dist()
    if not families.is_discrete(dist):
        return None
    draws = replicates * cell.samples
    count = min(draws, _affordable(dist))
    with stream(stream_key("rare", cell.problem.name), cell.device):
        x = dist.sample((count,)).reshape(count, -1)
    usual = x.median(0).values
    return float((x != usual).sum(0).min()) * draws / count


def _affordable(dist: Distribution) -> int:
    return max(MOST // (dist.batch_shape + dist.event_shape).numel(), 1000)


def _about_rare(rare: float, replicates: int) -> str:
    return (
        f"An outcome of x is so rare that it came up about {rare:.0f} times in {replicates} "
        "estimates; the numbers speak of the others only. Use more replicates, or less extreme "
        "parameters."
    )
