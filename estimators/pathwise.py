"""Pathwise gradients: the reparameterisation trick."""

from estimators.capabilities import describe, is_discrete
from estimators.core import Unsupported, averaged, register
from estimators.one_evaluation import OneEvaluation


@register("pathwise", "quick")
class Pathwise(OneEvaluation):
    """Pathwise (reparameterisation) gradient, through samples that are functions of λ and noise.

    ∇_λ E[f(x)] = E_ε[∇_λ f(g(ε, λ))], x = g(ε, λ)

    Needs a distribution with a working `rsample` and a cost differentiable in x.
    Unbiased if f is continuous. K cost evaluations.
    Raises Unsupported for distributions without `rsample`.
    Source: Kingma & Welling 2014, arXiv:1312.6114; Rezende, Mohamed & Wierstra 2014,
    arXiv:1401.4082.
    """

    unbiased = True

    def steps(self, dist, samples):
        if not dist.has_rsample:
            raise Unsupported(_without_rsample(dist))
        f = yield dist.rsample((samples,))  # [K, *B] of x [K, *B, *E]
        yield averaged(f)


def _without_rsample(dist) -> str:
    way_out = "gumbel-softmax or reinforce-loo" if is_discrete(dist) else "implicit or reinforce"
    missing = "" if is_discrete(dist) else ", or `icdf`, which it follows from"
    return f"{describe(dist)} has no reparameterised sampler (`rsample`{missing}); use {way_out}."
