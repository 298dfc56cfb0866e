"""Sigmoid belief networks with one and with two layers of hidden units, on binary digits.

With two layers the posterior q(h₁ | x) q(h₂ | h₁) is measured in two ways: `sigmoid-belief-2` draws
both layers, a program of the nodes `below` and `above`;
`sigmoid-belief-2-first` draws h₁ and sums over h₂, so that every estimator has a Bernoulli layer.
`python -m benchmarks.problems.sigmoid_belief` trains them again and writes their weights.
Source: Neal 1992; Mnih & Gregor 2014, arXiv:1402.0030.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent

from benchmarks.objective.definition import Problem
from benchmarks.objective.program import Program
from benchmarks.problems.checkpoints import Training, Weights, adam, store
from benchmarks.problems.digits import (
    PIXELS,
    affine,
    digits,
    exact_mean,
    initial,
    misfit,
    misfit_of,
    only,
    random_rows,
)
from benchmarks.problems.trajectories import ALSO, at_stages
from estimators import surrogate

UNITS, BELOW, ABOVE, BATCH = 8, 6, 4, 16
BY_NODE = (
    "below=disarm, above=enumeration",
    "below=reinforce-loo, above=enumeration",
    "below=reinforce, above=reinforce",
)
LEARNING_RATE = 1e-2
STAGES = {"start": 0, "middle": 50, "end": 500}


def bernoullis(logits: Tensor) -> Independent:
    """A layer of independent units."""
    return Independent(Bernoulli(logits=logits), 1)


class Encoder(nn.Module):
    """x → λ: an affine map to the first layer's logits; the second layer's weights pass through."""

    def __init__(self, x: Tensor):
        super().__init__()
        self.register_buffer("x", x)

    def forward(self, w: Tensor, b: Tensor, **second: Tensor) -> dict[str, Tensor]:
        """λ of every image: logits [B, H₁]."""
        return {"logits": self.x @ w + b, **second}


class OneLayer(nn.Module):
    """log q(h | x) − log p(h) − log p(x | h), for fixed images and generative weights."""

    def __init__(self, x: Tensor, generative: Weights):
        super().__init__()
        self.register_buffer("x", x)
        for name, value in generative.items():
            self.register_buffer(name, value)

    def forward(self, h: Tensor, dist: Independent) -> Tensor:
        """h [K, R, B, H] → [K, R, B]."""
        return dist.log_prob(h) + misfit(self.a, h) + misfit_of(h, self.v, self.c, self.x)


class BothLayers(OneLayer):
    """log q(h₁, h₂ | x) − log p(h₂) − log p(h₁ | h₂) − log p(x | h₁)."""

    def forward(self, draw, logits: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """The program: logits [..., B, H₁], and weights [..., H₁, H₂] that images share."""
        first = bernoullis(logits)
        below = draw("below", first)
        second = bernoullis(below @ weight + bias.unsqueeze(-2))
        above = draw("above", second)
        posterior = first.log_prob(below) + second.log_prob(above)
        prior = misfit(self.a, above) + misfit(affine(above, self.u, self.d), below)
        return posterior + prior + misfit_of(below, self.v, self.c, self.x)


class FirstLayer(OneLayer):
    """log q(h₁ | x) + Σ_h₂ q(h₂ | h₁) [log q(h₂ | h₁) − log p(h₁, h₂)] − log p(x | h₁)."""

    def __init__(self, x: Tensor, generative: Weights, weight: Tensor, bias: Tensor):
        super().__init__(x, generative)
        units = torch.tensor([0.0, 1.0], dtype=weight.dtype)
        self.register_buffer("above", torch.cartesian_prod(*[units] * len(bias)))  # [N, H₂]
        self.register_buffer("weight", weight)
        self.register_buffer("bias", bias)

    def forward(self, h: Tensor, dist: Independent) -> Tensor:
        """h [K, R, B, H₁] → [K, R, B]."""
        second = affine(h, self.weight, self.bias).unsqueeze(-2)  # [K, R, B, 1, H₂]
        log_q = -misfit(second, self.above)  # [K, R, B, N]
        prior = misfit(self.a, self.above)  # [N]
        prior = prior + misfit(affine(self.above, self.u, self.d), h.unsqueeze(-2))
        inner = (log_q.exp() * (log_q + prior)).sum(-1)
        return dist.log_prob(h) + inner + misfit_of(h, self.v, self.c, self.x)


def one_layer_training() -> Iterator[Weights]:
    """Adam on the exact negative ELBO of random minibatches."""
    x = binary().float()

    def loss(weights: Weights) -> Tensor:
        batch = x[random_rows(BATCH)]
        dist = bernoullis(**Encoder(batch)(**only(weights, "w", "b")))
        return exact_mean(dist, OneLayer(batch, only(weights, "a", "v", "c")))

    start = initial(w=(PIXELS, UNITS), b=(UNITS,), a=(UNITS,), v=(UNITS, PIXELS), c=(PIXELS,))
    return adam(start, loss, LEARNING_RATE)


def two_layer_training() -> Iterator[Weights]:
    """The same with both layers."""
    x = binary().float()

    def loss(weights: Weights) -> Tensor:
        batch = x[random_rows(BATCH)]
        outputs = Encoder(batch)(**only(weights, "w", "b", "weight", "bias"))
        model = BothLayers(batch, only(weights, "a", "u", "d", "v", "c"))
        return surrogate(model, {"below": "enumeration", "above": "enumeration"}, outputs).mean()

    start = initial(
        w=(PIXELS, BELOW), b=(BELOW,), weight=(BELOW, ABOVE), bias=(ABOVE,), a=(ABOVE,),
        u=(ABOVE, BELOW), d=(BELOW,), v=(BELOW, PIXELS), c=(PIXELS,),
    )  # fmt: skip
    return adam(start, loss, LEARNING_RATE)


def binary() -> Tensor:
    """The digits with every pixel on or off: [1797, 64]."""
    return (digits() > 0.5).double()


ONE_LAYER = Training("sigmoid-belief-1", one_layer_training, STAGES)
TWO_LAYERS = Training("sigmoid-belief-2", two_layer_training, STAGES)


def behind(family, cost: OneLayer, encoder: Weights) -> Problem:
    """The gradient of the negative ELBO of 16 digits in the encoder's weights."""
    network = Encoder(cost.x)
    return Problem(
        "sigmoid-belief",
        network(**encoder),
        family,
        cost,
        footprint=BATCH * 4 * PIXELS,
        weights=encoder,
        network=network,
    )


