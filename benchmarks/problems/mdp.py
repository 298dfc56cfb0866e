"""Policy gradient on the slippery frozen lake of 4 × 4 squares: a tabular decision process.

The map, the slipping and the reward are those of gymnasium's FrozenLake-v1. It is a program, an
action and a square at every step; an estimator by itself draws whole walks. The exact gradient
comes by dynamic programming.
`python -m benchmarks.problems.mdp` improves the policy again and writes its three stages.
"""

from collections.abc import Iterator
from functools import cache

import torch
from torch import Tensor, nn
from torch.distributions import Categorical

from benchmarks.objective.program import Program
from benchmarks.objective.truth import Truth
from benchmarks.problems.checkpoints import Training, Weights, store
from benchmarks.problems.trajectories import ALSO, at_stages

LAKE = "SFFF FHFH FFFH HFFG".replace(" ", "")  # start, frozen, hole, goal
SIDE, STATES, ACTIONS, HORIZON, DISCOUNT = 4, 16, 4, 30, 0.95
LEARNING_RATE, DECAY = 10.0, 0.02
BY_NODE = (
    "action=reinforce-ema, square=reinforce",
    "action.0=reinforce-loo, action=reinforce, square=reinforce",
)
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


class Lake(nn.Module):
    """HORIZON steps, each an action of the policy softmax(logits[s]) and the square it leads to.

    The cost is −γ^t where the goal is reached at step t, added there: it weighs on the actions up
    to it. Where the walk has ended, actions are even and nothing is paid.
    """

    def __init__(self):
        super().__init__()
        world, going = lake()
        self.register_buffer("world", world)
        self.register_buffer("going", going)

    def forward(self, draw, logits: Tensor) -> None:
        """The program: logits [..., STATES, ACTIONS]."""
        state = torch.zeros(logits.shape[:-2], dtype=torch.long, device=logits.device)
        for t in range(HORIZON):
            here = nn.functional.one_hot(state, STATES).to(logits)
            row = (here.unsqueeze(-2) @ logits).squeeze(-2)
            going = self.going[state]
            action = draw(f"action.{t}", Categorical(logits=row * going.unsqueeze(-1)))
            entered = draw(f"square.{t}", Categorical(probs=self.world[state, action]))
            draw.add(-(DISCOUNT**t) * (entered == STATES - 1) * going)
            state = entered


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
    also=(*ALSO, *BY_NODE),
)
def problem(weights: Weights) -> Program:
    """The policy gradient in the logits of each square's actions."""
    return Program("frozen-lake", weights, Lake(), truth(weights["logits"]))


if __name__ == "__main__":
    store(TRAINING)
