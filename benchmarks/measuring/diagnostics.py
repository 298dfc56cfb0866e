"""What a cell's numbers cannot be trusted with: sentences beside them, and no verdict too many."""

from collections.abc import Callable

from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.measuring.cell import Cell
from benchmarks.measuring.rare_events import NO_VERDICT, affordable, draws_nothing, of_rare_events
from estimators import capabilities

DRAWS = 20_000  # samples at most whose moments are held against those of the distribution
DISAGREE = 12  # standard errors: far out, since skewed laws stray further than normal ones


def cautions(
    cell: Cell,
    found: dict,
    replicates: int,
    known: tuple[str, ...] = (),
    wrong: Callable[[Cell], str | None] | None = None,
) -> dict:
    """Changes to `found`, the facts about a cell that was measured.

    `known` are sentences about the problem, which stand behind those about the cell;
    `wrong` asks what `wrong_sampler` does, once for many cells.
    """
    changes = _of_cell(cell, found, replicates, wrong or wrong_sampler)
    before = found.get("reason"), changes.get("reason")
    reasons = [*filter(None, before), *known]
    return changes | ({"reason": " ".join(reasons)} if reasons else {})


def _of_cell(cell: Cell, found: dict, replicates: int, ask: Callable) -> dict:
    rare = of_rare_events(cell, found, replicates)
    if rare:
        return rare
    if found["zero"] == 1 and found.get("gradient_norm", 0) > 0:
        return _vanished(cell, found, replicates)
    wrong = ask(cell)
    if wrong is None and found["bias_verdict"] == "biased" and cell.estimator.unbiased:
        wrong = (
            f"{cell.estimator} is unbiased under its conditions, and is not here: the cost jumps, "
            "the support moves, or the truth is that of another problem."
        )
    return {"reason": wrong} if wrong else {}


def _vanished(cell: Cell, found: dict, replicates: int) -> dict:
    """Of a gradient that is exactly zero in all R estimates, though the true one is not.

    It may be blind to what the gradient comes from, or that may come up less than once in R
    estimates: replicates alone cannot tell, but of an estimator that draws no random numbers.
    """
    norm = found["gradient_norm"]
    said = f"The gradient has vanished: every one is exactly zero, ‖g‖ is {norm:.3g}."
    if draws_nothing(cell):
        return {"reason": said}
    said += (
        f" Either the estimator does not see what the gradient comes from, as paths do not see a "
        f"jump of the cost, or that comes up less than once in {replicates} estimates."
    )
    return {"reason": said} | NO_VERDICT


def wrong_sampler(cell: Cell) -> str | None:
    """A sentence if samples disagree with the distribution's own mean or variance, or None."""
    dist = cell.problem.dist()
    stated = None if capabilities.is_discrete(dist) else capabilities.stated_moments(dist)
    if stated is None:
        return None
    mean, variance = (moment.double() for moment in stated)
    count = min(DRAWS, affordable(dist))
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
                f"The sampler of {capabilities.describe(dist)} is wrong here: {count} samples have "
                f"a {moment} that is {gap.max():.0f} standard errors from the distribution's own; "
                "use less extreme parameters."
            )
    return None
