"""Variational autoencoders with discrete codes: 8 bits, or 4 symbols of 4 classes.

`python -m benchmarks.problems.discrete_vae` trains them again and writes their weights. Both codes
have 256 values, so the exact gradient is a sum; that is also what they are trained with.
Source: Jang, Gu & Poole 2017, arXiv:1611.01144; Maddison, Mnih & Teh 2017, arXiv:1611.00712.
"""

from collections.abc import Callable, Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent, OneHotCategorical, kl_divergence

from benchmarks.objective.definition import Problem
from benchmarks.problems.checkpoints import Training, Weights, adam, store
from benchmarks.problems.digits import (
    PIXELS,
    digits,
    exact_mean,
    initial,
    misfit_of_mlp,
    mlp,
    only,
    random_rows,
)
from benchmarks.problems.trajectories import at_stages

HIDDEN, BATCH = 32, 16
LEARNING_RATE = 3e-3
STAGES = {"start": 0, "middle": 50, "end": 500}
CODES = {"bernoulli": (Bernoulli, (8,)), "categorical": (OneHotCategorical, (4, 4))}
ENCODER, DECODER = ("w1", "b1", "w2", "b2"), ("v1", "c1", "v2", "c2")


class Encoder(nn.Module):
    """x → logits of the code, [B, *shape]: a network of the given weights, for fixed images."""

    def __init__(self, x: Tensor, shape: tuple[int, ...]):
        super().__init__()
        self.shape = shape
        self.register_buffer("x", x)

    def forward(self, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> dict[str, Tensor]:
        """λ of every image."""
        return {"logits": mlp(self.x, w1, b1, w2, b2).unflatten(-1, self.shape)}


class NegativeElbo(nn.Module):
    """−log p(x | z) + KL(q(z | x) ‖ uniform), for fixed images and decoder weights."""

    def __init__(self, x: Tensor, decoder: Weights, kind: type):
        super().__init__()
        self.kind = kind
        self.register_buffer("x", x)
        for name, value in decoder.items():
            self.register_buffer(name, value)

    def forward(self, z: Tensor, dist: Independent) -> Tensor:
        """z [K, R, B, *shape] → [K, R, B]."""
        flat = z.flatten(z.ndim - len(dist.event_shape))
        misfit = misfit_of_mlp(flat, self.v1, self.c1, self.v2, self.c2, self.x)
        uniform = self.kind(logits=torch.zeros_like(dist.base_dist.logits))
        kl = kl_divergence(dist, Independent(uniform, dist.reinterpreted_batch_ndims))
        return misfit + kl


def family(kind: type) -> Callable[..., Independent]:
    """logits → q(z | x), whose factors are of this kind."""
    return lambda logits: Independent(kind(logits=logits), 1)


def training(code: str) -> Iterator[Weights]:
    """Adam on the exact negative ELBO of random minibatches."""
    kind, shape = CODES[code]
    x, size = digits().float(), torch.Size(shape).numel()

    def loss(weights: Weights) -> Tensor:
        batch = x[random_rows(BATCH)]
        dist = family(kind)(**Encoder(batch, shape)(**only(weights, *ENCODER)))
        return exact_mean(dist, NegativeElbo(batch, only(weights, *DECODER), kind))

    start = initial(
        w1=(PIXELS, HIDDEN), b1=(HIDDEN,), w2=(HIDDEN, size), b2=(size,),
        v1=(size, HIDDEN), c1=(HIDDEN,), v2=(HIDDEN, PIXELS), c2=(PIXELS,),
    )  # fmt: skip
    return adam(start, loss, LEARNING_RATE)


TRAININGS = {c: Training(f"discrete-vae-{c}", partial(training, c), STAGES) for c in CODES}


def discrete_vae(code: str, weights: Weights) -> Problem:
    """The gradient of the negative ELBO of 16 digits in the encoder's weights."""
    kind, shape = CODES[code]
    x = digits()[:BATCH]
    encoder, network = only(weights, *ENCODER), Encoder(x, shape)
    return Problem(
        "discrete-vae",
        network(**encoder),
        family(kind),
        NegativeElbo(x, only(weights, *DECODER), kind),
        footprint=BATCH * 4 * PIXELS,
        weights=encoder,
        network=network,
    )


for _code, _training in TRAININGS.items():
    at_stages(_training, f"discrete-vae-{_code}", f"Discrete VAE on digits, {_code} code")(
        partial(discrete_vae, _code)
    )


if __name__ == "__main__":
    store(*TRAININGS.values())
