"""Distributions whose parameters are perturbed, one perturbation to each index of a new axis."""

import copy
import inspect

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions.utils import lazy_property

from estimators.capabilities import (
    Unsupported,
    describe,
    replaced,
    require_free,
    shared,
    tensors,
    with_leaves,
)
from estimators.capabilities.completion import GIVEN


@torch.enable_grad()
def parameters(dist: Distribution) -> dict[str, Tensor]:
    """The tensors that make the samples of `dist` and require gradients, each once: [*B, *P].

    Raises Unsupported for a tensor that the batch shares, as it has no gradient for each element.
    """
    require_free(dist)
    own = tensors(dist)
    twin, leaves = with_leaves(_uncached(dist))
    like = next(iter(leaves.values())).detach()
    x = shared(twin, like.new_full((*dist.batch_shape, *dist.event_shape), 0.5))
    wanted = {path: own[path] for path in leaves}
    if x.requires_grad:  # leave out what the samples do not depend on
        slopes = torch.autograd.grad(x.sum(), leaves.values(), allow_unused=True)
        wanted = {path: own[path] for path, g in zip(leaves, slopes, strict=True) if g is not None}
    for path, tensor in wanted.items():
        if tensor.shape[: len(dist.batch_shape)] != dist.batch_shape:
            raise Unsupported(
                f"The tensor {path!r} of {describe(dist)} is shared by its batch, so it cannot be "
                "perturbed for each element; use reinforce-loo."
            )
    return wanted


def perturbed(dist: Distribution, shifts: dict[str, Tensor]) -> Distribution:
    """`dist` with batch_shape [C, *B] and its tensors at these paths shifted by [C, *B, *P]."""
    plain = _uncached(dist)
    count = len(next(iter(shifts.values())))
    try:
        twin = plain.expand((count, *dist.batch_shape))
    except NotImplementedError:
        raise Unsupported(
            f"{describe(dist)} has no `expand`, which perturbed parameters need; add it, or use "
            "reinforce-loo."
        ) from None
    own = tensors(plain)
    moved = {id(own[path]): own[path].detach() + shift for path, shift in shifts.items()}
    return _valid(replaced(twin, {p: moved[id(t)] for p, t in own.items() if id(t) in moved}))


def _valid(dist: Distribution) -> Distribution:
    """`dist`, if its parameters lie between the ends that its constraints give them."""
    for name, constraint in dist.arg_constraints.items():
        ends = [getattr(constraint, end, None) for end in ("lower_bound", "upper_bound")]
        value = vars(dist).get(name)
        if value is None or ends == [None, None] or constraint.check(value.detach()).all():
            continue
        raise Unsupported(
            f"Perturbing {name!r} of {describe(dist)} leaves its {constraint}: the perturbed "
            f"values run from {float(value.min()):.3g} to {float(value.max()):.3g}; use a smaller "
            "step or width, a parameter without ends such as its logarithm, or pathwise or "
            "reinforce-loo."
        )
    for part in vars(dist).values():
        if isinstance(part, Distribution):
            _valid(part)
    return dist


def _uncached(dist: Distribution) -> Distribution:
    """A copy of `dist` without what it worked out from its tensors, such as probs from logits."""
    twin, own = copy.copy(dist), vars(dist)
    given = own.get("_param", next((own[n] for n in own if n in ("probs", "logits")), None))
    kept = own.get(GIVEN, ())  # of a user's: what it was made with
    for name, value in own.items():
        lazy = isinstance(inspect.getattr_static(type(dist), name, None), lazy_property)
        if isinstance(value, Distribution):
            vars(twin)[name] = _uncached(value)
        elif lazy and value is not given and name not in kept:
            del vars(twin)[name]
    return twin


def require_step(step: float) -> None:
    """Raise ValueError unless step > 0."""
    if not step > 0:
        raise ValueError(
            f"step must be positive, not {step}; 0.01 is usual in float64, where parameters are "
            "of order one."
        )
