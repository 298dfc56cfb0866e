"""Vibrato Monte Carlo: paths up to the last step, and the score function of that one."""

import torch

from estimators.capabilities import describe
from estimators.core import Estimator, Unsupported, averaged, evaluate, register
from estimators.distributions import LinearDiffusion


@register("vibrato")
class Vibrato(Estimator):
    """Pathwise gradient up to the last step of a diffusion, score function over the last one.

    x_{<N} = path(λ, ε),   x_N ~ Normal(μ, σ) of (x_{N−1}, λ),
    ĝ = mean_k ∂f/∂x_{<N} ∂x_{<N}/∂λ + f(x) ∇log p(x_N | x_{N−1}, λ),   ∇ also through x_{N−1}

    The last step is drawn as a mirrored pair, μ ± σε, of which the mean counts; less
    2 f(μ), as others have it where the derivative of σ weighs the pair, would change no mean.
    Needs LinearDiffusion; the cost may jump in the last value, not in those before.
    Unbiased for such costs. 2 K cost evaluations.
    Raises Unsupported for other distributions.
    Source: Giles 2009, "Vibrato Monte Carlo sensitivities", in Monte Carlo and Quasi-Monte Carlo
    Methods 2008: its introduction was read, its formulas in public code for Pagès, Pironneau & Sall
    2016, arXiv:1606.06143, who follow it.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        path, last = path_and_last_step(dist, samples)  # [K, *B, N − 1], Normal [K, *B]
        with torch.no_grad():
            away = last.scale * torch.randn_like(last.loc)
            ends = torch.cat((last.loc + away, last.loc - away))  # [2 K, *B]
        x = torch.cat((torch.cat((path, path)), ends.unsqueeze(-1)), -1)
        f = evaluate(cost, x, dist)  # [2 K, *B]
        log_p = last.log_prob(ends.reshape(2, *last.loc.shape)).flatten(0, 1)
        return averaged(f + f.detach() * (log_p - log_p.detach()))


def path_and_last_step(dist, samples):
    """Paths without their last value, differentiable [K, *B, N − 1], and its law, [K, *B]."""
    if not isinstance(dist, LinearDiffusion):
        raise Unsupported(
            f"{describe(dist)} is no path whose last step has a normal law of its own; use "
            "LinearDiffusion, or reinforce-loo."
        )
    x = dist.rsample((samples,))
    return x[..., :-1], dist.step_from(dist.before(x)[..., -1])
