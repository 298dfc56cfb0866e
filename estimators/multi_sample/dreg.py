"""DReG: doubly reparameterised gradients of multi-sample objectives."""

import torch

from estimators.capabilities import describe, without_score
from estimators.core import Estimator, Unsupported, register
from estimators.distributions import Copies
from estimators.multi_sample.reduced import require_copies


@register("dreg")
class Dreg(Estimator):
    """Pathwise gradient of a multi-sample objective, the score in it reparameterised once more.

    ĝ = Σ_k (v_k + c_k ∂v_k/∂f_k) ∂f_k/∂x_k ∂x_k/∂λ + ∇_λ L at fixed x and log p,   v_k = ∂L/∂f_k

    L is the reduction over K draws, and c_k = ∂f_k/∂log p(x_k; λ), which is 1 for
    f = log p − log joint. For the IWAE bound the v_k are the normalised weights w̃_k, and the factor
    is w̃_k²: no score is left.
    Needs Copies of a distribution with `rsample`, and a cost `Reduced` with f differentiable in x
    and linear in log p. Unbiased if f is continuous. K cost evaluations.
    Raises Unsupported for other objectives and for distributions without `rsample`.
    Source: Tucker, Lawson, Gu & Maddison 2019, arXiv:1810.04152, equation 8.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        require_copies(dist, cost)
        if not dist.has_rsample:
            raise Unsupported(
                f"{describe(dist)} has no reparameterised sampler (`rsample`), through which the "
                "path leads; use vimco."
            )
        moved = dist.rsample((samples,))  # [S, *B, K, *E]
        x = moved.detach().requires_grad_()
        probed, probes = with_probes(dist)
        f = cost.terms(x, probed)  # [S, *B, K]
        slope, *of_probes = torch.autograd.grad(
            f.sum(), [x, *probes], retain_graph=True, materialize_grads=True
        )
        c = sum(g.unflatten(0, (samples, -1)).movedim(1, -1) for g in of_probes)
        v, curvature = derivatives(cost.reduction, f)
        factor = (v + c * curvature).reshape(*f.shape, *[1] * (x.ndim - f.ndim))
        path = (factor * slope * (moved - moved.detach())).flatten(f.ndim - 1).sum(-1)
        return (cost.reduction(f) + path).mean(0)


def with_probes(dist):
    """A twin whose `log_prob` sees λ through x alone, and the zeros [S·K, *B] added to it."""
    twin, probes = without_score(dist.base_dist), []
    fixed = twin.log_prob

    def log_prob(x):
        log_p = fixed(x)
        probes.append(torch.zeros_like(log_p, requires_grad=True))
        return log_p + probes[-1]

    twin.log_prob = log_prob
    return Copies(twin, dist.count), probes


def derivatives(reduction, f):
    """∂L/∂f_k and ∂²L/∂f_k²: [S, *B, K] each."""
    f = f.detach().requires_grad_()
    (v,) = torch.autograd.grad(reduction(f).sum(), f, create_graph=True)
    if not v.requires_grad:
        return v, torch.zeros_like(v)
    rows = (
        torch.autograd.grad(v[..., k].sum(), f, retain_graph=True)[0][..., k]
        for k in range(f.shape[-1])
    )
    return v.detach(), torch.stack(tuple(rows), -1)
