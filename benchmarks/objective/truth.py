"""The exact gradient of a problem, as a value: how far it can be trusted, and how it was found."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    pass


@dataclass(frozen=True)
class Truth:
    """The gradient [P] of what a problem measures, with its standard error and how it was found.

    Where it was made of two runs, `disagreement` is the largest ‖difference‖ of their expectations
    that comparing them does not exclude: so far off it may be beside its standard error.
    """

    gradient: Tensor
    error: Tensor
    method: str  # closed form | enumeration | quadrature | reference
    note: str = ""
    disagreement: float = 0.0  # in the unit of the gradient
