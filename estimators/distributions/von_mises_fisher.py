"""The von Mises–Fisher distribution on the sphere, with correct gradients; torch lacks it."""

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from estimators.capabilities import attach
from estimators.special.sphere import sphere_angle_derivative, sphere_normaliser


class VonMisesFisher(Distribution):
    """Unit vectors x in d ≥ 2 dimensions with density ∝ exp(concentration · locᵀx).

    `loc` [..., d] is a unit vector, `concentration` [...] positive; event_shape is (d,).
    `rsample` draws the angle to loc by rejection (Wood 1994) and moves it with the concentration so
    that its cdf stays; dropping that the acceptance depends on κ, as copied code does, is biased.
    ValueError for d < 2.
    Source: Wood 1994, Communications in Statistics 23(1); Davidson et al. 2018, arXiv:1804.00891,
    for the use in VAEs; Figurnov, Mohamed & Mnih 2018, arXiv:1805.08498, for the gradient.
    """

    arg_constraints = {"loc": constraints.real_vector, "concentration": constraints.positive}  # noqa: RUF012
    support = constraints.real_vector
    has_rsample = True

    def __init__(self, loc, concentration, validate_args=None):
        if loc.shape[-1] < 2:
            raise ValueError(f"loc must have at least two coordinates, not {loc.shape[-1]}.")
        concentration = torch.as_tensor(concentration, dtype=loc.dtype, device=loc.device)
        batch = torch.broadcast_shapes(loc.shape[:-1], concentration.shape)
        self.loc, self.concentration = loc.expand(*batch, -1), concentration.expand(batch)
        super().__init__(batch, loc.shape[-1:], validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        """This distribution with its parameters expanded to `batch_shape`."""
        loc = self.loc.expand(*batch_shape, -1)
        return VonMisesFisher(loc, self.concentration.expand(batch_shape), validate_args=False)

    def log_prob(self, value: Tensor) -> Tensor:
        """The log density with respect to the area of the sphere."""
        log_integral, mean = sphere_normaliser(self.concentration.detach(), self.event_shape[0])
        normaliser = attach(log_integral, (self.concentration, mean))
        return self.concentration * (self.loc * value).sum(-1) - normaliser

    @property
    def mean(self) -> Tensor:
        """loc times the mean resultant length; without a derivative in the concentration."""
        length = sphere_normaliser(self.concentration.detach(), self.event_shape[0])[1]
        return self.loc * length.unsqueeze(-1)

    def rsample(self, sample_shape=()) -> Tensor:
        """Samples, differentiable in loc and concentration: [*sample, *batch, d]."""
        shape = self._extended_shape(torch.Size(sample_shape))
        d, kappa = shape[-1], self.concentration.expand(shape[:-1])
        angle = _angles(kappa.detach(), d)
        angle = attach(angle, (kappa, sphere_angle_derivative(kappa.detach(), d, angle)))
        normal = torch.randn(shape, dtype=self.loc.dtype, device=self.loc.device)
        across = normal - (normal * self.loc).sum(-1, keepdim=True) * self.loc
        across = across / across.norm(dim=-1, keepdim=True)
        return angle.cos().unsqueeze(-1) * self.loc + angle.sin().unsqueeze(-1) * across


@torch.no_grad()
def _angles(kappa: Tensor, d: int) -> Tensor:
    """Angles to the mean direction, by Wood's rejection from a transformed beta."""
    k = d - 1
    b = k / (2 * kappa + (4 * kappa.square() + k * k).sqrt())
    x0 = (1 - b) / (1 + b)
    c = kappa * x0 + k * torch.log1p(-x0.square())
    half = torch.full_like(kappa, k / 2)
    cosine, waiting = torch.zeros_like(kappa), torch.ones_like(kappa, dtype=torch.bool)
    while waiting.any():
        gammas = torch._standard_gamma(torch.stack((half, half)))
        beta = gammas[0] / gammas.sum(0)
        proposal = (1 - (1 + b) * beta) / (1 - (1 - b) * beta)
        level = kappa * proposal + k * torch.log1p(-x0 * proposal) - c
        accepted = waiting & (level >= torch.rand_like(level).log())
        cosine = torch.where(accepted, proposal, cosine)
        waiting = waiting & ~accepted
    return cosine.clamp(-1, 1).acos()
