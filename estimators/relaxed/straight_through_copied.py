"""Straight-through as vector quantisation has it: the gradient is copied past the rounding."""

from estimators import capabilities
from estimators.core import register
from estimators.straight_through import StraightThroughArgmax


@register("straight-through-copied")
class StraightThroughCopied(StraightThroughArgmax):
    """Straight-through gradient that copies ∂f/∂x to what was rounded to x: zero variance.

    x = argmax p(x; λ),   ∂x/∂λ := ∂v(λ)/∂λ, v being what is rounded

    v are the logits; of a Codebook it is the encoder's vector, to which the nearest code's gradient
    is copied, as in VQ-VAE; of a ScalarQuantiser the bounded number, as in FSQ and LFQ.
    Needs Bernoulli, OneHotCategorical, Codebook, ScalarQuantiser or Independent of them, and a cost
    differentiable in x.
    Biased: it does not even estimate the value of E[f]. K cost evaluations, all alike.
    Raises Unsupported for distributions without logits.
    Source: van den Oord, Vinyals & Kavukcuoglu 2017, arXiv:1711.00937; Hinton 2012 for the logits.
    """

    def backward(self, dist):
        return capabilities.rounded(dist)

    def draw(self, dist, samples):
        mode = capabilities.mode(dist)
        return mode.expand(samples, *mode.shape)
