"""A network without a stochastic node: an autoencoder of digits, trained by backpropagation.

Its code is a Delta distribution, so that the suite can say what holds of it: the pathwise gradient
is exact and has no variance, and score functions have nothing to work with.
`python -m benchmarks.problems.deterministic` trains it again and writes its weights.
"""

from collections.abc import Iterator
from functools import partial

from torch import Tensor, nn

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
from estimators.distributions import Delta

HIDDEN, CODE, BATCH, TRAINING_BATCH = 32, 8, 16, 64
LEARNING_RATE = 3e-3
STAGES = {"start": 0, "middle": 50, "end": 500}
ENCODER, DECODER = ("w1", "b1", "w2", "b2"), ("v1", "c1", "v2", "c2")


class Encoder(nn.Module):
    """x → its code: a network of the given weights, for fixed images."""

    def __init__(self, x: Tensor):
        super().__init__()
        self.register_buffer("x", x)

    def forward(self, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> dict[str, Tensor]:
        """λ of every image: [B, CODE]."""
        return {"value": mlp(self.x, w1, b1, w2, b2)}


class Reconstruction(nn.Module):
    """−log p(x | code), for fixed images and decoder weights."""

    def __init__(self, x: Tensor, decoder: Weights):
        super().__init__()
        self.register_buffer("x", x)
        for name, value in decoder.items():
            self.register_buffer(name, value)

    def forward(self, code: Tensor) -> Tensor:
        """code [K, R, B, CODE] → [K, R, B]."""
        return misfit_of_mlp(code, self.v1, self.c1, self.v2, self.c2, self.x)


def training() -> Iterator[Weights]:
    """Adam on the reconstruction of random minibatches."""
    x = digits().float()

    def loss(weights: Weights) -> Tensor:
        batch = x[random_rows(TRAINING_BATCH)]
        code = Encoder(batch)(**only(weights, *ENCODER))["value"]
        return Reconstruction(batch, only(weights, *DECODER))(code).mean()

    start = initial(
        w1=(PIXELS, HIDDEN), b1=(HIDDEN,), w2=(HIDDEN, CODE), b2=(CODE,),
        v1=(CODE, HIDDEN), c1=(HIDDEN,), v2=(HIDDEN, PIXELS), c2=(PIXELS,),
    )  # fmt: skip
    return adam(start, loss, LEARNING_RATE)


DETERMINISTIC = Training("deterministic", training, STAGES)


@at_stages(DETERMINISTIC, "deterministic", "Autoencoder without noise")
def deterministic(weights: Weights) -> Problem:
    """16 digits."""
    x = digits()[:BATCH]
    encoder, network = only(weights, *ENCODER), Encoder(x)
    return Problem(
        "deterministic",
        network(**encoder),
        partial(Delta, event_dim=1),
        Reconstruction(x, only(weights, *DECODER)),
        footprint=BATCH * 4 * PIXELS,
        weights=encoder,
        network=network,
    )


if __name__ == "__main__":
    store(DETERMINISTIC)
