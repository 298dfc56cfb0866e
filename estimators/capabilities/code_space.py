"""Quantisers: the vectors that are rounded, the codes they become, and the way back to samples."""

from collections.abc import Callable
from functools import singledispatch
from typing import NamedTuple

from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities.description import Unsupported, describe


class CodeSpace(NamedTuple):
    """Where a quantiser rounds.

    - `vector`: what is rounded, [*batch, …, D].
    - `nearest`: the codes that it becomes, as `vector`.
    - `to_samples`: the linear map of differences of vectors to differences of samples.
    """

    vector: Tensor
    nearest: Tensor
    to_samples: Callable[[Tensor], Tensor]


@singledispatch
def code_space(dist: Distribution) -> CodeSpace:
    """The vectors behind `dist` and the codes that they are rounded to."""
    raise Unsupported(
        f"{describe(dist)} quantises no vectors; use Codebook or Independent of it, or "
        "straight-through-copied."
    )
