"""The lines of the calibration table: a figure with its Monte-Carlo error, against its goal."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

ALLOWED = 2.5  # Monte-Carlo errors by which a figure may miss its goal and still hold


@dataclass(frozen=True)
class Line:
    """One figure: what was measured, on how many trials, with which error, and the goal."""

    key: str
    what: str
    measured: float
    error: float  # Monte-Carlo standard error of `measured`
    trials: int
    goal: str
    holds: bool
    unit: str = "%"

    @property
    def figure(self) -> str:
        """The figure and its error as text."""
        if self.unit != "%":
            return f"{self.measured:.3g}{self.unit}"
        return f"{100 * self.measured:.2f} ± {100 * self.error:.2f} %"


def share(
    key: str, what: str, hits: Iterable[bool], low: float = 0.0, high: float = 1.0, trials: int = 0
) -> Line:
    """A share of trials that should lie between `low` and `high`.

    It holds unless it is outside by more than 2.5 of its Monte-Carlo errors, taken at the goal.
    `trials` is the number of independent ones, if hits are not independent.
    """
    hits = list(hits)
    independent = trials or len(hits)
    measured = sum(hits) / len(hits)
    error = _binomial_error(measured, independent)
    allowed = [ALLOWED * _binomial_error(goal, independent) for goal in (low, high)]
    holds = low - allowed[0] <= measured <= high + allowed[1]
    return Line(key, what, measured, error, len(hits), _goal(low, high), holds)


def exact(key: str, what: str, measured: float, trials: int, most: float, goal: str) -> Line:
    """A figure without Monte-Carlo error that must not exceed `most`."""
    return Line(key, what, measured, 0.0, trials, goal, measured <= most, unit="")


def to_markdown(lines: Sequence[Line]) -> str:
    """The lines as a Markdown table."""
    head = "| | figure | measured | trials | goal | holds |\n|---|---|---|---|---|---|\n"
    return head + "".join(
        f"| {line.key} | {line.what} | {line.figure} | {line.trials:,} | {line.goal} "
        f"| {'yes' if line.holds else '**no**'} |\n"
        for line in lines
    )


def _binomial_error(p: float, n: int) -> float:
    """The standard error of a share; of one success or failure where there was none."""
    p = min(max(p, 1 / (n + 2)), 1 - 1 / (n + 2))
    return math.sqrt(p * (1 - p) / n)


def _goal(low: float, high: float) -> str:
    if low == 0.0:
        return f"≤ {100 * high:g} %"
    return f"≥ {100 * low:g} %" if high == 1.0 else f"{100 * low:g}–{100 * high:g} %"
