"""OneHotCategorical: logits plus Gumbel noise, softmax, arg-max; and why Categorical is refused."""

import torch
from torch.distributions import Categorical, OneHotCategorical
from torch.nn.functional import one_hot

from estimators.families import capabilities
from estimators.families.capabilities import Unsupported


@capabilities.logits.register(OneHotCategorical)
def _(dist):
    return dist.logits


@capabilities.perturbed_logits.register(OneHotCategorical)
def _(dist, shape):
    logits = dist.logits  # [*batch, C], normalised
    u = torch.rand(*shape, *logits.shape, dtype=logits.dtype, device=logits.device)
    exponential = -u.clamp_min(torch.finfo(u.dtype).tiny).log()
    return logits - exponential.log()


@capabilities.soften.register(OneHotCategorical)
def _(dist, z):
    return z.softmax(-1)


@capabilities.harden.register(OneHotCategorical)
def _(dist, z):
    return one_hot(z.argmax(-1), z.shape[-1]).to(z.dtype)


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
):
    capability.register(Categorical)(_draws_integers)
