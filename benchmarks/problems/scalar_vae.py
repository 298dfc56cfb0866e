"""Finite scalar and lookup-free quantisation of a digit's four quarters: two numbers each, rounded.

The encoder and the decoder are those of `vq_vae`, trained by straight-through-copied as published
for FSQ and LFQ (LFQ with its commitment, without its entropy terms). What is measured is the
stochastic choice of levels, P(l) ∝ exp(−(b(v) − l)² / temperature), exact by a sum over 3⁸ or 2⁸
choices.
`python -m benchmarks.problems.scalar_vae` trains them again and writes their weights.
Source: Mentzer et al. 2023, arXiv:2309.15505 (FSQ); Yu et al. 2023, arXiv:2310.05737 (LFQ).
"""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.distributions import Independent

from benchmarks.objective.definition import Problem
from benchmarks.problems.checkpoints import Training, Weights, adam, store
from benchmarks.problems.digits import PIXELS, digits, initial, only, random_rows
from benchmarks.problems.trajectories import at_stages
from benchmarks.problems.vq_vae import (
    BATCH,
    COMMITMENT,
    DECODER,
    ENCODER,
    HIDDEN,
    LEARNING_RATE,
    QUARTER,
    STAGES,
    TRAINING_BATCH,
    Encoder,
    Reconstruction,
)
from estimators import create
from estimators.distributions import ScalarQuantiser

NUMBERS = 2  # of a quarter


class Rounding(nn.Module):
    """vector → the stochastic level of each of its numbers: event [4, NUMBERS]."""

    def __init__(self, levels: int, temperature: float, bounded: bool):
        super().__init__()
        self.levels, self.temperature, self.bounded = levels, temperature, bounded

    def forward(self, vector: Tensor) -> Independent:
        """Batch [..., B] of vectors [..., B, 4, NUMBERS]."""
        base = ScalarQuantiser(vector, self.levels, self.temperature, self.bounded)
        return Independent(base, 2)


KINDS = {"fsq-vae": Rounding(3, 0.1, bounded=True), "lfq-vae": Rounding(2, 2.0, bounded=False)}


def decoded(x: Tensor, weights: Weights) -> Reconstruction:
    """−log p(x | the rounded numbers), whose codes are the numbers themselves."""
    return Reconstruction(x, torch.eye(NUMBERS).to(x), only(weights, *DECODER))


def training(kind: str) -> Iterator[Weights]:
    """Adam on the reconstruction, with the gradient copied past the rounding."""
    x, copied = digits().float(), create("straight-through-copied")

    def loss(weights: Weights) -> Tensor:
        batch = x[random_rows(TRAINING_BATCH)]
        dist = KINDS[kind](Encoder(batch)(**only(weights, *ENCODER))["vector"])
        loss = copied.surrogate(dist, decoded(batch, weights))
        if not KINDS[kind].bounded:  # commitment: what nothing bounds stays at its level
            value = dist.base_dist.value
            loss = loss + COMMITMENT * (dist.base_dist.mode - value).square().sum((-2, -1))
        return loss.mean()

    start = initial(
        w1=(QUARTER, HIDDEN), b1=(HIDDEN,), w2=(HIDDEN, NUMBERS), b2=(NUMBERS,),
        v1=(4 * NUMBERS, HIDDEN), c1=(HIDDEN,), v2=(HIDDEN, PIXELS), c2=(PIXELS,),
    )  # fmt: skip
    return adam(start, loss, LEARNING_RATE)


TRAININGS = {kind: Training(kind, partial(training, kind), STAGES) for kind in KINDS}


def scalar_vae(kind: str, weights: Weights) -> Problem:
    """The gradient of the reconstruction of 16 digits in the encoder's weights."""
    x = digits()[:BATCH]
    encoder, network = only(weights, *ENCODER), Encoder(x)
    return Problem(
        kind,
        network(**encoder),
        KINDS[kind],
        decoded(x, weights),
        footprint=BATCH * 4 * PIXELS,
        weights=encoder,
        network=network,
    )


for _kind, _said in (("fsq-vae", "three levels (FSQ)"), ("lfq-vae", "its sign (LFQ)")):
    at_stages(TRAININGS[_kind], _kind, f"digits, each of eight numbers to {_said}")(
        partial(scalar_vae, _kind)
    )


if __name__ == "__main__":
    store(*TRAININGS.values())
