"""Straight-through gradients: the sample forward, the mean parameter backward."""

from estimators import capabilities
from estimators.core import Estimator, averaged, evaluate, register


@register("straight-through", "quick")
class StraightThrough(Estimator):
    """Straight-through gradient of a sampled point: as if the sample were its mean parameter.

    x ~ p(x; λ),   ∂x/∂λ := ∂p(λ)/∂λ with p = E[x]

    Needs Bernoulli, OneHotCategorical or Independent of them, and a cost differentiable in x.
    Biased, except for costs linear in x. K cost evaluations.
    Raises Unsupported for distributions without logits.
    Source: Bengio, Léonard & Courville 2013, arXiv:1308.3432.
    """

    def surrogate(self, dist, cost, samples=1):
        p = self.backward(dist)  # [*B, *E]
        x = self.draw(dist, samples) + (p - p.detach())  # [K, *B, *E], exactly the draw
        return averaged(evaluate(cost, x, dist))

    def backward(self, dist):
        """What the sample's derivative is taken from: [*B, *E]."""
        return capabilities.soften(dist, capabilities.logits(dist))

    def draw(self, dist, samples):
        """The points the cost sees: [K, *B, *E]."""
        return capabilities.harden(dist, capabilities.perturbed_logits(dist, (samples,)))


@register("straight-through-argmax", "quick")
class StraightThroughArgmax(StraightThrough):
    """Straight-through gradient of the most probable point: zero variance, the largest bias.

    x = argmax p(x; λ),   ∂x/∂λ := ∂p(λ)/∂λ with p = E[x]

    Needs Bernoulli, OneHotCategorical or Independent of them, and a cost differentiable in x.
    Biased: it does not even estimate the value of E[f]. K cost evaluations, all alike.
    Raises Unsupported for distributions without logits.
    Source: Bengio, Léonard & Courville 2013, arXiv:1308.3432; van den Oord et al. 2017,
    arXiv:1711.00937, for the arg-max as used in VQ-VAE.
    """

    def draw(self, dist, samples):
        mode = capabilities.harden(dist, capabilities.logits(dist))
        return mode.expand(samples, *mode.shape)
