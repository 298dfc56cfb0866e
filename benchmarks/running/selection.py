"""Which problems and estimators a suite measures, and which a pattern names."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

import estimators
from benchmarks import problems
from benchmarks.running.cell_spec import CellSpec, by_node


@dataclass(frozen=True)
class Membership:
    """What is in which suite, beyond the problems: of this code, or of several revisions at once.

    - `quick`: the estimators of the quick suite; the full one has all.
    - `narrow`: the problems on which a suite measures only the quick estimators.
    - `also`: the estimators with fields that suites add on a problem, by the problem's name.
    """

    quick: frozenset[str]
    narrow: frozenset[str]
    also: dict[str, tuple[str, ...]]

    @classmethod
    def here(cls) -> "Membership":
        """What this code has registered."""
        names = problems.names()
        return cls(
            frozenset(estimators.names("quick")),
            frozenset(name for name in names if problems.is_narrow(name)),
            {name: problems.also(name) for name in names},
        )

    def estimators_of(self, problem: str, shelf: Sequence[str]) -> list[str]:
        """Those of a suite's estimators `shelf` that it measures on a problem, and what it adds.

        The quick suite adds nothing to a narrow problem but strategies for the nodes of a program.
        """
        narrow = problem in self.narrow
        chosen = [name for name in shelf if not narrow or name in self.quick]
        quick_suite = all(name in self.quick for name in shelf)
        also = self.also.get(problem, ())
        if narrow and quick_suite:
            also = tuple(name for name in also if by_node(name))
        return [*dict.fromkeys([*chosen, *also])]


def suite_cells(
    problem_names: Iterable[str],
    samples: Sequence[int],
    budget_of: Callable[[str], int],
    estimators_of: Callable[[str], Sequence[str]],
) -> list[CellSpec]:
    """Every cell in the order in which a suite runs them: by problem, K and estimator."""
    return [
        CellSpec(problem, estimator, count, budget_of(problem))
        for problem in problem_names
        for count in samples
        for estimator in estimators_of(problem)
    ]


def choose(kind: str, patterns: tuple[str, ...], known: list[str]) -> tuple[str, ...]:
    """The `known` names matched by any pattern (all of them without one), in their order.

    A name with fields, such as "gumbel-softmax:temperature=0.1", stands for itself, and so do
    strategies for the nodes of a program, "b=disarm, z=pathwise".
    ValueError names a pattern that matches nothing, with a suggestion.
    """
    exact = tuple(pattern for pattern in patterns if ":" in pattern or by_node(pattern))
    for name in exact:
        estimators.create(name)
    if exact and len(exact) == len(patterns):
        return exact
    patterns = tuple(pattern for pattern in patterns if pattern not in exact)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise ValueError(estimators.unknown(kind, pattern, known))
    chosen = (n for n in known if not patterns or any(fnmatchcase(n, p) for p in patterns))
    return (*chosen, *exact)
