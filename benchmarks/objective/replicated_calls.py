"""Calls of a module whose weights have leading axes, one copy of them for each replicate.

The module itself sees what it sees in a training loop: no axis of samples or replicates.
"""

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor
from torch.func import vmap
from torch.utils._pytree import tree_flatten, tree_map

Weights = Mapping[str, Tensor]


class NetworkError(ValueError):
    """A module that is not ready, or a call it cannot answer: one sentence with the way out."""


@contextmanager
def for_vmap() -> Iterator[None]:
    """Transformer layers in eval mode take a way without derivatives where vmap hides the need.

    What vmap does one after the other is no matter for a user.
    """
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "There is a performance drop")
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def replicated(
    call: Callable[[Weights, Sequence[Tensor]], tuple[Tensor, ...]],
    weights: Weights,
    leading: int,
    inputs: Sequence[Tensor],
    extras: Sequence[int],
) -> tuple[Tensor, ...]:
    """`call(weights, inputs)` for each copy of the weights and each sample of the inputs.

    The weights have `leading` axes in front, an input none or `extras` of them: samples, and then
    those of the weights. So have the outputs.
    """
    lead = next(iter(weights.values())).shape[:leading] if weights else torch.Size()
    differentiable = torch.is_grad_enabled() and any(w.requires_grad for w in weights.values())
    once = lead.numel() == 1
    if all(_same(w, leading) for w in weights.values()) and (once or not differentiable):
        first = {name: w[(0,) * leading] for name, w in weights.items()}
        out = over_samples(lambda given: call(first, given), inputs, extras)
        return out if any(extras) else tuple(o.expand(*lead, *o.shape) for o in out)
    fixed = not any(extras) and not any(x.requires_grad for x in inputs)
    if fixed and all(_same(w, leading) for w in weights.values()):
        return _Shared.apply(call, inputs, tuple(weights), lead, *weights.values())
    flat = {name: w.flatten(0, leading - 1) for name, w in weights.items()}
    moved, places = [], []
    for x, extra in zip(inputs, extras, strict=True):
        if extra:  # the replicates first, then samples
            x = x.expand(*x.shape[: extra - leading], *lead, *x.shape[extra:])
            x = x.flatten(extra - leading, extra - 1).movedim(extra - leading, 0)
        moved.append(x)
        places.append(0 if extra else None)
    samples = [max(extra - leading, 0) for extra in extras]

    def one(weights: Weights, *given: Tensor) -> tuple[Tensor, ...]:
        return over_samples(lambda inputs: call(weights, inputs), given, samples)

    out = _each(one, (0, *places), flat, *moved)
    axes = max(samples, default=0)
    return tuple(o.movedim(0, axes).unflatten(axes, lead) for o in out)


def over_samples(
    call: Callable[[Sequence[Tensor]], tuple[Tensor, ...]],
    inputs: Sequence[Tensor],
    extras: Sequence[int],
) -> tuple[Tensor, ...]:
    """`call(inputs)` for each place in the first axes of the inputs, `extras` of each."""
    if not any(extras):
        return call(inputs)
    fronts = (x.shape[:extra] for x, extra in zip(inputs, extras, strict=True))
    front = torch.broadcast_shapes(*fronts)
    flat = [
        x.expand(*front, *x.shape[extra:]).flatten(0, len(front) - 1) if extra else x
        for x, extra in zip(inputs, extras, strict=True)
    ]
    places = tuple(0 if extra else None for extra in extras)
    out = _each(lambda *given: call(given), places, *flat)
    return tuple(o.unflatten(0, front) for o in out)


def _each(call: Callable, places: tuple, *given: Any) -> tuple[Tensor, ...]:
    """`call` for each place in axis 0 of what has a 0 in `places`, all at once where that goes."""
    try:
        return vmap(call, places)(*given)
    except RuntimeError as failure:
        if "Batching rule not implemented" not in str(failure):  # such as recurrent layers
            raise
    pairs = [*zip(given, places, strict=True)]
    size = len(tree_flatten([part for part, place in pairs if place == 0])[0][0])
    rows = (
        call(*(tree_map(lambda v, i=i: v[i], p) if place == 0 else p for p, place in pairs))
        for i in range(size)
    )
    return tuple(torch.stack(parts) for parts in zip(*rows, strict=True))


def _same(weight: Tensor, leading: int) -> bool:
    """Whether all copies are one: nothing was written where they could differ."""
    front = zip(weight.shape[:leading], weight.stride()[:leading], strict=True)
    return all(size == 1 or stride == 0 for size, stride in front)


class _Shared(torch.autograd.Function):
    """One call for all replicates, whose weights are the same; the gradients are of each."""

    @staticmethod
    def forward(ctx, call, inputs, names, lead, *weights):
        first = [w[(0,) * len(lead)].detach().requires_grad_() for w in weights]
        with torch.enable_grad():
            out = call(dict(zip(names, first, strict=True)), inputs)
        ctx.first, ctx.out, ctx.lead = first, out, lead
        return tuple(o.detach().expand(*lead, *o.shape) for o in out)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, *grads):
        reached = [(o, g) for o, g in zip(ctx.out, grads, strict=True) if o.requires_grad]
        flat = [g.flatten(0, len(ctx.lead) - 1) for _, g in reached]
        with for_vmap():
            found = torch.autograd.grad(
                [o for o, _ in reached], ctx.first, flat, is_grads_batched=True,
                retain_graph=True, allow_unused=True,
            )  # fmt: skip
        return (
            None,
            None,
            None,
            None,
            *(g if g is None else g.unflatten(0, ctx.lead) for g in found),
        )
