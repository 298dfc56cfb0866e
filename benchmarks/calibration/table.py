"""The lines of the calibration table: a figure with its Monte-Carlo error, against its goal."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from scipy.special import bdtr, bdtrc

CHANCE = 0.005  # probability, at the goal itself, below which a miss is not chance


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


def share(key: str, what: str, hits: Iterable[bool], low: float = 0.0, high: float = 1.0) -> Line:
    """A share of trials that should lie between `low` and `high`.

    It holds unless a share of exactly `low` or `high` would give so few or many hits by chance with
    a probability below 0.5 % (binomial).
    """
    hits = [bool(hit) for hit in hits]
    count, n = sum(hits), len(hits)
    few = bdtr(count, n, low) if low > 0 else 1.0
    many = bdtrc(count - 1, n, high) if count and high < 1 else 1.0
    error = _binomial_error(count / n, n)
    holds = bool(min(few, many) > CHANCE)
    return Line(key, what, count / n, error, n, _goal(low, high), holds)


def exact(key: str, what: str, measured: float, trials: int, most: float, goal: str) -> Line:
    """A figure without Monte-Carlo error that must not exceed `most`."""
    return Line(key, what, measured, 0.0, trials, goal, bool(measured <= most), unit="")


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
