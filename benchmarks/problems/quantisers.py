"""Small quantisers, exact by enumeration: the choice among codes of a vector or of each number.

As in `vq_vae`, what is measured is the stochastic choice, P(c) ∝ exp(−‖v − c‖² / temperature).
"""

import torch
from torch import Tensor
from torch.distributions import Distribution, Independent

from benchmarks.objective.definition import Problem
from benchmarks.problems import register
from estimators.distributions import Codebook, ScalarQuantiser

VECTORS = [[0.5, -0.2], [-0.3, 0.4]]
CODES = torch.tensor([[0.9, 0.1], [-0.2, 0.8], [-0.7, -0.6]], dtype=torch.float64)
TARGET = torch.tensor([0.6, -0.1], dtype=torch.float64)
TEMPERATURE = 0.5


def reconstruction(x: Tensor, dist: Distribution) -> Tensor:
    """‖mean code − target‖² and a product: two chosen codes x [..., 2, 3] interact."""
    codes = x @ CODES.to(x)  # [..., 2, 2]
    apart = (codes.mean(-2) - TARGET.to(x)).square().sum(-1)
    return apart + 0.5 * codes.prod(-2).sum(-1).sin()


@register("codebook-reconstruction")
def codebook() -> Problem:
    """Two vectors, each given one of three codes in the plane."""
    return Problem(
        "codebook-reconstruction",
        {"vector": torch.tensor(VECTORS, dtype=torch.float64)},
        lambda vector: Independent(Codebook(vector, CODES.to(vector), TEMPERATURE), 1),
        reconstruction,
        summary="two vectors in the plane, each quantised to one of three codes",
    )


NUMBERS = [0.5, -0.2, -0.3, 0.9]
WEIGHTS = torch.tensor([1.0, -0.6, 0.4, 0.8], dtype=torch.float64)


def interacting(x: Tensor, dist: Distribution) -> Tensor:
    """(Σ w_i x_i − 0.4)² + sin(x_1 x_2 + x_3): numbers that are rounded interact."""
    along = (x @ WEIGHTS.to(x) - 0.4).square()
    return along + (x[..., 0] * x[..., 1] + x[..., 2]).sin()


def scalar_problem(name: str, levels: int, bounded: bool, temperature: float, summary: str) -> None:
    """Register four numbers, each rounded to one of `levels`."""

    @register(name)
    def build() -> Problem:
        def family(value: Tensor) -> Distribution:
            return Independent(ScalarQuantiser(value, levels, temperature, bounded), 1)

        value = torch.tensor(NUMBERS, dtype=torch.float64)
        return Problem(name, {"value": value}, family, interacting, summary=summary)


scalar_problem("fsq-interacting", 3, True, 0.5, "four numbers, each to three levels (FSQ)")
scalar_problem("lfq-interacting", 2, False, 2.0, "four numbers, each to its sign (LFQ)")
