"""Where no truth is known: the means of all that claim to be unbiased, held against each other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from benchmarks.truth.agreement import compare_rows

DISAGREE = 1e-4  # level, shared by all pairs
FEWEST = 8  # rows that can be compared
DIFFER = "do not agree with those of"  # by which a report knows the sentence
NAMED = 4  # of each side in a sentence


@dataclass(frozen=True)
class Means:
    """The mean gradients of blocks of replicates of one estimator: rows [M, P], of equal counts."""

    label: str
    rows: NDArray

    @classmethod
    def of(cls, label: str, blocks: Mapping[str, NDArray]) -> "Means":
        """Of the blocks of a measurement; the last one, if it is smaller, is left out."""
        whole = blocks["count"] == blocks["count"].max()
        return cls(label, np.asarray(blocks["mean"], float)[whole])


def disagreement(cells: Sequence[Means]) -> tuple[str, set[str]] | None:
    """A sentence where two of the means cannot be one, and the labels it names; None if none.

    The cells are of one problem, K, R and seed, so that rows share their random numbers.
    """
    pairs = list(combinations([c for c in cells if len(c.rows) >= FEWEST], 2))
    apart = {}
    for ours, theirs in pairs:
        m = min(len(ours.rows), len(theirs.rows))
        found = compare_rows(ours.rows[:m], theirs.rows[:m])
        if found.p * len(pairs) < DISAGREE:
            apart[ours.label, theirs.label] = found.p
    if not apart:
        return None
    one, other = min(apart, key=apart.get)
    by_label = {cell.label: cell.rows.mean(0) for cell in cells}
    sides = [
        _side(start, by_label, apart, against) for start, against in ((one, other), (other, one))
    ]
    gap = np.linalg.norm(by_label[one] - by_label[other])
    share = gap / max(np.linalg.norm(by_label[label]) for label in (one, other))
    p = min(apart[one, other] * len(pairs), 1.0)
    sentence = (
        f"No exact gradient is known, and the means of {_listed(sides[0])} {DIFFER} "
        f"{_listed(sides[1])}: {one} and {other} are {100 * share:.2g} % of the longer one "
        f"apart (p = {p:.1g}), so that at least one of them is biased here."
    )
    return sentence, {*sides[0], *sides[1]}


def _side(start: str, labels: Mapping, apart: Mapping, against: str) -> list[str]:
    """All that agree with `start` and not with `against`."""

    def differ(a: str, b: str) -> bool:
        return (a, b) in apart or (b, a) in apart

    return [start] + [
        label
        for label in labels
        if label != start and differ(label, against) and not differ(label, start)
    ]


def _listed(labels: list[str]) -> str:
    more = len(labels) - NAMED
    named = [*labels[:NAMED], f"{more} more"] if more > 0 else labels
    return " and ".join([", ".join(named[:-1]), named[-1]] if len(named) > 1 else named)
