"""A cell by name, as it stands in lists of work and on the command line."""

from typing import NamedTuple


class CellSpec(NamedTuple):
    """One estimator on one problem, with K and R. `replicates` is None where a suite says.

    `estimator` is a registered name, with fields as in "gumbel-softmax:temperature=0.1", or of a
    program the strategies of its nodes, "b=disarm, z=pathwise".
    """

    problem: str
    estimator: str
    samples: int
    replicates: int | None = None

    def __str__(self) -> str:
        return f"{self.problem} · {self.estimator} · K={self.samples}"

    @property
    def name(self) -> str:
        """The estimator's name in records, without fields."""
        return ", ".join(part.partition(":")[0] for part in self.estimator.split(", "))

    @property
    def registered(self) -> tuple[str, ...]:
        """The registered names that it is made of: one, or one for each node."""
        return tuple(part.rpartition("=")[2] for part in self.name.split(", "))


def by_node(estimator: str) -> bool:
    """Whether an estimator as it is written is strategies for the nodes of a program."""
    return "=" in estimator.partition(":")[0]
