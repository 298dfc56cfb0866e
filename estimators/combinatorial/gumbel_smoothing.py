"""Gumbel smoothing: the score function of the noise, not of the sample."""

from estimators.capabilities import gumbel_logits, harden
from estimators.core import Estimator, evaluate, register
from estimators.distributions.gumbel_noise import perturbed


@register("gumbel-smoothing")
class GumbelSmoothing(Estimator):
    """Score-function gradient of the Gumbel noise that a sample was made of.

    z = logits + G,   ĝ = mean_k f(x(z_k)) (1 − exp(−G_k))

    1 − exp(−G) is the score of z; the score of x is its conditional mean, so that this is REINFORCE
    with more noise, for laws without a density: any solver of perturbed logits.
    Needs OneHotCategorical, TopK, PlackettLuce, OneHotPlackettLuce or PerturbedOracle; the cost may
    be any function.
    Unbiased. K cost evaluations. Raises Unsupported for other distributions.
    Source: Abernethy, Lee & Tewari 2016 (stochastic smoothing), in Perturbations, Optimization
    and Statistics, of which the summary was read; the slope is that of the code of Berthet et al.
    2020, arXiv:2002.08676, google-research/perturbations.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        logits = gumbel_logits(dist)  # [*B, n]
        z = perturbed(logits, (samples,))  # [K, *B, n]
        f = evaluate(cost, harden(dist, z.detach()), dist)  # [K, *B]
        return (f + f.detach() * score(dist, z, logits)).mean(0)


def score(dist, z, logits):
    """Zero, with the derivative 1 − exp(−G) of log p(z; logits) in the logits: [K, *B]."""
    slope = 1 - (logits - z).detach().exp()
    return (slope * (logits - logits.detach())).flatten(1 + len(dist.batch_shape)).sum(-1)
