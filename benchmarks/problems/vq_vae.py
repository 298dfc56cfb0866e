"""Vector quantisation: a digit's four quarters, each replaced by the nearest of four codes.

The nearest code moves by jumps, so its gradient is zero wherever it exists. What is measured is
the stochastic codebook, P(c) ∝ exp(−‖v − c‖² / temperature), whose gradient is a sum over 4⁴
choices. As the temperature goes to 0 it becomes that of hard quantisation: it vanishes for all
vectors but those that happen to lie between two codes, where it grows like 1 / temperature.
The codebook and commitment terms of the training loss are the same for every estimator and are
left out.
`python -m benchmarks.problems.vq_vae` trains it again, as published, and writes its weights.
Source: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937.
"""

from collections.abc import Iterator
from functools import partial

from torch import Tensor, nn
from torch.distributions import Independent

from benchmarks.objective.definition import Problem
from benchmarks.problems.checkpoints import Training, Weights, adam, store
from benchmarks.problems.digits import (
    PIXELS,
    digits,
    initial,
    misfit_of_mlp,
    mlp,
    only,
    random_rows,
)
from benchmarks.problems.trajectories import at_stages
from estimators import create
from estimators.distributions import Codebook

QUARTER, HIDDEN, CODES, WIDTH, BATCH, TRAINING_BATCH = 16, 32, 4, 3, 16, 64
LEARNING_RATE, COMMITMENT = 3e-3, 0.25
TEMPERATURES = ("1", "0.1", "0.01")
STAGES = {"start": 0, "middle": 100, "end": 1000}
ENCODER, DECODER = ("w1", "b1", "w2", "b2"), ("v1", "c1", "v2", "c2")


class Encoder(nn.Module):
    """Images → a vector for each quarter: one network of the given weights for all four."""

    def __init__(self, x: Tensor):
        super().__init__()
        quarters = x.reshape(-1, 2, 4, 2, 4).transpose(2, 3).reshape(-1, 4, QUARTER)
        self.register_buffer("quarters", quarters)

    def forward(self, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> dict[str, Tensor]:
        """λ of every image: [B, 4, WIDTH]."""
        return {"vector": mlp(self.quarters, w1, b1, w2, b2)}


class Choice(nn.Module):
    """vector → the stochastic choice of a code for every quarter, one-hot: event [4, CODES]."""

    def __init__(self, codes: Tensor, temperature: float):
        super().__init__()
        self.temperature = temperature
        self.register_buffer("codes", codes)

    def forward(self, vector: Tensor) -> Independent:
        """Batch [..., B] of vectors [..., B, 4, WIDTH]."""
        return Independent(Codebook(vector, self.codes, self.temperature), 1)


class Reconstruction(nn.Module):
    """−log p(x | the chosen codes), for fixed images, codes and decoder weights."""

    def __init__(self, x: Tensor, codes: Tensor, decoder: Weights):
        super().__init__()
        self.register_buffer("x", x)
        self.register_buffer("codes", codes)
        for name, value in decoder.items():
            self.register_buffer(name, value)

    def forward(self, choice: Tensor) -> Tensor:
        """choice [K, R, B, 4, CODES] → [K, R, B]."""
        z = (choice @ self.codes).flatten(-2)
        return misfit_of_mlp(z, self.v1, self.c1, self.v2, self.c2, self.x)


def training() -> Iterator[Weights]:
    """Adam on the loss as published, with the gradient copied past the nearest code."""
    x = digits().float()
    copied = create("straight-through-copied")

    def loss(weights: Weights) -> Tensor:
        batch, codes = x[random_rows(TRAINING_BATCH)], weights["codes"]
        vector = Encoder(batch)(**only(weights, *ENCODER))["vector"]
        dist = Choice(codes.detach(), 1.0)(vector)
        cost = Reconstruction(batch, codes.detach(), only(weights, *DECODER))
        nearest = dist.base_dist.mode @ codes
        codebook = (nearest - vector.detach()).square().sum((-2, -1))
        commitment = (nearest.detach() - vector).square().sum((-2, -1))
        return (copied.surrogate(dist, cost) + codebook + COMMITMENT * commitment).mean()

    start = initial(
        w1=(QUARTER, HIDDEN), b1=(HIDDEN,), w2=(HIDDEN, WIDTH), b2=(WIDTH,), codes=(CODES, WIDTH),
        v1=(4 * WIDTH, HIDDEN), c1=(HIDDEN,), v2=(HIDDEN, PIXELS), c2=(PIXELS,),
    )  # fmt: skip
    return adam(start, loss, LEARNING_RATE)


VQ_VAE = Training("vq-vae", training, STAGES)


def vq_vae(temperature: str, weights: Weights) -> Problem:
    """The gradient of the reconstruction of 16 digits in the encoder's weights."""
    x, codes = digits()[:BATCH], weights["codes"]
    encoder, network = only(weights, *ENCODER), Encoder(x)
    return Problem(
        "vq-vae",
        network(**encoder),
        Choice(codes, float(temperature)),
        Reconstruction(x, codes, only(weights, *DECODER)),
        footprint=BATCH * 4 * PIXELS,
        weights=encoder,
        network=network,
    )


for _temperature in TEMPERATURES:
    at_stages(VQ_VAE, f"vq-vae-{_temperature}", f"VQ-VAE on digits, temperature {_temperature}")(
        partial(vq_vae, _temperature)
    )


if __name__ == "__main__":
    store(VQ_VAE)
