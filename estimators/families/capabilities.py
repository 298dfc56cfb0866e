"""What a distribution can do, looked up by its type; each family's file adds what it knows.

Every function here is a `functools.singledispatch` on the distribution. The version below is for
distributions nothing is known about: it tries what torch offers, or refuses with a sentence.
`z` are perturbed logits; shapes follow `[*sample, *batch, *event]`.
"""

from functools import singledispatch

import torch
from torch import Tensor
from torch.distributions import Distribution


class Unsupported(Exception):
    """A refusal: one sentence naming the object, the missing ability and the way out."""


def describe(dist: Distribution) -> str:
    """The distribution's type as a person would write it, such as `Independent(Normal)`."""
    inner = getattr(dist, "base_dist", None) or getattr(dist, "component_distribution", None)
    return type(dist).__name__ + (f"({describe(inner)})" if inner is not None else "")


def is_discrete(dist: Distribution) -> bool:
    """Whether the support is known to be discrete."""
    try:
        return bool(dist.support.is_discrete)
    except (AttributeError, NotImplementedError):
        return False


def attach(value: Tensor, *partials: tuple[Tensor, Tensor]) -> Tensor:
    """`value`, with given derivatives: pairs (tensor, ∂value/∂tensor), all elementwise."""
    attached = value.detach()
    for tensor, derivative in partials:
        attached = attached + derivative.detach() * (tensor - tensor.detach())
    return attached


@singledispatch
def bounds(dist: Distribution) -> tuple[Tensor | float | None, Tensor | float | None]:
    """The ends of a univariate support; None where there is none or it is not known."""
    try:
        support = dist.support
    except (AttributeError, NotImplementedError):
        return None, None
    support = getattr(support, "base_constraint", support)
    return getattr(support, "lower_bound", None), getattr(support, "upper_bound", None)


@singledispatch
def stated_moments(dist: Distribution) -> tuple[Tensor, Tensor] | None:
    """The mean and variance that the distribution states, if it states finite ones."""
    try:
        mean, variance = dist.mean, dist.variance
    except (AttributeError, NotImplementedError):
        return None
    return (mean, variance) if mean.isfinite().all() and variance.isfinite().all() else None


@singledispatch
def cdf(dist: Distribution, x: Tensor) -> Tensor:
    """P(X ≤ x) of a univariate distribution, differentiable in λ and in x."""
    try:
        return dist.cdf(x)
    except NotImplementedError:
        raise Unsupported(
            f"{describe(dist)} has no cdf, which implicit reparameterisation differentiates; "
            "add a `cdf` method to it, or use pathwise or reinforce-loo."
        ) from None


@singledispatch
def common_cdf(dist: Distribution, x: Tensor) -> Tensor:
    """The cdf from a point that does not depend on λ, for components to share; on a circle."""
    return cdf(dist, x)


@singledispatch
def implicit(dist: Distribution, x: Tensor) -> Tensor:
    """The sample `x` with its derivative ∂x/∂λ = −(∂F/∂λ) / p(x) attached."""
    if is_discrete(dist):
        raise Unsupported(
            f"{describe(dist)} is discrete, so its samples do not move smoothly with λ; "
            "use reinforce-loo or another score-function estimator."
        )
    if dist.event_shape:
        raise Unsupported(
            f"{describe(dist)} is multivariate and has no conditional cdfs here; "
            "use pathwise or reinforce-loo."
        )
    x = x.detach()
    increment = cdf(dist, x)
    return x - (increment - increment.detach()) / dist.log_prob(x).detach().exp()


@singledispatch
def perturbed_logits(dist: Distribution, shape: torch.Size) -> Tensor:
    """Logits plus the noise whose arg-max is a sample: [*shape, *batch, *event]."""
    raise Unsupported(_relaxation_refusal(dist))


@singledispatch
def soften(dist: Distribution, z: Tensor) -> Tensor:
    """The relaxed sample of perturbed logits: sigmoid or softmax."""
    raise Unsupported(_relaxation_refusal(dist))


@singledispatch
def harden(dist: Distribution, z: Tensor) -> Tensor:
    """The exact sample of perturbed logits: a step or a one-hot arg-max, without a derivative."""
    raise Unsupported(_relaxation_refusal(dist))


@singledispatch
def logits(dist: Distribution) -> Tensor:
    """The logits λ of a distribution that can be relaxed: [*batch, *event]."""
    raise Unsupported(_relaxation_refusal(dist))


@singledispatch
def rounded(dist: Distribution) -> Tensor:
    """What a sample is the rounding of, in the coordinates of samples: [*batch, *event]."""
    return logits(dist)


@singledispatch
def bernoulli_logits(dist: Distribution) -> Tensor:
    """The logits of a distribution made of Bernoullis alone: [*batch, *event]."""
    raise Unsupported(
        f"{describe(dist)} is not made of Bernoullis, whose two values are what is coupled here; "
        "use Bernoulli or Independent(Bernoulli), or a score-function estimator such as "
        "reinforce-loo."
    )


@singledispatch
def logits_of(dist: Distribution, p: Tensor) -> Tensor:
    """The logits whose softened point is p: the inverse of `soften`."""
    raise Unsupported(_relaxation_refusal(dist))


@singledispatch
def conditional_logits(dist: Distribution, x: Tensor) -> Tensor:
    """Draws of the perturbed logits given that `harden` makes x of them: the shape of x."""
    raise Unsupported(_relaxation_refusal(dist))


@singledispatch
def given_sample(dist: Distribution, z: Tensor) -> Tensor:
    """`z`, with its derivative in the logits where its hard sample and the noise beyond it stay."""
    raise Unsupported(_relaxation_refusal(dist))


@singledispatch
def lead(dist: Distribution, x: Tensor, gap: float) -> Tensor:
    """The logits, their values moved until the class of x leads all others by `gap`."""
    raise Unsupported(_relaxation_refusal(dist))


@singledispatch
def sparsify(dist: Distribution, z: Tensor) -> Tensor:
    """The sparse relaxed sample of perturbed logits: z projected onto the simplex."""
    raise Unsupported(_relaxation_refusal(dist))


@singledispatch
def mode(dist: Distribution) -> Tensor:
    """The most probable point: [*batch, *event]."""
    try:
        return dist.mode
    except NotImplementedError:
        raise Unsupported(
            f"{describe(dist)} has no `mode`; add it, or use reinforce-loo."
        ) from None


def _relaxation_refusal(dist: Distribution) -> str:
    return (
        f"{describe(dist)} has no relaxation: only Bernoulli, OneHotCategorical and Independent of "
        "them are points that can be softened; use a score-function estimator such as "
        "reinforce-loo, or pathwise if it is continuous."
    )
