"""Parameters that are lower triangular matrices: what stands above their diagonal is no λ."""

from collections.abc import Callable, Iterable
from typing import Any

from torch.distributions import Distribution, constraints


def triangular(family: Callable[..., Any], names: Iterable[str]) -> Callable[..., Any]:
    """`family`, given only the lower triangles of the matrices among `names` that are Cholesky
    factors by what the class states.

    Samplers multiply by the whole matrix and densities solve with its lower triangle, so that they
    would move differently with a number above the diagonal.
    """
    if not (isinstance(family, type) and issubclass(family, Distribution)):
        return family
    stated = family.arg_constraints if isinstance(family.arg_constraints, dict) else {}
    factors = [n for n in names if stated.get(n) is constraints.lower_cholesky]
    if not factors:
        return family

    def lower(**parameters):
        return family(**parameters | {name: parameters[name].tril() for name in factors})

    return lower
