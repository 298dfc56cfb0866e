"""The score-function estimator with the constant baseline of least variance, per parameter."""

from dataclasses import dataclass

import torch

from estimators.capabilities import carry, describe, require_free, with_leaves
from estimators.coordinates import at_once
from estimators.core import Estimator, Unsupported, evaluate, register
from estimators.reinforce import score_log_prob


@register("reinforce-optimal", "quick")
@dataclass(frozen=True)
class OptimalBaseline(Estimator):
    """Score-function gradient with the optimal constant baseline for each parameter.

    ĝ_i = mean_k (f(x_k) − b_i) s_i(x_k),   b_i = E[f s_i²] / E[s_i²],   s = ∇_λ log p(x; λ)

    b is fitted on `pilot` samples of its own, so that it stays unbiased; the pilot's noise is in
    the measured variance. Needs `log_prob` and `expand`. K + pilot cost evaluations.
    Raises Unsupported without them; ValueError for a pilot below 2.
    Source: Weaver & Tao 2001, arXiv:1301.2315; Greensmith, Bartlett & Baxter 2004, JMLR 5.
    """

    pilot: int = 32
    unbiased = True

    def __post_init__(self):
        if self.pilot < 2:
            raise ValueError(f"pilot must be at least 2 samples, not {self.pilot}.")

    def surrogate(self, dist, cost, samples=1):
        baselines = self._fit(dist, cost)  # path -> [*B, *P]
        x = dist.sample((samples,))
        f = evaluate(cost, x, dist)  # [K, *B]
        gradients = {
            path: ((_like(f.detach(), s) - baselines[path]) * s).mean(0)
            for path, s in scores(dist, x).items()  # [K, *B, *P]
        }
        return f.mean(0) + carry(dist, gradients)

    def _fit(self, dist, cost):
        x = dist.sample((self.pilot,))
        with torch.no_grad():
            parts = x.split(at_once(x[0]))
            f = torch.cat([evaluate(cost, part, dist) for part in parts])  # [M, *B]
        found = {}
        for path, s in scores(dist, x).items():  # [M, *B, *P]
            square = s.square()
            below = square.sum(0)
            found[path] = (square.mul_(_like(f, s)).sum(0) / below).nan_to_num(0.0)
        return found


def scores(dist, x):
    """∇ log p(x_k) of each sample, by the path of the tensor it belongs to: [K, *B, *P]."""
    shape = (x.shape[0], *dist.batch_shape)
    require_free(dist)
    try:
        twin, leaves = with_leaves(dist.expand(shape))
    except NotImplementedError:
        raise Unsupported(
            f"{describe(dist)} has no `expand`, which per-sample scores need; "
            "add it, or use reinforce-loo."
        ) from None
    with torch.enable_grad():
        log_p = score_log_prob(twin, x)
        found = torch.autograd.grad(log_p.sum(), leaves.values(), allow_unused=True)
    by_path = {path: g for path, g in zip(leaves, found, strict=True) if g is not None}
    for path, g in by_path.items():
        if g.shape[: len(shape)] != shape:
            raise Unsupported(
                f"The tensor {path!r} of {describe(dist)} is shared by its batch, so it has no "
                "score for each element; use reinforce-loo."
            )
    return by_path


def _like(f, s):
    """f [K, *B] with trailing axes for the parameter axes of s [K, *B, *P]."""
    return f.reshape(f.shape + (1,) * (s.ndim - f.ndim))
