"""The tensors a distribution is made of, and twins of it whose tensors are leaves of a new graph."""

import copy

import torch
from torch import Tensor
from torch.distributions import Distribution, Transform


def tensors(dist: Distribution) -> dict[str, Tensor]:
    """Every floating tensor `dist` holds, by its path, each once: what its λ reaches it through."""
    found: dict[str, Tensor] = {}
    _walk(dist, "", {}, lambda path, tensor: found.setdefault(path, tensor))
    return found


def with_leaves(dist: Distribution) -> tuple[Distribution, dict[str, Tensor]]:
    """A twin of `dist` holding fresh leaves that require gradients, and those leaves by path.

    The paths are those of `tensors(dist)`. Tensors that are one object stay one object.
    """
    leaves: dict[str, Tensor] = {}

    def renew(path: str, tensor: Tensor) -> Tensor:
        leaves[path] = tensor.detach().requires_grad_()
        return leaves[path]

    return _walk(dist, "", {}, renew), leaves


def carry(dist: Distribution, gradients: dict[str, Tensor]) -> Tensor:
    """Zero, with the given gradients: [*batch].

    `gradients` maps paths of `tensors(dist)` to ĝ `[*batch, *P]`; added to a value, this turns
    gradients that an estimator writes down itself into a surrogate.
    """
    own = tensors(dist)
    carried = torch.zeros(dist.batch_shape).to(next(iter(own.values())))
    for path, gradient in gradients.items():
        term = gradient.detach() * (own[path] - own[path].detach())  # [*batch, *P]
        carried = carried + term.reshape(*dist.batch_shape, -1).sum(-1)
    return carried


def _walk(part, path: str, seen: dict, visit):
    """A copy of `part` with each distinct floating tensor replaced by `visit(path, tensor)`."""
    if id(part) in seen:
        return seen[id(part)]
    if isinstance(part, Tensor) and part.is_floating_point():
        seen[id(part)] = visit(path, part)
    elif isinstance(part, list | tuple) and part and isinstance(part[0], Transform):
        seen[id(part)] = type(part)(
            _walk(item, f"{path}.{i}", seen, visit) for i, item in enumerate(part)
        )
    elif isinstance(part, Distribution | Transform):
        twin = seen[id(part)] = copy.copy(part)
        for name, value in vars(part).items():
            vars(twin)[name] = _walk(value, f"{path}.{name}".lstrip("."), seen, visit)
        if isinstance(part, Transform):
            twin._inv = None  # a cached inverse would still hold the old tensors
    else:
        return part
    return seen[id(part)]
