"""Which problems and estimators a suite measures, and which a pattern names."""

import re
from fnmatch import fnmatchcase

import estimators

WING = re.compile(r"estimators\.\w+\.")


def shelf(suite: str) -> list[str]:
    """The estimators of a suite: all, or for "quick" without those in the wings of the package.

    The wings are the packages inside `estimators`; what other code registers is always in.
    """
    homes = {name: type(estimators.create(name)).__module__ for name in estimators.names()}
    wings = {name for name, home in homes.items() if WING.match(home)}
    return [name for name in homes if suite == "full" or name not in wings]


def choose(kind: str, patterns: tuple[str, ...], known: list[str]) -> tuple[str, ...]:
    """The `known` names matched by any pattern (all of them without one), in their order.

    A name with fields, such as "gumbel-softmax:temperature=0.1", stands for itself.
    ValueError names a pattern that matches nothing, with a suggestion.
    """
    exact = tuple(pattern for pattern in patterns if ":" in pattern)
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
