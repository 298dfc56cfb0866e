"""How gamma numbers move with their concentration, bit for bit, in one walk over them."""

import torch
from torch import Tensor

from benchmarks.c_loops import loop
from estimators.special import loops
from estimators.special.gamma_beta import axis, by_grid_sample

COUNT, CONCENTRATIONS = 2**12, 6  # numbers whose bits must agree
TABLE = (16, 64)


def gamma_derivatives(
    x: Tensor, ratio: Tensor, log_ratio: Tensor, alpha: Tensor, row: Tensor, table: Tensor,
    axis: Tensor, out: Tensor,
) -> None:  # fmt: skip
    """See `loops`."""
    given = x, ratio, log_ratio, alpha, row, table, axis, out
    loop("gamma_derivatives")(x.numel() // len(alpha), len(alpha), *table.shape, *given)


def use() -> None:
    """Find them so from now on, if they are as torch finds them, here in a table of any numbers."""
    spread = torch.linspace(-30, 3.5, COUNT, dtype=torch.float64)[:, None]
    alpha = torch.linspace(0.1, 9, CONCENTRATIONS, dtype=torch.float64)
    log_ratio = spread + alpha.log()
    log_ratio[0], log_ratio[1] = -720.0, 0.0  # where x is 0, and where it is its mean
    ratio, row = log_ratio.exp(), torch.linspace(-1, 1, CONCENTRATIONS, dtype=torch.float64)
    table = torch.arange(TABLE[0] * TABLE[1], dtype=torch.float64).sin().view(TABLE)
    given, ours = (ratio * alpha, ratio, log_ratio, alpha, row, table), torch.empty_like(ratio)
    gamma_derivatives(*given, axis(), ours)
    if torch.equal(by_grid_sample(*given), ours):
        loops.bring(gamma_derivatives=gamma_derivatives)
