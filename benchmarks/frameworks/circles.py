"""Laws on a circle, whose cdf a framework may measure from elsewhere than the end of the support.

TFP's von Mises begins at loc − π, SciPy's goes on beyond it. Here F(−π) = 0 and F(π) = 1, as for
any law on an interval.
"""

import math
from collections.abc import Callable

import torch
from torch import Tensor

CIRCLES = {"VonMises", "vonmises"}
END = math.pi
ROUNDING = 1e-9


def from_the_end(cdf: Callable[..., Tensor]) -> Callable[..., Tensor]:
    """The cdf method of a circle from −π on: (F(x) − F(−π)) mod 1, and 0 and 1 at the ends."""

    def shifted(law, value: Tensor) -> Tensor:
        start = cdf(law, torch.full_like(value, -END))
        turn = cdf(law, value) - start
        turn = turn + (turn.detach() < -ROUNDING).to(turn)  # where theirs begins again
        turn = torch.where(value >= END, torch.ones_like(turn), turn)
        return torch.where(value <= -END, torch.zeros_like(turn), turn)

    return shifted
