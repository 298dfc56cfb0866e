"""OneHotCategorical: logits plus Gumbel noise, softmax, arg-max; and why Categorical is refused."""

import torch
from torch.distributions import Categorical, OneHotCategorical

from estimators import capabilities
from estimators.capabilities import Unsupported
from estimators.special.softmax import softmax


@capabilities.logits.register(OneHotCategorical)
def _(dist):
    return dist.logits


@capabilities.categorical_logits.register(OneHotCategorical)
def _(dist):
    return dist.logits


@capabilities.perturbed_logits.register(OneHotCategorical)
def _(dist, shape):
    logits = dist.logits  # [*batch, C], normalised
    return logits - _exponential((*shape, *logits.shape), logits).log()


@capabilities.soften.register(OneHotCategorical)
def _(dist, z):
    return softmax(z)


@capabilities.harden.register(OneHotCategorical)
def _(dist, z):
    return torch.zeros_like(z).scatter_(-1, z.argmax(-1, keepdim=True), 1.0)


@capabilities.logits_of.register(OneHotCategorical)
def _(dist, p):
    return p.clamp_min(torch.finfo(p.dtype).tiny).log()


@capabilities.at_logits.register(OneHotCategorical)
def _(dist, z):
    return OneHotCategorical(logits=z, validate_args=False)


@capabilities.conditional_logits.register(OneHotCategorical)
def _(dist, x):
    """z_i = −log(E_i/p_i + E_k) for i ≠ k, z_k = −log E_k: Maddison, Tarlow & Minka 2014."""
    with torch.no_grad():
        exponential = _exponential(x.shape, dist.logits)
        chosen = (x * exponential).sum(-1, keepdim=True)
        later = exponential * (-dist.logits).exp() + chosen
        return -torch.where(x > 0, chosen, later).log()


@capabilities.given_sample.register(OneHotCategorical)
def _(dist, z):
    with torch.no_grad():
        slope = -torch.expm1(z - z.amax(-1, keepdim=True))  # 0 for the largest, which is Gumbel(0)
    return capabilities.attach(z, (dist.logits, slope))


@capabilities.lead.register(OneHotCategorical)
def _(dist, x, gap):
    highest = dist.logits.amax(-1, keepdim=True)
    moved = torch.where(x > 0, highest, dist.logits.minimum(highest - gap))
    return dist.logits + (moved - dist.logits).detach()


@capabilities.sparsify.register(OneHotCategorical)
def _(dist, z):
    """max(z − τ, 0), where τ makes the sum one: Martins & Astudillo 2016, algorithm 1."""
    ordered = z.sort(-1, descending=True).values
    sums = ordered.cumsum(-1) - 1
    rank = torch.arange(1, z.shape[-1] + 1, dtype=z.dtype, device=z.device)
    size = (rank * ordered > sums).sum(-1, keepdim=True)
    threshold = sums.gather(-1, size - 1) / size
    return (z - threshold).clamp_min(0)


@capabilities.mode.register(OneHotCategorical)
def _(dist):
    return capabilities.harden(dist, dist.logits)


def _exponential(shape, like):
    u = torch.rand(shape, dtype=like.dtype, device=like.device)
    return -u.clamp_min(torch.finfo(u.dtype).tiny).log()


@capabilities.quantile.register(OneHotCategorical)
def _(dist, u):
    return capabilities.harden(dist, dist.logits.detach() - (-u.log()).log())


@capabilities.quantile.register(Categorical)
def _(dist, u):
    below = dist.probs.detach().cumsum(-1)[..., :-1]
    return (u.unsqueeze(-1) > below).sum(-1)


def _draws_integers(dist, *_):
    raise Unsupported(
        "Categorical draws integers; use OneHotCategorical so that the cost can be relaxed, "
        "or a score-function estimator such as reinforce-loo."
    )


for capability in (
    capabilities.logits,
    capabilities.perturbed_logits,
    capabilities.soften,
    capabilities.harden,
    capabilities.logits_of,
    capabilities.at_logits,
    capabilities.categorical_logits,
    capabilities.conditional_logits,
    capabilities.given_sample,
    capabilities.lead,
    capabilities.sparsify,
):
    capability.register(Categorical)(_draws_integers)
