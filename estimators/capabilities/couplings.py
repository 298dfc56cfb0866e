"""How samples of a family are made from shared noise, and how they change with its parameters.

Every function here is a `functools.singledispatch` on the distribution; the versions below are for
distributions nothing is known about. Families with factorised events work elementwise.
"""

import hashlib
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities.by_type import by_type
from estimators.capabilities.cdf_inversion import invert_cdf
from estimators.capabilities.description import Unsupported, describe, is_discrete
from estimators.capabilities.leaf_tensors import tensors


class Coupled(NamedTuple):
    """A pair of samples of one coordinate, and the weight of its difference: each [K, *B, *E].

    ∂E[f(x)]/∂θ = E[`weight` · (f(x with `positive`) − f(x with `negative`))], elementwise in θ.
    """

    weight: Tensor
    positive: Tensor
    negative: Tensor


def uniforms(dist: Distribution, shape: tuple[int, ...]) -> Tensor:
    """Independent uniforms in (0, 1), without the ends, to make `dist` of: [*`shape`, *batch,
    *event].
    """
    like = next(iter(tensors(dist).values()))
    shape = (*shape, *dist.batch_shape, *dist.event_shape)
    return inside(torch.rand(shape, dtype=like.dtype, device=like.device))


def inside(u: Tensor) -> Tensor:
    """`u` without the ends 0 and 1, where quantiles are infinite."""
    half = torch.finfo(u.dtype).eps / 2
    return u.clamp(half, 1 - half)


@by_type
def quantile(dist: Distribution, u: Tensor) -> Tensor:
    """The sample of `dist` that uniforms `u` in (0, 1) make: both [*sample, *batch, *event].

    Differentiable in λ if the distribution is continuous; increasing in u if it is univariate.
    Raises Unsupported where it is not known.
    """
    if dist.event_shape:
        raise Unsupported(
            f"{describe(dist)} is not known as a function of one uniform for each coordinate, "
            "which shared or quasi-random noise needs; use pathwise or reinforce-loo."
        )
    try:
        return dist.icdf(u)
    except NotImplementedError:
        if is_discrete(dist):
            raise Unsupported(
                f"{describe(dist)} has no inverse cdf (`icdf`) to share noise through; add it, or "
                "use a score-function estimator such as reinforce-loo."
            ) from None
    return invert_cdf(dist, u)


@by_type
def shared(dist: Distribution, u: Tensor) -> Tensor:
    """The sample of `dist` at noise `u` in (0, 1), which stays while λ is perturbed: both [...,
    *event].

    The quantile where there is one. Unlike it, need not increase in u nor be differentiable.
    """
    return quantile(dist, u)


def replayed(dist: Distribution, u: Tensor) -> Tensor:
    """A sample of `dist`, shaped as `u` [*sample, *batch, *event], from a stream that u decides."""
    digest = hashlib.sha256(u.flatten()[:16].cpu().numpy().tobytes()).digest()
    shape = u.shape[: u.ndim - len(dist.event_shape) - len(dist.batch_shape)]
    devices = [u.device] if u.is_cuda else []
    with torch.no_grad(), torch.random.fork_rng(devices=devices):
        torch.manual_seed(int.from_bytes(digest[:8], "little") >> 1)
        x = dist.sample(shape or (1,))  # not every user's sampler takes ()
    return x if shape else x[0]


@by_type
def mirrored(dist: Distribution, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """A sample of `dist` and its antithetic twin, both differentiable: [*`shape`, *batch, *event]
    each.

    The noise of the twin is mirrored: u → 1 − u, or ε → −ε about the centre of symmetry.
    """
    u = uniforms(dist, shape)
    return quantile(dist, u), quantile(dist, 1 - u)


@by_type
def from_gammas(dist: Distribution, gamma: Callable[[Tensor], Tensor]) -> Tensor:
    """The sample of `dist` made of standard gamma variables: [K, *batch, *event].

    `gamma` takes concentrations α and returns draws z [K, *α]. Raises Unsupported where none are
    used.
    """
    raise Unsupported(
        f"{describe(dist)} is not made of gamma variables here: only Gamma, Chi2, Exponential, "
        "InverseGamma, Beta, Dirichlet, FisherSnedecor and Independent of them are; use pathwise, "
        "implicit or reinforce-loo."
    )


@by_type
def weak_derivatives(dist: Distribution, shape: tuple[int, ...]) -> dict[str, Coupled]:
    """Coupled pairs whose difference is the weak derivative of `dist` in each parameter, by its
    path.

    Fresh draws [*`shape`, *batch, *event]. Raises Unsupported where they are not known.
    """
    raise Unsupported(
        f"{describe(dist)} has no measure-valued derivative here: Normal, Laplace, Gamma, "
        "Exponential, Poisson, Bernoulli, Geometric, Binomial and Independent of them have; use "
        "pathwise or reinforce-loo, or register `capabilities.weak_derivatives` for it."
    )


@by_type
def jumps(dist: Distribution, x: Tensor) -> dict[str, Coupled]:
    """Where each coordinate of a sample of `dist` jumps as a parameter grows, by the path of that.

    `x` is the sample [*sample, *batch, *event]. The pair is (alternative, x); its weight is the
    rate, signed: what the coupling by a shared uniform moves in an infinitesimal step of the
    parameter, given x. Raises Unsupported where it is not known.
    """
    raise Unsupported(
        f"{describe(dist)} has no known jumps: Bernoulli, Geometric, Poisson, Binomial, "
        "NegativeBinomial and Independent of them have; use pathwise if it is continuous, or "
        "reinforce-loo."
    )


def require_continuous(dist: Distribution) -> None:
    """Raise Unsupported for discrete distributions, whose samples have no derivative in λ."""
    if is_discrete(dist):
        raise Unsupported(
            f"{describe(dist)} is discrete, so its samples do not move smoothly with λ; use "
            "gumbel-softmax or reinforce-loo."
        )
