"""What RELAX and LAX share: a small network, trained to lower the variance."""

from dataclasses import dataclass

import torch

from estimators.capabilities import tensors
from estimators.control_variates.learned_network import LearnedNetwork


@dataclass(frozen=True)
class LearnedSurrogate(LearnedNetwork):
    """A control variate c(z) = w · tanh(W z + b) + a, for every batch element by itself.

    Before it is learned c = 0. Subclasses write `estimate`.
    """

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
