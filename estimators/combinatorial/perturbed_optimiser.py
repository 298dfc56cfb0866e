"""Perturbed optimisers: the cost of a mean point, differentiated through the noise."""

from estimators.capabilities import describe, gumbel_logits, harden, over_event
from estimators.combinatorial.gumbel_smoothing import score
from estimators.combinatorial.implicit_mle import slope_at
from estimators.core import Estimator, Unsupported, register
from estimators.distributions.gumbel_noise import perturbed


@register("perturbed-optimiser")
class PerturbedOptimiser(Estimator):
    """Gradient of the cost at the mean of perturbed solutions: the smoothed truth f(E[x]).

    z_k = logits + G_k,   x̄ = mean_k x(z_k),   ĝ = mean_k ⟨x(z_k), ∇f(x̄)⟩ (1 − exp(−G_k))

    What it aims at is ∇ f(E[x]), not ∇ E[f(x)]; the two are one only for costs linear in x.
    Needs OneHotCategorical, TopK, OneHotPlackettLuce or PerturbedOracle, and a cost differentiable
    in x, also between its points.
    Biased for E[f]; for f(E[x]) by O(1/K), as x̄ is a mean of K. One cost evaluation.
    Raises Unsupported for other distributions.
    Source: Berthet, Blondel, Teboul, Cuturi, Vert & Bach 2020, arXiv:2002.08676, read in their
    code, google-research/perturbations, with its Gumbel noise at sigma 1.
    """

    def surrogate(self, dist, cost, samples=1):
        logits = gumbel_logits(dist)
        z = perturbed(logits, (samples,))  # [K, *B, n]
        x = harden(dist, z.detach())  # [K, *B, *E]
        if not x.is_floating_point():
            raise Unsupported(
                f"{describe(dist)} has integers for points, whose mean means nothing; use "
                "OneHotPlackettLuce, or gumbel-smoothing."
            )
        f, slope = slope_at(cost, x.mean(0, keepdim=True), dist)  # [1, *B], [1, *B, *E]
        along = over_event(dist, x * slope)  # ⟨x, ∇f⟩: [K, *B]
        return f.squeeze(0) + (along * score(dist, z, logits)).mean(0)
