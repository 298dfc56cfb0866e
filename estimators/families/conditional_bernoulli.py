"""ConditionalBernoulli: exact marginals, a sample of uniforms; and why it is not relaxed."""

from estimators.capabilities import (
    Unsupported,
    gumbel_logits,
    harden,
    logits,
    marginals,
    perturbed_logits,
    quantile,
    soften,
)
from estimators.distributions.conditional_bernoulli import ConditionalBernoulli


@marginals.register(ConditionalBernoulli)
def _(dist):
    return dist.mean


@quantile.register(ConditionalBernoulli)
def _(dist, u):
    return dist.of_uniforms(u)


def _has_no_noise(dist, *_):
    raise Unsupported(
        "ConditionalBernoulli is not the arg-max of perturbed logits, so it is not relaxed like "
        "them; use simple, reinforce-loo, or TopK, which is another law."
    )


for _capability in (logits, perturbed_logits, soften, harden, gumbel_logits):
    _capability.register(ConditionalBernoulli)(_has_no_noise)
