"""A conditional variational autoencoder: encoder and decoder are told which digit it is.

`python -m benchmarks.problems.conditional_vae` trains it again and writes its weights.
Source: Sohn, Lee & Yan 2015, "Learning structured output representation".
"""

from collections.abc import Iterator

import torch
from torch import Tensor

from benchmarks.objective.definition import Problem
from benchmarks.problems.checkpoints import Training, Weights, adam, store
from benchmarks.problems.digits import PIXELS, digits, initial, labels, only, random_rows
from benchmarks.problems.trajectories import at_stages
from benchmarks.problems.vae import ENCODER, LEARNING_RATE, STAGES, Encoder, NegativeElbo, gaussian

HIDDEN, LATENT, CLASSES, BATCH, TRAINING_BATCH = 32, 4, 10, 16, 64


def decoder(weights: Weights, y: Tensor) -> Weights:
    """The weights of a decoder whose hidden bias depends on the label: c1 is [B, HIDDEN]."""
    conditioned = weights["c1"] + y @ weights["u1"]
    return {**only(weights, "v1", "v2", "c2"), "c1": conditioned}


def training() -> Iterator[Weights]:
    """Adam on the reparameterised negative ELBO of random minibatches."""
    x, y = digits().float(), labels().float()

    def loss(weights: Weights) -> Tensor:
        rows = random_rows(TRAINING_BATCH)
        network = Encoder(torch.cat([x[rows], y[rows]], -1))
        dist = gaussian(**network(**only(weights, *ENCODER)))
        cost = NegativeElbo(x[rows], decoder(weights, y[rows]))
        return cost(dist.rsample((1,)), dist).mean()

    start = initial(
        w1=(PIXELS + CLASSES, HIDDEN), b1=(HIDDEN,), w2=(HIDDEN, 2 * LATENT), b2=(2 * LATENT,),
        v1=(LATENT, HIDDEN), u1=(CLASSES, HIDDEN), c1=(HIDDEN,), v2=(HIDDEN, PIXELS), c2=(PIXELS,),
    )  # fmt: skip
    return adam(start, loss, LEARNING_RATE)


CONDITIONAL_VAE = Training("conditional-vae", training, STAGES)


def behind(weights: Weights, sampled: bool) -> Problem:
    """The gradient of the negative ELBO of 16 digits in the encoder's weights."""
    x, y = digits()[:BATCH], labels()[:BATCH]
    encoder, network = only(weights, *ENCODER), Encoder(torch.cat([x, y], -1))
    return Problem(
        "conditional-vae",
        network(**encoder),
        gaussian,
        NegativeElbo(x, decoder(weights, y), sampled=sampled),
        footprint=BATCH * 4 * PIXELS,
        weights=encoder,
        network=network,
    )


@at_stages(CONDITIONAL_VAE, "conditional-vae", "Conditional VAE on digits")
def analytic(weights: Weights) -> Problem:
    """The divergence is analytic."""
    return behind(weights, sampled=False)


@at_stages(
    CONDITIONAL_VAE,
    "conditional-vae-sampled-kl",
    "Conditional VAE on digits, KL sampled",
    reference="conditional-vae",
)
def sampled(weights: Weights) -> Problem:
    """The same gradient with log q(z | x, y) − log p(z) in place of its mean."""
    return behind(weights, sampled=True)


if __name__ == "__main__":
    store(CONDITIONAL_VAE)
