"""Blocks that are all the same, as those of enumeration are, which draws nothing."""

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from benchmarks.validation.estimator_checks import from_outside

if TYPE_CHECKING:
    from benchmarks.measuring.cell import Cell


def one_row(pieces: list[Tensor]) -> bool:
    """Whether all replicates in the pieces [R, p] of a block, several of them, are the same."""
    return len(pieces[0]) > 1 and all(
        torch.equal(p[0], p[-1]) and bool((p == p[:1]).all()) for p in pieces
    )


def draws_nothing(cell: "Cell") -> bool:
    """Whether a block takes no random numbers of torch's, and none that one could not see.

    An estimator of somebody else's may have a source of its own, and one that learns has others
    for each block: these do not count as such.
    """
    if cell.learns or cell.device.type != "cpu" or from_outside(cell.estimator):
        return False
    with cell.stream(0):
        before = torch.get_rng_state()
        cell.gradients(cell.problem, cell.estimator, cell.samples, 2)
        return torch.equal(before, torch.get_rng_state())
