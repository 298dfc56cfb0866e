"""Mixtures of pathwise and score-function gradients, by how far the two disagree."""

from dataclasses import dataclass

import torch

from estimators.capabilities import carry, describe, tensors, with_leaves
from estimators.core import Estimator, Unsupported, evaluate, register
from estimators.optimal_baseline import scores


@register("mixed-order")
@dataclass(frozen=True)
class MixedOrder(Estimator):
    """Pathwise (first order) and score function (zeroth order), mixed unless the cost jumps.

    ĝ = α ĝ₁ + (1 − α) ĝ₀,   α = min(σ₀² / (σ₀² + σ₁²), (tolerance − ε) / ‖ĝ₁ − ĝ₀‖), at least 0

    σ² are the variances of one sample's gradient and ε = width σ₀ / √K, the confidence radius of
    ĝ₀: where the two means are further apart than that allows, the cost jumps and ĝ₀ counts.
    ĝ₀ has the leave-one-out baseline. Needs `rsample`, `log_prob`, `expand` and K ≥ 2.
    `tolerance` is a length of gradients, so that a small one leaves ĝ₀ alone: α = 0 while ε is
    larger.
    Biased by up to `tolerance` where the cost jumps, and because α looks at the same samples.
    2 K cost evaluations.
    Raises Unsupported without these; ValueError for a negative tolerance or width.
    Source: Suh, Simchowitz, Zhang & Tedrake 2022, arXiv:2202.00817, section 4, its formulas read in
    their code, hjsuh94/alpha_gradient: the rule for α is theirs; their ε is Bernstein's
    bound with a largest gradient given, and they draw other samples for ĝ₀.
    """

    tolerance: float = 0.5
    width: float = 2.0

    def __post_init__(self):
        if self.tolerance < 0 or self.width < 0:
            raise ValueError(
                f"tolerance and width must not be negative, not {self.tolerance} and {self.width}."
            )

    def surrogate(self, dist, cost, samples=1):
        if samples < 2:
            raise Unsupported(
                "Variances need at least two samples; pass samples=2 or more, or use pathwise or "
                "reinforce."
            )
        x, first = paths(dist, cost, samples)  # [K, *B, *E], {path: [K, *B, *P]}
        f = evaluate(cost, x, dist)  # [K, *B]
        away = f.detach() - f.detach().mean(0)
        advantage = away * samples / (samples - 1)  # f less the mean of the others
        zeroth = {path: like(advantage, s) * s for path, s in scores(dist, x).items()}
        paired = {path: (first.get(path, torch.zeros_like(g)), g) for path, g in zeroth.items()}
        alpha = self.share(paired, f)  # [*B]
        mixed = {
            path: torch.lerp(b, a, like(alpha, b[0])).mean(0) for path, (a, b) in paired.items()
        }
        return f.mean(0) + carry(dist, mixed)

    def share(self, paired, f):
        """α of each batch element: [*B]."""
        count = len(f)
        spread1 = total(((a - a.mean(0)).square().sum(0) for a, _ in paired.values()), f)
        spread0 = total(((b - b.mean(0)).square().sum(0) for _, b in paired.values()), f)
        apart = total(((a.mean(0) - b.mean(0)).square() for a, b in paired.values()), f).sqrt()
        radius = self.width * (spread0 / (count - 1) / count).sqrt()
        tiny = torch.finfo(f.dtype).tiny
        calm = spread0 / (spread0 + spread1).clamp_min(tiny)
        allowed = (self.tolerance - radius).clamp_min(0) / apart.clamp_min(tiny)
        return calm.minimum(allowed)


def paths(dist, cost, samples):
    """Samples, and the pathwise gradient of each by the path of its tensor: [K, *B, *P]."""
    if not dist.has_rsample:
        raise Unsupported(
            f"{describe(dist)} has no reparameterised sampler (`rsample`), which the pathwise part "
            "needs; use reinforce-loo."
        )
    try:
        twin, leaves = with_leaves(dist.expand((samples, *dist.batch_shape)))
    except NotImplementedError:
        raise Unsupported(
            f"{describe(dist)} has no `expand`, which gradients of each sample need; add it, or "
            "use pathwise or reinforce-loo."
        ) from None
    own = tensors(dist)
    for path, leaf in leaves.items():
        if leaf.shape == own[path].shape:  # `expand` left it as it was
            raise Unsupported(
                f"The tensor {path!r} of {describe(dist)} is shared by its samples, so that none "
                "has a gradient of its own; use pathwise or reinforce-loo."
            )
    with torch.enable_grad():
        x = twin.rsample()
        f = evaluate(cost, x, dist)
        found = torch.autograd.grad(f.sum(), leaves.values(), allow_unused=True)
    named = zip(leaves, found, strict=True)
    return x.detach(), {path: g.detach() for path, g in named if g is not None}


def like(t, g):
    """t with trailing axes for the parameter axes of g."""
    return t.reshape(t.shape + (1,) * (g.ndim - t.ndim))


def total(parts, f):
    """The sum over all parameters of each batch element: [*B]."""
    return sum(part.reshape(*f.shape[1:], -1).sum(-1) for part in parts)
