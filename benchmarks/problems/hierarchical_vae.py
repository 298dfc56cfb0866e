"""A variational autoencoder with two stochastic layers, q(z₁ | x) q(z₂ | z₁), on digits.

The second layer's law is an affine map of z₁, whose weights are part of λ. It is a program of two
nodes, `below` and `above`: an estimator by itself draws both layers together.
`python -m benchmarks.problems.hierarchical_vae` trains it again and writes its weights.
Source: Rezende, Mohamed & Wierstra 2014, arXiv:1401.4082; Sønderby et al. 2016, arXiv:1602.02282.
"""

from collections.abc import Iterator

from torch import Tensor, nn
from torch.distributions import Independent

from benchmarks.objective.program import Program
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
from benchmarks.problems.trajectories import ALSO, at_stages
from benchmarks.problems.vae import gaussian
from estimators import surrogate

HIDDEN, BELOW, ABOVE, BATCH, TRAINING_BATCH = 32, 6, 3, 16, 64
LEARNING_RATE = 3e-3
STAGES = {"start": 0, "middle": 50, "end": 500}
ENCODER = ("w1", "b1", "w2", "b2", "weight", "bias")
BY_NODE = (
    "below=pathwise, above=pathwise",
    "below=antithetic-pathwise, above=pathwise",
    "below=reinforce-loo, above=pathwise",
)
GENERATIVE = ("u1", "d1", "u2", "d2", "v1", "c1", "v2", "c2")


def from_outputs(outputs: Tensor) -> Independent:
    """A factorised Gaussian from loc and log scale side by side."""
    return gaussian(*outputs.chunk(2, -1))


class Encoder(nn.Module):
    """x → λ: a network to the first layer's law; the second layer's weights pass through."""

    def __init__(self, x: Tensor):
        super().__init__()
        self.register_buffer("x", x)

    def forward(
        self, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor, **second: Tensor
    ) -> dict[str, Tensor]:
        """λ of every image: loc and log scale, each [B, D₁]."""
        loc, log_scale = mlp(self.x, w1, b1, w2, b2).chunk(2, -1)
        return {"loc": loc, "log_scale": log_scale, **second}


class NegativeElbo(nn.Module):
    """log q(z₁, z₂ | x) − log p(z₂) − log p(z₁ | z₂) − log p(x | z₁), at each sample."""

    def __init__(self, x: Tensor, generative: Weights):
        super().__init__()
        self.register_buffer("x", x)
        for name, value in generative.items():
            self.register_buffer(name, value)

    def forward(self, draw, loc: Tensor, log_scale: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """The program: loc [..., B, D₁], and weights [..., D₁, 2 D₂] that images share."""
        first = gaussian(loc, log_scale)
        below = draw("below", first)
        second = from_outputs(below @ weight + bias.unsqueeze(-2))
        above = draw("above", second)
        middle = from_outputs(mlp(above, self.u1, self.d1, self.u2, self.d2))  # p(z₁ | z₂)
        standard = -above.square().sum(-1) / 2
        misfit = misfit_of_mlp(below, self.v1, self.c1, self.v2, self.c2, self.x)
        posterior = first.log_prob(below) + second.log_prob(above)
        return posterior - standard - middle.log_prob(below) + misfit


def training() -> Iterator[Weights]:
    """Adam on the reparameterised negative ELBO of random minibatches."""
    x = digits().float()

    def loss(weights: Weights) -> Tensor:
        batch = x[random_rows(TRAINING_BATCH)]
        model = NegativeElbo(batch, only(weights, *GENERATIVE))
        outputs = Encoder(batch)(**only(weights, *ENCODER))
        return surrogate(model, {"below": "pathwise", "above": "pathwise"}, outputs).mean()

    start = initial(
        w1=(PIXELS, HIDDEN), b1=(HIDDEN,), w2=(HIDDEN, 2 * BELOW), b2=(2 * BELOW,),
        weight=(BELOW, 2 * ABOVE), bias=(2 * ABOVE,),
        u1=(ABOVE, HIDDEN), d1=(HIDDEN,), u2=(HIDDEN, 2 * BELOW), d2=(2 * BELOW,),
        v1=(BELOW, HIDDEN), c1=(HIDDEN,), v2=(HIDDEN, PIXELS), c2=(PIXELS,),
    )  # fmt: skip
    return adam(start, loss, LEARNING_RATE)


HIERARCHICAL_VAE = Training("hierarchical-vae", training, STAGES)


@at_stages(HIERARCHICAL_VAE, "hierarchical-vae", "Two-layer VAE on digits", also=(*ALSO, *BY_NODE))
def hierarchical_vae(weights: Weights) -> Program:
    """The gradient of the negative ELBO of 16 digits in the weights of q."""
    x = digits()[:BATCH]
    encoder, network = only(weights, *ENCODER), Encoder(x)
    return Program(
        "hierarchical-vae",
        network(**encoder),
        NegativeElbo(x, only(weights, *GENERATIVE)),
        footprint=BATCH * 4 * PIXELS,
        weights=encoder,
        network=network,
    )


if __name__ == "__main__":
    store(HIERARCHICAL_VAE)
