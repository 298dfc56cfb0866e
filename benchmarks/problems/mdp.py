"""Policy gradient on the slippery frozen lake of 4 × 4 squares: a tabular decision process.

The map, the slipping and the reward are those of gymnasium's FrozenLake-v1. It is a program, an
action and a slip at every step; an estimator by itself draws whole walks. The exact gradient comes
by dynamic programming.
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
SIDE, STATES, ACTIONS, SLIPS, HORIZON, DISCOUNT = 4, 16, 4, 3, 30, 0.95
LEARNING_RATE, DECAY = 10.0, 0.02
BY_NODE = (
    "action=reinforce-ema, slip=reinforce",
    "action.0=reinforce-loo, action=reinforce, slip=reinforce",
)
MOVES = ((0, -1), (1, 0), (0, 1), (-1, 0))  # left, down, right, up, as (row, column)


@cache
def lake() -> tuple[Tensor, Tensor]:
    """The square after a step `[S, A, 3]`, and 1 where a walk goes on, 0 where it ends, `[S]`.

    A step goes where it is meant to, or to either side of that, with probability 1/3 each.
    """
    entered = torch.empty(STATES, ACTIONS, SLIPS, dtype=torch.long)
    for state, square in enumerate(LAKE):
        for action in range(ACTIONS):
            for slip in range(SLIPS):
                down, right = (0, 0) if square in "HG" else MOVES[(action + slip - 1) % ACTIONS]
                row = min(max(state // SIDE + down, 0), SIDE - 1)
                column = min(max(state % SIDE + right, 0), SIDE - 1)
                entered[state, action, slip] = SIDE * row + column
    return entered, torch.tensor([square not in "HG" for square in LAKE]).double()


class Lake(nn.Module):
    """HORIZON steps, each an action of the policy softmax(logits[s]) and how the ice carries it.

    The cost is −γ^t where the goal is reached at step t, added there: it weighs on the actions up
    to it. Where the walk has ended, actions are even and nothing is paid.
    """

    def __init__(self):
        super().__init__()
        entered, going = lake()
        self.register_buffer("entered", entered)
        self.register_buffer("going", going)

    def forward(self, draw, logits: Tensor) -> None:
        """The program: logits [..., STATES, ACTIONS]."""
        batch, rows = logits.shape[:-2], logits.reshape(-1, ACTIONS)
        own = STATES * torch.arange(batch.numel(), device=logits.device).reshape(batch)
        even = logits.new_ones(SLIPS)
        state = torch.zeros_like(own)
        for t in range(HORIZON):
            going = self.going[state]
            row = nn.functional.embedding(own + state, rows) * going.unsqueeze(-1)
            action = draw(f"action.{t}", Categorical(logits=row))
            slip = draw(f"slip.{t}", Categorical(probs=even))
            state = self.entered[state, action, slip]
            draw.add(-(DISCOUNT**t) * (state == STATES - 1) * going)


def objective(logits: Tensor) -> Tensor:
    """E[−γ^t] of reaching the goal, carrying the squares' probabilities from step to step."""
    entered, going = lake()
    world = nn.functional.one_hot(entered, STATES).to(logits).mean(-2)  # p(s' | s, a): [S, A, S]
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
