"""Programs of agents: a discrete choice and then an action, and the frozen lake step by step."""

import torch
from torch import Tensor, nn
from torch.distributions import Categorical, Normal, OneHotCategorical

from benchmarks.objective.program import Program
from benchmarks.problems import register
from benchmarks.problems.mdp import DISCOUNT, HORIZON, STATES, TRAINING, lake, truth

OPTIONS = 3


class ChoiceThenAction(nn.Module):
    """An option, and an action whose law is the option's: the cost is the distance to its target.

    A parameterised action space: which of the targets pays depends on the option, and the option
    has a price of its own. Source: Masson, Ranchod & Konidaris 2016, arXiv:1509.01644.
    """

    def __init__(self):
        super().__init__()
        self.register_buffer("target", torch.tensor([-1.0, 0.5, 2.0], dtype=torch.float64))
        self.register_buffer("price", torch.tensor([0.3, 0.0, -0.4], dtype=torch.float64))

    def forward(self, draw, logits: Tensor, loc: Tensor, log_scale: Tensor) -> Tensor:
        """logits, loc and log scale of each option, [..., 3] each; the cost is [...]."""
        option = draw("option", OneHotCategorical(logits=logits))
        draw.add((option * self.price).sum(-1))
        mean, scale = (option * loc).sum(-1), (option * log_scale).sum(-1).exp()
        action = draw("action", Normal(mean, scale))
        return (action - (option * self.target).sum(-1)).square()


@register("discrete-choice-then-action", narrow=True)
def choice_then_action() -> Program:
    """A choice among three, then a number; exact by a sum and an integral."""
    at = {"logits": [0.2, 0.0, -0.3], "loc": [0.0, 0.4, 1.0], "log_scale": [-0.5, -0.7, -0.2]}
    parameters = {name: torch.tensor(values, dtype=torch.float64) for name, values in at.items()}
    return Program(
        "discrete-choice-then-action",
        parameters,
        ChoiceThenAction(),
        summary="Policy of a discrete choice and a continuous action, one step",
    )


class Lake(nn.Module):
    """The frozen lake of `benchmarks.problems.mdp`, an action and a square at every step."""

    def __init__(self):
        super().__init__()
        world, going = lake()
        self.register_buffer("world", world)
        self.register_buffer("going", going)

    def forward(self, draw, logits: Tensor) -> None:
        """logits [..., STATES, ACTIONS]; the reward is paid on the way."""
        state = torch.zeros(logits.shape[:-2], dtype=torch.long, device=logits.device)
        for t in range(HORIZON):
            here = nn.functional.one_hot(state, STATES).to(logits)
            row = (here.unsqueeze(-2) @ logits).squeeze(-2)
            going = self.going[state]
            action = draw(f"action.{t}", Categorical(logits=row * going.unsqueeze(-1)))
            entered = draw(f"square.{t}", Categorical(probs=self.world[state, action]))
            draw.add(-(DISCOUNT**t) * (entered == STATES - 1) * going)
            state = entered


@register("frozen-lake-steps", narrow=True, full=False)
def frozen_lake_steps() -> Program:
    """The policy gradient of frozen-lake, each action credited with what comes after it."""
    logits = TRAINING.weights(TRAINING.last)["logits"]
    return Program(
        "frozen-lake-steps",
        {"logits": logits},
        Lake(),
        truth(logits),
        summary=f"Policy gradient on the frozen lake, {HORIZON} steps of two nodes",
    )
