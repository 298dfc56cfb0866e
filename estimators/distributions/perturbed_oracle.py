"""PerturbedOracle: what a user's solver makes of Gumbel-perturbed logits."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from estimators.distributions.gumbel_noise import perturbed


class PerturbedOracle(Distribution):
    """The law of oracle(logits + Gumbel noise), for any solver of a combinatorial problem.

    - `logits`: [*batch, n]: what the solver maximises ⟨logits, x⟩ for.
    - `oracle`: takes scores [..., n] and returns points [..., n], such as shortest paths or
      spanning trees as zeros and ones; leading axes are independent problems.

    There is no density, so that score functions refuse it; perturbation estimators such as
    `gumbel-smoothing`, `i-mle` and `perturbed-optimiser` take it.
    Raises ValueError if the oracle returns another shape.
    Source: Papandreou & Yuille 2011 (perturb and MAP); Berthet et al. 2020, arXiv:2002.08676.
    """

    arg_constraints = {"logits": constraints.real_vector}  # noqa: RUF012, as in torch.distributions
    support = constraints.independent(constraints.real, 1)

    def __init__(
        self,
        logits: Tensor,
        oracle: Callable[[Tensor], Tensor],
        validate_args: bool | None = None,
    ):
        self.logits, self.oracle = logits, oracle
        super().__init__(logits.shape[:-1], logits.shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        logits = self.logits.expand(*batch_shape, *self.event_shape)
        return PerturbedOracle(logits, self.oracle, validate_args=False)

    @torch.no_grad()
    def harden(self, z: Tensor) -> Tensor:
        """The oracle's point for scores z: both [..., n]."""
        x = self.oracle(z)
        if x.shape != z.shape:
            raise ValueError(
                f"The oracle returned points {tuple(x.shape)} for scores {tuple(z.shape)}; it must "
                "return one point for each, of the same shape."
            )
        return x.to(z.dtype)

    @torch.no_grad()
    def sample(self, sample_shape=()):
        return self.harden(perturbed(self.logits, torch.Size(sample_shape)))
