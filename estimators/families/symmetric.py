"""Location-scale families that are symmetric about loc: the mirror image of a sample."""

from torch.distributions import (
    Cauchy,
    Laplace,
    LowRankMultivariateNormal,
    MultivariateNormal,
    Normal,
    StudentT,
)

from estimators import capabilities


def _about_loc(dist, shape):
    x = dist.rsample(shape)
    return x, 2 * dist.loc - x


for family in (Normal, Laplace, StudentT, Cauchy, MultivariateNormal, LowRankMultivariateNormal):
    capabilities.mirrored.register(family)(_about_loc)
