"""Conditional Monte Carlo: the mean over the last step exactly, paths before it."""

from estimators.continuous.vibrato import path_and_last_step
from estimators.core import Estimator, Unsupported, averaged, register


@register("conditional-monte-carlo")
class ConditionalMonteCarlo(Estimator):
    """Pathwise gradient of the cost's mean over the last step of a diffusion, which is smooth.

    ĝ = mean_k ∇ E[f(x) | x_{<N}],   x_{<N} = path(λ, ε)

    The cost says that mean: `cost.given_path(path, last)`, with the values before the last
    [K, *B, N − 1] and the last one's law, a Normal [K, *B]; it returns [K, *B].
    Needs LinearDiffusion and such a cost.
    Unbiased: a conditional mean of the cost, with a derivative everywhere. K evaluations of it.
    Raises Unsupported without `given_path` and for other distributions.
    Source: Fu & Hu 1997, Conditional Monte Carlo; Glasserman 2003, Monte Carlo Methods in
    Financial Engineering, neither of which could be read here; of Burgos & Giles 2010,
    arXiv:1102.1348, who use conditional expectations before maturity after Glasserman, the summary.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        path, last = path_and_last_step(dist, samples)
        given = getattr(cost, "given_path", None)
        if given is None:
            raise Unsupported(
                "The cost does not say its mean over the last step; give it a method "
                "given_path(path, last), or use vibrato."
            )
        return averaged(given(path, last))

    def unsupported(self, dist, samples=1):
        """Why the paths of `dist` have no last step, or None; what a cost offers shows later."""
        try:
            path_and_last_step(dist, 1)
        except Unsupported as refusal:
            return str(refusal)
        return None
