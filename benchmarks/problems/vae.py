"""A variational autoencoder on scikit-learn's handwritten digits, measured where it is trained.

`python -m benchmarks.problems.vae` trains it again and writes `data/vae_digits.npz`.
"""

from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.distributions import Independent, Normal, kl_divergence

from benchmarks.problem import Problem
from benchmarks.problems import register
from benchmarks.references import stored_reference

WEIGHTS = Path(__file__).parent / "data" / "vae_digits.npz"
PIXELS, HIDDEN, LATENT, BATCH = 64, 32, 8, 64
STEPS, LEARNING_RATE = 300, 3e-3


@cache
def digits() -> Tensor:
    """The 1797 digits as intensities in [0, 1]: [1797, 64]."""
    from sklearn.datasets import load_digits

    return torch.from_numpy(load_digits().data / 16.0)


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
        hidden = (self.x @ w1 + b1).tanh()
        loc, log_scale = (hidden @ w2 + b2).chunk(2, -1)
        return {"loc": loc, "log_scale": log_scale}


class NegativeElbo(nn.Module):
    """−log p(x | z) + KL(q(z | x) ‖ N(0, I)), for fixed images and decoder weights."""

    def __init__(self, x: Tensor, decoder: dict[str, Tensor]):
        super().__init__()
        self.register_buffer("x", x)
        for name, value in decoder.items():
            self.register_buffer(name, value)

    def forward(self, z: Tensor, dist: Independent) -> Tensor:
        """z [K, R, B, LATENT] → [K, R, B]."""
        logits = (z @ self.v1 + self.c1).tanh() @ self.v2 + self.c2  # [K, R, B, PIXELS]
        reconstruction = nn.functional.softplus(logits).sum(-1) - (logits * self.x).sum(-1)
        prior = Independent(Normal(torch.zeros_like(z[0]), 1.0), 1)
        return reconstruction + kl_divergence(dist, prior)


@cache
def trained() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The stored weights of encoder and decoder."""
    with np.load(WEIGHTS) as stored:
        weights = {name: torch.from_numpy(stored[name]).double() for name in stored.files}
    return _split(weights)


@register("vae-digits", quick=True, replicates=1_000)
def at_lambda() -> Problem:
    """The gradient of the negative ELBO of 64 digits, at what the encoder puts out."""
    encoder, decoder = trained()
    x = digits()[:BATCH]
    return Problem(
        "vae-digits",
        Encoder(x)(**encoder),
        gaussian,
        NegativeElbo(x, decoder),
        stored_reference("vae-digits"),
        footprint=BATCH * 4 * PIXELS,
        summary="VAE on digits, gradient at the encoder's output",
    )


@register("vae-digits-weights", quick=True, replicates=1_000)
def at_weights() -> Problem:
    """The same gradient, pulled back to the encoder's weights."""
    truth = stored_reference("vae-digits-weights")
    return _behind(digits()[:BATCH], truth, minibatch=_minibatch)


def _minibatch(index: int) -> Problem:
    """The problem at the weights, for the random minibatch of that index."""
    chosen = np.random.default_rng(index).choice(len(digits()), BATCH, replace=False)
    return _behind(digits()[chosen], truth=None)


def _behind(x: Tensor, truth, **more) -> Problem:
    encoder, decoder = trained()
    network = Encoder(x)
    return Problem(
        "vae-digits-weights",
        network(**encoder),
        gaussian,
        NegativeElbo(x, decoder),
        truth,
        footprint=BATCH * 4 * PIXELS,
        summary="VAE on digits, gradient of the encoder's weights",
        weights=encoder,
        network=network,
        **more,
    )


def train(seed: int = 0) -> dict[str, Tensor]:
    """Weights after STEPS of Adam on the reparameterised ELBO, from a fixed seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        x = digits().float()
        shapes = {
            "w1": (PIXELS, HIDDEN), "b1": (HIDDEN,), "w2": (HIDDEN, 2 * LATENT),
            "b2": (2 * LATENT,), "v1": (LATENT, HIDDEN), "c1": (HIDDEN,), "v2": (HIDDEN, PIXELS),
            "c2": (PIXELS,),
        }  # fmt: skip
        weights = {
            name: (torch.randn(shape) / shape[0] ** 0.5 if len(shape) == 2 else torch.zeros(shape))
            for name, shape in shapes.items()
        }
        leaves = [w.requires_grad_() for w in weights.values()]
        optimiser = torch.optim.Adam(leaves, lr=LEARNING_RATE)
        encoder, decoder = _split(weights)
        for _ in range(STEPS):
            batch = x[torch.randint(len(x), (BATCH,))]
            dist = gaussian(**Encoder(batch)(**encoder))
            hidden = (dist.rsample() @ decoder["v1"] + decoder["c1"]).tanh()
            logits = hidden @ decoder["v2"] + decoder["c2"]
            reconstruction = nn.functional.softplus(logits) - logits * batch
            prior = Independent(Normal(torch.zeros_like(dist.mean), 1.0), 1)
            loss = (reconstruction.sum(-1) + kl_divergence(dist, prior)).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return {name: w.detach() for name, w in weights.items()}


def _split(weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    of_encoder = ("w1", "b1", "w2", "b2")
    return (
        {name: w for name, w in weights.items() if name in of_encoder},
        {name: w for name, w in weights.items() if name not in of_encoder},
    )


if __name__ == "__main__":
    WEIGHTS.parent.mkdir(exist_ok=True)
    np.savez(WEIGHTS, **{name: w.numpy() for name, w in train().items()})
    print(WEIGHTS)
