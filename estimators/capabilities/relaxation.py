"""Relaxations: perturbed logits, and the points that they are softened or hardened to.

`z` are perturbed logits; shapes follow `[*sample, *batch, *event]`."""

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities.by_type import by_type
from estimators.capabilities.description import Unsupported, describe


@by_type
def perturbed_logits(dist: Distribution, shape: torch.Size) -> Tensor:
    """Logits of `dist` plus the noise whose arg-max is a sample: [*`shape`, *batch, *event]."""
    raise Unsupported(_relaxation_refusal(dist))


@by_type
def soften(dist: Distribution, z: Tensor) -> Tensor:
    """The relaxed sample of `dist` at perturbed logits `z`: their sigmoid or softmax."""
    raise Unsupported(_relaxation_refusal(dist))


@by_type
def harden(dist: Distribution, z: Tensor) -> Tensor:
    """The exact sample of `dist` at perturbed logits `z`: a step or one-hot, with no derivative."""
    raise Unsupported(_relaxation_refusal(dist))


@by_type
def logits(dist: Distribution) -> Tensor:
    """The logits λ of a distribution that can be relaxed: [*batch, *event]."""
    raise Unsupported(_relaxation_refusal(dist))


@by_type
def rounded(dist: Distribution) -> Tensor:
    """What a sample is the rounding of, in the coordinates of samples: [*batch, *event]."""
    return logits(dist)


@by_type
def bernoulli_logits(dist: Distribution) -> Tensor:
    """The logits of a distribution made of Bernoullis alone: [*batch, *event]."""
    raise Unsupported(
        f"{describe(dist)} is not made of Bernoullis, whose two values are what is coupled here; "
        "use Bernoulli or Independent(Bernoulli), or a score-function estimator such as "
        "reinforce-loo."
    )


@by_type
def categorical_logits(dist: Distribution) -> Tensor:
    """The logits of a distribution made of one-hot categoricals alone: [*batch, *event]."""
    raise Unsupported(
        f"{describe(dist)} is not made of one-hot categoricals, whose classes are what is coupled "
        "here; use OneHotCategorical or Independent of it, disarm or arms for Bernoullis, or a "
        "score-function estimator such as reinforce-loo."
    )


@by_type
def logits_of(dist: Distribution, p: Tensor) -> Tensor:
    """The logits of `dist` whose softened point is `p`: the inverse of `soften`."""
    raise Unsupported(_relaxation_refusal(dist))


@by_type
def at_logits(dist: Distribution, z: Tensor) -> Distribution:
    """The kind of distribution that `dist` is, at logits `z` [*sample, *batch, *event]."""
    raise Unsupported(_relaxation_refusal(dist))


@by_type
def conditional_logits(dist: Distribution, x: Tensor) -> Tensor:
    """Draws of the perturbed logits of `dist` given that `harden` makes `x` of them: as x."""
    raise Unsupported(_relaxation_refusal(dist))


@by_type
def given_sample(dist: Distribution, z: Tensor) -> Tensor:
    """`z`, with the derivative in the logits of `dist` that keeps its hard sample and rest."""
    raise Unsupported(_relaxation_refusal(dist))


@by_type
def lead(dist: Distribution, x: Tensor, gap: float) -> Tensor:
    """The logits of `dist`, their values moved until the class of `x` leads all others by `gap`."""
    raise Unsupported(_relaxation_refusal(dist))


@by_type
def sparsify(dist: Distribution, z: Tensor) -> Tensor:
    """The sparse relaxed sample of `dist`: perturbed logits `z` projected onto the simplex."""
    raise Unsupported(_relaxation_refusal(dist))


def _relaxation_refusal(dist: Distribution) -> str:
    return (
        f"{describe(dist)} has no relaxation: only Bernoulli, OneHotCategorical and Independent of "
        "them are points that can be softened; use a score-function estimator such as "
        "reinforce-loo, or pathwise if it is continuous."
    )
