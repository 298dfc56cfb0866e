"""A policy of a discrete choice and then an action: a program of two nodes."""

import torch
from torch import Tensor, nn
from torch.distributions import Normal, OneHotCategorical

from benchmarks.objective.program import Program
from benchmarks.problems import register

BY_NODE = (
    "option=enumeration, action=pathwise",
    "option=reinforce-loo, action=pathwise",
    "option=reinforce, action=reinforce",
)


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


@register("discrete-choice-then-action", also=BY_NODE, narrow=True)
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
