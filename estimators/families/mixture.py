"""MixtureSameFamily: univariate through its cdf, factorised through its conditional cdfs."""

import torch
from torch.distributions import Independent, MixtureSameFamily

from estimators import capabilities
from estimators.capabilities import Unsupported, describe


@capabilities.bounds.register(MixtureSameFamily)
def _(dist):
    ends = capabilities.bounds(dist.component_distribution)
    if any(isinstance(end, torch.Tensor) for end in ends):
        return capabilities.bounds.dispatch(object)(dist)  # components differ
    return ends


@capabilities.stated_moments.register(MixtureSameFamily)
def _(dist):
    if capabilities.stated_moments(dist.component_distribution) is None:
        return None  # torch would mix what its components state wrongly
    return capabilities.stated_moments.dispatch(object)(dist)


@capabilities.cdf.register(MixtureSameFamily)
def _(dist, x):
    """What a weight multiplies is measured from a common point, else mass appears where none is."""
    components, weights = dist.component_distribution, dist.mixture_distribution.probs
    each = x.unsqueeze(-1)
    below = capabilities.cdf(components, each)  # [..., M]
    with torch.no_grad():
        common = capabilities.common_cdf(components, each)
    moved = weights.detach() * (below - below.detach())
    return (weights * common + moved).sum(-1)


@capabilities.implicit.register(MixtureSameFamily)
def _(dist, x):
    components = dist.component_distribution
    if not dist.event_shape:
        return capabilities.implicit.dispatch(object)(dist, x)
    if not (isinstance(components, Independent) and len(dist.event_shape) == 1):
        raise Unsupported(
            f"The components of {describe(dist)} are not factorised, so their conditional cdfs are "
            "unknown; use Independent components, or reinforce-loo."
        )
    return _by_conditionals(dist.mixture_distribution, components.base_dist, x.detach())


def _by_conditionals(mixture, base, x):
    """x_d moves so that F(x_d | x_<d) stays: Figurnov et al. 2018, section 3.1 and appendix C.

    The weights of the components given x_<d move with λ and with the coordinates before d.
    """
    each = x.unsqueeze(-2).expand(*x.shape[:-1], mixture.logits.shape[-1], x.shape[-1])
    with torch.enable_grad():
        leaf = each.clone().requires_grad_()
        slope = torch.autograd.grad(base.log_prob(leaf).sum(), leaf)[0]  # [..., M, D]
    below = capabilities.cdf(base, each)  # [..., M, D]
    log_density = base.log_prob(each)
    log_weight = mixture.logits.expand_as(log_density[..., 0])  # [..., M]
    moved = []
    for d in range(x.shape[-1]):
        weight = log_weight.softmax(-1)
        increment = (weight * below[..., d]).sum(-1)
        density = (weight * log_density[..., d].exp()).sum(-1).detach()
        moved.append(x[..., d] - (increment - increment.detach()) / density)
        shift = (moved[-1] - x[..., d]).unsqueeze(-1)  # zero, with ∂x_d/∂λ
        log_weight = log_weight + log_density[..., d] + slope[..., d].detach() * shift
    return torch.stack(moved, -1)