@at_stages(ONE_LAYER, "sigmoid-belief-1", "Sigmoid belief network, one layer")
def one_layer(weights: Weights) -> Problem:
    """8 units; exact by enumeration."""
    cost = OneLayer(binary()[:BATCH], only(weights, "a", "v", "c"))
    return behind(bernoullis, cost, only(weights, "w", "b"))


@at_stages(
    TWO_LAYERS,
    "sigmoid-belief-2",
    "Sigmoid belief network, two layers drawn jointly",
    also=(*ALSO, *BY_NODE),
)
def both_layers(weights: Weights) -> Program:
    """6 units below 4, drawn jointly; exact by enumeration."""
    cost = BothLayers(binary()[:BATCH], only(weights, "a", "u", "d", "v", "c"))
    encoder, network = only(weights, "w", "b", "weight", "bias"), Encoder(cost.x)
    return Program(
        "sigmoid-belief",
        network(**encoder),
        cost,
        footprint=BATCH * 4 * PIXELS,
        weights=encoder,
        network=network,
    )


@at_stages(TWO_LAYERS, "sigmoid-belief-2-first", "Sigmoid belief network, second layer summed out")
def first_layer(weights: Weights) -> Problem:
    """The same objective as a function of the first layer alone."""
    generative = only(weights, "a", "u", "d", "v", "c")
    cost = FirstLayer(binary()[:BATCH], generative, weights["weight"], weights["bias"])
    return behind(bernoullis, cost, only(weights, "w", "b"))


if __name__ == "__main__":
    store(ONE_LAYER, TWO_LAYERS)
