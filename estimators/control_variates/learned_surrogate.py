"""What RELAX and LAX share: a small network, trained to lower the variance."""

from dataclasses import dataclass

import torch

from estimators.capabilities import tensors
from estimators.control_variates.learned_by_descent import LearnedByDescent


@dataclass(frozen=True)
class LearnedSurrogate(LearnedByDescent):
    """A control variate c(z) = w · tanh(W z + b) + a, for every batch element by itself.

    Before it is learned c = 0. Subclasses write `estimate`.
    """

    hidden: int = 8
    fit_steps: int = 64

    def __post_init__(self):
        if self.hidden < 1:
            raise ValueError(f"hidden must be at least one unit, not {self.hidden}.")

    def start(self, dist):
        """Weights W, b, w and a, with c = 0: [*B, ...] each."""
        like = next(iter(tensors(dist).values())).detach()
        batch, width = dist.batch_shape, dist.event_shape.numel()
        first = torch.randn(*batch, self.hidden, width, dtype=like.dtype, device=like.device)
        zeros = (like.new_zeros(*batch, n) for n in (self.hidden, self.hidden, 1))
        return [first / width**0.5, *zeros]


def network_value(z, first, shift, last, constant):
    """c(z) for z [K, *B, D] and weights [*B, ...]: [K, *B]."""
    units = ((first * z.unsqueeze(-2)).sum(-1) + shift).tanh()  # [K, *B, hidden]
    return (last * units).sum(-1) + constant.squeeze(-1)
