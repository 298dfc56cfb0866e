"""A small transformer that adds two numbers in binary, measured where it is trained.

A prompt is two numbers of two bits, a completion at most four tokens: the bits of the sum from the
highest on, and an end token. The reward is 1 for the right sum, else 0. There are 31 completions
of each of 16 prompts, so that the gradient of all weights is a sum.
`python -m benchmarks.problems.addition` trains it again, in seconds, and writes its stages.
"""

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor, nn
from torch.func import functional_call

from benchmarks.objective.definition import Problem
from benchmarks.problems.checkpoints import Training, Weights, adam, store
from benchmarks.problems.digits import initial
from benchmarks.problems.trajectories import at_stages
from estimators.distributions import Autoregressive
from estimators.distributions.autoregressive import prefix_table

BITS, EOS, VOCABULARY, LENGTH = 2, 2, 3, 4  # tokens: 0, 1 and the end
WIDTH, HEADS, HIDDEN = 16, 2, 32
LEARNING_RATE, SMOOTHING = 3e-3, 1.0
SHAPES = {
    "token": (VOCABULARY, WIDTH), "place": (2 * BITS + LENGTH - 1, WIDTH),
    "query": (WIDTH, WIDTH), "key": (WIDTH, WIDTH), "value": (WIDTH, WIDTH),
    "joined": (WIDTH, WIDTH), "up": (WIDTH, HIDDEN), "shift": (HIDDEN,), "down": (HIDDEN, WIDTH),
    "read": (WIDTH, VOCABULARY), "bias": (VOCABULARY,),
}  # fmt: skip


def prompts() -> Tensor:
    """Every pair of numbers, as bits: [16, 4]."""
    each = torch.arange(2 ** (2 * BITS))
    return each.unsqueeze(-1) >> torch.arange(2 * BITS - 1, -1, -1) & 1


def sums() -> Tensor:
    """The right completion of each prompt, filled up with end tokens: [16, LENGTH]."""
    first, second = (
        (prompts().unflatten(-1, (2, BITS)) * 2 ** torch.arange(BITS - 1, -1, -1)).sum(-1).T
    )
    rows = [[int(bit) for bit in f"{total:b}"] for total in (first + second).tolist()]
    return torch.tensor([row + [EOS] * (LENGTH - len(row)) for row in rows])


class Adder(nn.Module):
    """Tokens [n, s] → logits of the next one [n, V]: one layer of attention and one of units.

    With one layer, what comes after a token needs no keys of later ones: the last place asks.
    """

    def __init__(self, weights: Weights):
        super().__init__()
        for name, value in weights.items():
            self.register_parameter(name, nn.Parameter(value.detach().clone()))

    def forward(self, tokens: Tensor) -> Tensor:
        """`tokens` of the prompt and of what was completed so far: [n, s] → [n, V]."""
        h = self.token[tokens] + self.place[: tokens.shape[-1]]  # [n, s, WIDTH]
        heads = (h[:, -1:] @ self.query, h @ self.key, h @ self.value)
        q, k, v = (x.unflatten(-1, (HEADS, -1)).transpose(1, 2) for x in heads)  # [n, HEADS, ·, ·]
        looked_at = (q @ k.mT / (WIDTH // HEADS) ** 0.5).softmax(-1) @ v
        h = h[:, -1] + looked_at.transpose(1, 2).flatten(1) @ self.joined
        h = h + (h @ self.up + self.shift).relu() @ self.down
        return h @ self.read + self.bias


class Logits(nn.Module):
    """Weights → the logits after every prefix of every prompt: [16, prefixes, V]."""

    def __init__(self, weights: Weights):
        super().__init__()
        self.adder = Adder(weights)
        self.register_buffer("prompts", prompts())

    def forward(self, **weights: Tensor) -> dict[str, Tensor]:
        """λ of the completions of all prompts."""
        of_weights = partial(functional_call, self.adder, weights)
        return {"logits": prefix_table(of_weights, VOCABULARY, EOS, LENGTH, self.prompts)}


def completions(logits: Tensor) -> Autoregressive:
    """π(completion | prompt), of every prompt."""
    return Autoregressive(logits, EOS, LENGTH)


class NegativeReward(nn.Module):
    """−1 for the right sum, else 0; of the tokens it is the last one's."""

    def __init__(self):
        super().__init__()
        self.register_buffer("sums", sums())

    def forward(self, x: Tensor, dist: Autoregressive) -> Tensor:
        """Completions `x` [K, R, 16, LENGTH] of `dist` → [K, R, 16]."""
        return -(x == self.sums).all(-1).to(dist.logits.dtype)

    def terms(self, x: Tensor, dist: Autoregressive) -> Tensor:
        """The cost at the last token of each completion `x` of `dist`: [K, R, 16, LENGTH]."""
        place = dist.mask(x).sum(-1, keepdim=True) - 1
        none = torch.zeros_like(x, dtype=dist.logits.dtype)
        return none.scatter(-1, place, self(x, dist).unsqueeze(-1))


def training() -> Iterator[Weights]:
    """Adam on the mean −log π(right sum | prompt), with tokens of every prefix smoothed.

    Smoothing keeps it exploring: tokens that a policy hardly ever draws have gradients that hardly
    any sample shows.
    """
    start = initial(**SHAPES)
    network, right = Logits(start), sums()

    def loss(weights: Weights) -> Tensor:
        dist = completions(**network(**weights))
        return -dist.log_prob(right).mean() - SMOOTHING * dist.logits.log_softmax(-1).mean()

    return adam(start, loss, LEARNING_RATE)


TRAINING = Training(
    "sequence-addition", training, {"start": 0, "early": 20, "middle": 60, "end": 120}
)
ALSO = (
    "reinforce-exact-mean", "sum-and-sample", "unordered-set", "self-critical", "enumeration",
    "reinforce-rao-blackwell",
)  # fmt: skip


@at_stages(
    TRAINING,
    "sequence-addition",
    "A small transformer that adds two numbers",
    weights=False,
    also=ALSO,
)
def problem(weights: Weights) -> Problem:
    """The gradient of minus the expected reward, summed over the prompts, in all weights."""
    network = Logits(weights)
    return Problem(
        "sequence-addition",
        network(**weights),
        completions,
        NegativeReward(),
        footprint=16 * 32 * VOCABULARY,
        weights=weights,
        network=network,
    )


if __name__ == "__main__":
    store(TRAINING)
