"""A cell by name, as it stands in lists of work and on the command line."""

from typing import NamedTuple


class CellSpec(NamedTuple):
    """One estimator on one problem, with K and R. `replicates` is None where a suite says."""

    problem: str
    estimator: str  # a registered name, with fields as in "gumbel-softmax:temperature=0.1"
    samples: int
    replicates: int | None = None

    def __str__(self) -> str:
        return f"{self.problem} · {self.estimator} · K={self.samples}"
