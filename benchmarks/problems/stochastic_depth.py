"""Stochastic depth: a residual network on the digits whose six blocks are open or shut at random.

One gate for each block decides for the whole batch, as in Huang et al. 2016, arXiv:1603.09382; the
probabilities are learned, and an open block costs PRICE. The 2^6 gates give the truth.
`python -m benchmarks.problems.stochastic_depth` trains it again and writes its three stages.
"""

from collections.abc import Iterator

import torch
from torch import Tensor, nn
from torch.distributions import Bernoulli, Independent

from benchmarks.objective.definition import Problem
from benchmarks.problems.checkpoints import Training, Weights, adam, store
from benchmarks.problems.digits import PIXELS, digits, labels, only, random_rows
from benchmarks.problems.trajectories import at_stages
from estimators import create

HIDDEN, CLASSES, BLOCKS, BATCH = 16, 10, 6, 16
NETWORK = {
    "inner": (PIXELS, HIDDEN),
    "u": (BLOCKS, HIDDEN, HIDDEN),
    "b": (BLOCKS, HIDDEN),
    "v": (BLOCKS, HIDDEN, HIDDEN),
    "outer": (HIDDEN, CLASSES),
}
PRICE = 0.02  # nats that an open block must be worth


def gates(logits: Tensor) -> Independent:
    """Independent Bernoulli gates, one for each block."""
    return Independent(Bernoulli(logits=logits), 1)


class GatedLoss(nn.Module):
    """Cross entropy of the gated network on images x, classes y one-hot, plus PRICE a block open.

    h_0 = W_in x,   h_{l+1} = h_l + gate_l · tanh(h_l U_l + b_l) V_l,   softmax(W_out h_L)
    """

    def __init__(self, x: Tensor, y: Tensor, weights: Weights):
        super().__init__()
        self.register_buffer("x", x)
        self.register_buffer("y", y)
        for name, value in weights.items():
            self.register_buffer(name, value)

    def forward(self, gate: Tensor) -> Tensor:
        """gate [K, R, BLOCKS] → [K, R]."""
        h = (self.x @ self.inner).expand(*gate.shape[:-1], *self.x.shape[:1], HIDDEN)
        for block in range(BLOCKS):
            change = (h @ self.u[block] + self.b[block]).tanh() @ self.v[block]
            h = h + gate[..., block, None, None] * change  # [K, R, BATCH, HIDDEN]
        log_p = (h @ self.outer).log_softmax(-1)
        return -(log_p * self.y).sum(-1).mean(-1) + PRICE * gate.sum(-1)


def training() -> Iterator[Weights]:
    """Adam on random batches; the network backpropagates, its gates learn by REINFORCE."""
    x, y = digits(), labels()
    estimator = create("reinforce-loo")

    def loss(weights: Weights) -> Tensor:
        batch = random_rows(64)
        cost = GatedLoss(x[batch], y[batch], only(weights, *NETWORK))
        return estimator.surrogate(gates(weights["logits"]), cost, samples=8)

    yield from adam(initial(), loss, learning_rate=0.01)


def initial() -> Weights:
    """Random weights, and survival probabilities that fall to one half."""
    weights = {
        name: torch.randn(shape, dtype=torch.float64) / shape[-2] ** 0.5
        for name, shape in NETWORK.items()
    }
    survival = 1 - torch.arange(1, BLOCKS + 1, dtype=torch.float64) / (2 * BLOCKS)
    return weights | {"b": torch.zeros_like(weights["b"]), "logits": survival.logit()}


TRAINING = Training("stochastic-depth", training, {"start": 0, "middle": 60, "end": 600})


@at_stages(
    TRAINING,
    "stochastic-depth",
    f"Stochastic depth of {BLOCKS} blocks on digits",
    weights=False,
    replicates=1_000,
)
def problem(weights: Weights) -> Problem:
    """The gradient of the expected loss of one batch in the logits of the gates."""
    x, y = digits()[:BATCH], labels()[:BATCH]
    return Problem(
        "stochastic-depth",
        {"logits": weights["logits"]},
        gates,
        GatedLoss(x, y, only(weights, *NETWORK)),
        footprint=3 * BATCH * HIDDEN * BLOCKS,
    )


if __name__ == "__main__":
    store(TRAINING)
