"""The exact gradient of a problem, as a value: how far it can be trusted, and how it was found."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Truth:
    """What the gradient of a problem is, how far it can be trusted, and how it was found.

    - `gradient`: of what the problem measures, flattened: [P].
    - `error`: its standard error, zero where it is exact: [P].
    - `method`: "closed form", "enumeration", "quadrature" or "reference".
    - `note`: a sentence for whoever reads the results.
    - `disagreement`: where it was made of two runs, the largest ‖difference‖ of their expectations
      that comparing them does not exclude: so far off it may be beside its standard error.
    """

    gradient: Tensor
    error: Tensor
    method: str  # closed form | enumeration | quadrature | reference
    note: str = ""
    disagreement: float = 0.0  # in the unit of the gradient
