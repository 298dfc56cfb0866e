"""Variational autoencoders on scikit-learn's handwritten digits, measured where they are trained.

`python -m benchmarks.problems.vae` trains them again and writes their weights at every stage.
Source: Kingma & Welling 2014, arXiv:1312.6114; Higgins et al. 2017 for β > 1.
"""

from collections.abc import Iterator
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal

from benchmarks.objective.definition import Problem
from benchmarks.problems.checkpoints import Training, Weights, adam, store
from benchmarks.problems.digits import (
    PIXELS,
    digits,
    from_standard_normal,
    initial,
    misfit_of_mlp,
    mlp,
    only,
    random_rows,
)
from benchmarks.problems.trajectories import at_stages

HIDDEN, LATENT, BATCH, SMALL_BATCH = 32, 8, 64, 16
LEARNING_RATE = 3e-3
STAGES = {"start": 0, "middle": 50, "end": 300}
ENCODER, DECODER = ("w1", "b1", "w2", "b2"), ("v1", "c1", "v2", "c2")


def gaussian(loc: Tensor, log_scale: Tensor) -> Independent:
    """q(z | x): a factorised Gaussian over the latents."""
    return Independent(Normal(loc, log_scale.exp()), 1)


class Encoder(nn.Module):
    """x → loc and log scale of q(z | x): a network of the given weights, for fixed images."""

    def __init__(self, x: Tensor):
        super().__init__()
        self.register_buffer("x", x)

    def forward(self, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor) -> dict[str, Tensor]:
        """λ of every image: each [B, LATENT]."""
        loc, log_scale = mlp(self.x, w1, b1, w2, b2).chunk(2, -1)
        return {"loc": loc, "log_scale": log_scale}


class NegativeElbo(nn.Module):
    """−log p(x | z) + β KL(q(z | x) ‖ N(0, I)), for fixed images and decoder weights.

    The divergence is the analytic one, or, if `sampled`, log q(z | x) − log p(z) at each sample.
    """

    def __init__(self, x: Tensor, decoder: Weights, beta: float = 1.0, sampled: bool = False):
        super().__init__()
        self.beta, self.sampled = beta, sampled
        self.register_buffer("x", x)
        for name, value in decoder.items():
            self.register_buffer(name, value)

    def forward(self, z: Tensor, dist: Independent) -> Tensor:
        """z [K, R, B, LATENT] → [K, R, B]."""
        misfit = misfit_of_mlp(z, self.v1, self.c1, self.v2, self.c2, self.x)
        return misfit + self.beta * divergence(z, dist, self.sampled)


def divergence(z: Tensor, dist: Independent, sampled: bool = False) -> Tensor:
    """KL(dist ‖ N(0, I)), or its one-sample estimate at z."""
    if not sampled:
        factor = dist.base_dist
        return from_standard_normal(factor.loc, factor.scale, len(dist.event_shape))
    prior = Independent(Normal(torch.zeros_like(z[0]), 1.0), len(dist.event_shape))
    return dist.log_prob(z) - prior.log_prob(z)


def training(beta: float) -> Iterator[Weights]:
    """Adam on the reparameterised negative ELBO of random minibatches."""
    x = digits().float()

    def loss(weights: Weights) -> Tensor:
        batch = x[random_rows(BATCH)]
        dist = gaussian(**Encoder(batch)(**only(weights, *ENCODER)))
        return NegativeElbo(batch, only(weights, *DECODER), beta)(dist.rsample((1,)), dist).mean()

    start = initial(
        w1=(PIXELS, HIDDEN), b1=(HIDDEN,), w2=(HIDDEN, 2 * LATENT), b2=(2 * LATENT,),
        v1=(LATENT, HIDDEN), c1=(HIDDEN,), v2=(HIDDEN, PIXELS), c2=(PIXELS,),
    )  # fmt: skip
    return adam(start, loss, LEARNING_RATE)


def behind(x: Tensor, weights: Weights, beta: float = 1.0, sampled=False, **more) -> Problem:
    """The gradient of the negative ELBO of images x [B, PIXELS] in the encoder's weights."""
    encoder, network = only(weights, *ENCODER), Encoder(x)
    return Problem(
        "vae",
        network(**encoder),
        gaussian,
        NegativeElbo(x, only(weights, *DECODER), beta, sampled),
        footprint=len(x) * HIDDEN,
        weights=encoder,
        network=network,
        **more,
    )


VAE = Training("vae-digits", partial(training, 1.0), STAGES)
BETA_VAES = {b: Training(f"beta-vae-{b}", partial(training, float(b)), STAGES) for b in (4, 16)}


@at_stages(VAE, "vae-digits", "VAE on digits", quick=True, replicates=500)
def vae(weights: Weights) -> Problem:
    """64 digits; the divergence is analytic."""

    def minibatch(index: int) -> Problem:
        chosen = np.random.default_rng(index).choice(len(digits()), BATCH, replace=False)
        return behind(digits()[chosen], weights, truth=None)

    return behind(digits()[:BATCH], weights, minibatch=minibatch)


@at_stages(VAE, "vae-sampled-kl", "VAE on digits, KL sampled", reference="vae-digits")
def sampled(weights: Weights) -> Problem:
    """The same gradient with log q(z | x) − log p(z) in place of its mean."""
    return behind(digits()[:BATCH], weights, sampled=True)


def beta_vae(beta: int, weights: Weights) -> Problem:
    """16 digits; the divergence counts β times."""
    return behind(digits()[:SMALL_BATCH], weights, beta)


for _beta, _training in BETA_VAES.items():
    at_stages(_training, f"beta-vae-{_beta}", f"β-VAE on digits, β = {_beta}")(
        partial(beta_vae, _beta)
    )


if __name__ == "__main__":
    store(VAE, *BETA_VAES.values())
