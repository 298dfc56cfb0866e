"""What RELAX and LAX share: a small network, trained to lower the variance."""

from abc import abstractmethod
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from estimators.capabilities import tensors
from estimators.control_variates.fitting import fit
from estimators.core import Estimator


@dataclass(frozen=True)
class LearnedSurrogate(Estimator):
    """A control variate c(z) = w · tanh(W z + b) + a, for every batch element by itself.

    `fitted` takes `fit_steps` steps on E‖ĝ‖²; before that c = 0. Subclasses write `estimate`.
    """

    hidden: int = 8
    fit_steps: int = 64
    network: list[Tensor] | None = field(default=None, repr=False, compare=False)
    unbiased = True

    def __post_init__(self):
        if self.hidden < 1:
            raise ValueError(f"hidden must be at least one unit, not {self.hidden}.")

    @abstractmethod
    def estimate(self, dist, cost, samples, network):
        """The surrogate with these weights of c: [*B]."""

    def surrogate(self, dist, cost, samples=1):
        return self.estimate(dist, cost, samples, self.network or self.start(dist))

    def fitted(self, dist, cost, samples=1):
        def surrogate(dist, *network):
            return self.estimate(dist, cost, samples, network)

        return replace(self, network=fit(dist, surrogate, self.start(dist), self.fit_steps))

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
