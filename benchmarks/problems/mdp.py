"""Policy gradient on the slippery frozen lake of 4 × 4 squares: a tabular decision process.

The map, the slipping and the reward are those of gymnasium's FrozenLake-v1. The random variable is
the whole trajectory; its exact gradient comes by dynamic programming.
`python -m benchmarks.problems.mdp` improves the policy again and writes its three stages.
"""

from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor, nn
from torch.distributions import Distribution, constraints

from benchmarks.objective.definition import Problem
from benchmarks.objective.truth import Truth
from benchmarks.problems.checkpoints import Training, Weights, store
from benchmarks.problems.trajectories import at_stages

LAKE = "SFFF FHFH FFFH HFFG".replace(" ", "")  # start, frozen, hole, goal
SIDE, STATES, ACTIONS, HORIZON, DISCOUNT = 4, 16, 4, 30, 0.95
LEARNING_RATE, DECAY = 10.0, 0.02
MOVES = ((0, -1), (1, 0), (0, 1), (-1, 0))  # left, down, right, up, as (row, column)


@cache
def lake() -> tuple[Tensor, Tensor]:
    """p(s' | s, a) `[S, A, S]`, and 1 for the squares where a walk goes on, 0 where it ends, `[S]`.

    A step goes where it is meant to, or to either side of that, with probability 1/3 each.
    """
    p = torch.zeros(STATES, ACTIONS, STATES, dtype=torch.float64)
    for state, square in enumerate(LAKE):
        for action in range(ACTIONS):
            for slip in (-1, 0, 1):
                down, right = (0, 0) if square in "HG" else MOVES[(action + slip) % ACTIONS]
                row = min(max(state // SIDE + down, 0), SIDE - 1)
                column = min(max(state % SIDE + right, 0), SIDE - 1)
                p[state, action, SIDE * row + column] += 1 / 3
    return p, torch.tensor([square not in "HG" for square in LAKE]).double()


class Trajectories(Distribution):
    """HORIZON steps, each an action and the square it led to, of the policy softmax(logits[s]).

    log p(τ) = Σ_t log π(a_t | s_t) + log p(s_{t+1} | s_t, a_t),   s_0 the first square

    logits [*batch, STATES, ACTIONS]; a sample is [*batch, HORIZON, 2], of integers. Where the walk
    has ended the action is 0, with probability one.
    """

    arg_constraints = {"logits": constraints.independent(constraints.real, 2)}  # noqa: RUF012
    support = constraints.independent(constraints.nonnegative_integer, 2)

    def __init__(self, logits: Tensor, validate_args=None):
        self.logits = logits
        super().__init__(logits.shape[:-2], torch.Size((HORIZON, 2)), validate_args)

    def sample(self, sample_shape=()) -> Tensor:
        """Trajectories from the first square: [*sample, *batch, HORIZON, 2]."""
        shape = torch.Size(sample_shape) + self.batch_shape
        with torch.no_grad():
            world, going = (part.to(self.logits) for part in lake())
            policy = self.logits.softmax(-1).expand(*shape, STATES, ACTIONS)
            state, steps = torch.zeros(shape, dtype=torch.long, device=self.logits.device), []
            for _ in range(HORIZON):
                row = state[..., None, None].expand(*shape, 1, ACTIONS)
                action = _draw(policy.gather(-2, row).squeeze(-2)) * going[state].long()
                state = _draw(world[state, action])
                steps.append(torch.stack([action, state], -1))
        return torch.stack(steps, -2)

    def log_prob(self, value: Tensor) -> Tensor:
        """The log-probability of whole trajectories: [*sample, *batch]."""
        world, going = (part.to(self.logits) for part in lake())
        action, entered = value.unbind(-1)  # [..., HORIZON]
        state = left(entered)
        log_policy = self.logits.log_softmax(-1).flatten(-2)
        log_policy = log_policy.expand(*value.shape[:-2], STATES * ACTIONS)
        chosen = log_policy.gather(-1, ACTIONS * state + action) * going[state]
        return (chosen + world[state, action, entered].log()).sum(-1)


class NegativeReturn(nn.Module):
    """−γ^t of a trajectory that reaches the goal at step t, otherwise 0."""

    def __init__(self):
        super().__init__()
        self.register_buffer("going", lake()[1])
        self.register_buffer("discount", DISCOUNT ** torch.arange(HORIZON, dtype=torch.float64))

    def forward(self, walks: Tensor) -> Tensor:
        """walks [K, R, HORIZON, 2] → [K, R]."""
        entered = walks[..., 1]
        reached = (entered == STATES - 1) * self.going[left(entered)]  # it is paid once
        return -(reached @ self.discount)


def left(entered: Tensor) -> Tensor:
    """The squares that were left for `entered` [..., HORIZON]: the same, one step earlier."""
    return torch.cat([torch.zeros_like(entered[..., :1]), entered[..., :-1]], -1)


def objective(logits: Tensor) -> Tensor:
    """E[−γ^t] of reaching the goal, carrying the squares' probabilities from step to step."""
    world, going = (part.to(logits) for part in lake())
    step = torch.einsum("sa,sat->st", logits.softmax(-1), world)
    reached = step[:, -1] * going  # [S], the probability of the goal one step from each square
    state = nn.functional.one_hot(torch.tensor(0), STATES).to(logits)
    total = logits.new_zeros(())
    for t in range(HORIZON):
        total = total - DISCOUNT**t * (state @ reached)
        state = state @ step
    return total


def truth(logits: Tensor) -> Truth:
    """The gradient of `objective`, exactly: [STATES · ACTIONS]."""
    leaf = logits.detach().clone().requires_grad_()
    gradient = torch.autograd.grad(objective(leaf), leaf)[0].flatten()
    return Truth(gradient, torch.zeros_like(gradient), "closed form", "by dynamic programming")


def training() -> Iterator[Weights]:
    """Gradient descent on the exact objective, from the policy that takes any action alike.

    Decaying logits keep it exploring: actions that a policy hardly ever takes have gradients that
    hardly any sample shows.
    """
    logits = torch.zeros(STATES, ACTIONS, dtype=torch.float64)
    while True:
        yield {"logits": logits}
        step = LEARNING_RATE * truth(logits).gradient.reshape(logits.shape)
        logits = (1 - DECAY) * logits - step


TRAINING = Training("frozen-lake", training, {"start": 0, "middle": 100, "end": 300})


@at_stages(
    TRAINING,
    "frozen-lake",
    f"Policy gradient on the frozen lake, {HORIZON} steps",
    weights=False,
    replicates=10_000,
)
def problem(weights: Weights) -> Problem:
    """The policy gradient in the logits of each square's actions."""
    return Problem(
        "frozen-lake",
        weights,
        Trajectories,
        NegativeReturn(),
        truth(weights["logits"]),
    )


def _draw(probs: Tensor) -> Tensor:
    """One index for each row of probs [..., N], by the inverse cdf: [...]."""
    u = torch.rand(probs.shape[:-1], dtype=probs.dtype, device=probs.device).unsqueeze(-1)
    return (u > probs.cumsum(-1)[..., :-1]).sum(-1)


if __name__ == "__main__":
    store(TRAINING)
