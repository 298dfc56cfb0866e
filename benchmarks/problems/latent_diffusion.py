"""The autoencoder under latent diffusion: convolutional, its Gaussian code hardly regularised.

Digits of 8×8 pixels become two channels of 2×2; the loss is Σ|x − x̂| + weight · KL, with the
weight from 1e-6, which is the usual one, to 1e-2. The perceptual and adversarial terms are left
out: they need networks trained on photographs.
`python -m benchmarks.problems.latent_diffusion` trains them again and writes their weights.
Source: Rombach, Blattmann, Lorenz, Esser & Ommer 2022, arXiv:2112.10752, appendix G.
"""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal
from torch.nn.functional import conv2d, interpolate, silu

from benchmarks.objective.definition import Problem
from benchmarks.problems.checkpoints import Training, Weights, adam, store
from benchmarks.problems.digits import digits, only, random_rows
from benchmarks.problems.trajectories import at_stages
from benchmarks.problems.vae import divergence

CHANNELS, CODE, BATCH, TRAINING_BATCH = 8, 2, 16, 64
LEARNING_RATE = 3e-3
KL_WEIGHTS = ("1e-6", "1e-4", "1e-2")
STAGES = {"start": 0, "middle": 100, "end": 1000}
ENCODER, DECODER = ("w1", "b1", "w2", "b2"), ("v1", "c1", "v2", "c2", "v3", "c3")


def gaussian(loc: Tensor, log_scale: Tensor) -> Independent:
    """q(z | x): a factorised Gaussian over the code, λ being [..., CODE, 2, 2]."""
    return Independent(Normal(loc, log_scale.exp()), 3)


class Encoder(nn.Module):
    """Images → loc and log scale of their codes: two convolutions that halve the sides."""

    def __init__(self, x: Tensor):
        super().__init__()
        self.register_buffer("x", x.reshape(-1, 1, 8, 8))

    def forward(self, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> dict[str, Tensor]:
        """λ of every image: each [B, CODE, 2, 2]."""
        hidden = silu(conv2d(self.x, w1, b1, stride=2, padding=1))  # [B, CHANNELS, 4, 4]
        loc, log_scale = conv2d(hidden, w2, b2, stride=2, padding=1).chunk(2, 1)
        return {"loc": loc, "log_scale": log_scale}


class Loss(nn.Module):
    """Σ|x − x̂(z)| + weight · KL(q(z | x) ‖ N(0, I)), for fixed images and decoder weights."""

    def __init__(self, x: Tensor, decoder: Weights, weight: float):
        super().__init__()
        self.weight = weight
        self.register_buffer("x", x)
        for number, (matrix, bias) in enumerate(as_matrices(decoder), 1):
            self.register_buffer(f"m{number}", matrix)
            self.register_buffer(f"b{number}", bias)

    def forward(self, z: Tensor, dist: Independent) -> Tensor:
        """z [K, R, B, CODE, 2, 2] → [K, R, B]."""
        kl = divergence(z, dist)
        return (self.decode(z) - self.x).abs().sum(-1) + self.weight * kl

    def decode(self, z: Tensor) -> Tensor:
        """Codes [..., CODE, 2, 2] as images [..., 64]."""
        h = silu(z.flatten(-3) @ self.m1 + self.b1)
        h = silu(h @ self.m2 + self.b2)
        return h @ self.m3 + self.b3


def as_matrices(decoder: Weights) -> Iterator[tuple[Tensor, Tensor]]:
    """The decoder's three convolutions, two of them after doubling the sides: [in, out] and [out].

    Images of 8×8 pixels go through matrices 25 times faster than through convolutions in float64.
    """
    side = 2
    for number, factor in enumerate((1, 2, 2), 1):
        kernel, bias = decoder[f"v{number}"], decoder[f"c{number}"]
        each = torch.eye(kernel.shape[1] * side**2, dtype=kernel.dtype)
        pixels = interpolate(each.unflatten(1, (-1, side, side)), scale_factor=float(factor))
        side *= factor
        yield conv2d(pixels, kernel, padding=1).flatten(1), bias.repeat_interleave(side**2)


def training(weight: float) -> Iterator[Weights]:
    """Adam on the reparameterised loss of random minibatches."""
    x = digits().float()

    def loss(weights: Weights) -> Tensor:
        batch = x[random_rows(TRAINING_BATCH)]
        dist = gaussian(**Encoder(batch)(**only(weights, *ENCODER)))
        cost = Loss(batch, only(weights, *DECODER), weight)
        return cost(dist.rsample((1,)), dist).mean()

    shapes = {
        "w1": (CHANNELS, 1, 3, 3), "w2": (2 * CODE, CHANNELS, 3, 3), "v1": (CHANNELS, CODE, 3, 3),
        "v2": (CHANNELS, CHANNELS, 3, 3), "v3": (1, CHANNELS, 3, 3),
    }  # fmt: skip
    start = {}
    for name, shape in shapes.items():
        start[name] = torch.randn(shape) / torch.Size(shape[1:]).numel() ** 0.5
        start[name.replace("w", "b").replace("v", "c")] = torch.zeros(shape[0])
    return adam(start, loss, LEARNING_RATE)


TRAININGS = {w: Training(f"latent-diffusion-{w}", partial(training, float(w)), STAGES)
             for w in KL_WEIGHTS}  # fmt: skip


def autoencoder(weight: str, weights: Weights) -> Problem:
    """The gradient of the loss of 16 digits in the encoder's weights."""
    x = digits()[:BATCH]
    encoder, network = only(weights, *ENCODER), Encoder(x)
    return Problem(
        "latent-diffusion",
        network(**encoder),
        gaussian,
        Loss(x, only(weights, *DECODER), float(weight)),
        footprint=BATCH * 2 * (4 * CODE + 20 * CHANNELS + 64),
        weights=encoder,
        network=network,
    )


for _weight, _training in TRAININGS.items():
    at_stages(
        _training, f"latent-diffusion-{_weight}", f"Latent diffusion's autoencoder, KL · {_weight}"
    )(partial(autoencoder, _weight))


if __name__ == "__main__":
    store(*TRAININGS.values())
