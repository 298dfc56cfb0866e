"""The tensors a distribution is made of, and twins of it made of fresh leaves."""

import copy

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, Transform


def tensors(dist: Distribution) -> dict[str, Tensor]:
    """The floating tensors that `dist` holds, through which λ reaches it, by every path to them."""
    found: dict[str, Tensor] = {}
    _walk(dist, "", {}, lambda path, tensor: found.setdefault(path, tensor))
    return found


def with_leaves(dist: Distribution) -> tuple[Distribution, dict[str, Tensor]]:
    """A twin of `dist` holding fresh leaves that require gradients, and those leaves by path.

    If some tensors require gradients, only those become leaves. Tensors that are one object stay
    one object, and stand under the first path to them.
    """
    leaves: dict[str, Tensor] = {}
    renewed: dict[int, Tensor] = {}
    wanted = any(tensor.requires_grad for tensor in tensors(dist).values())

    def renew(path: str, tensor: Tensor) -> Tensor:
        if wanted and not tensor.requires_grad:
            return tensor
        if id(tensor) not in renewed:
            renewed[id(tensor)] = leaves[path] = tensor.detach().requires_grad_()
        return renewed[id(tensor)]

    return _walk(dist, "", {}, renew), leaves


def replaced(dist: Distribution, replacements: dict[str, Tensor]) -> Distribution:
    """A twin of `dist` with other tensors: `replacements` by their paths in `tensors(dist)`.

    Where one object stands under several paths, it is replaced under all of them.
    """
    own = tensors(dist)
    by_id = {id(own[path]): tensor for path, tensor in replacements.items()}
    return _walk(dist, "", {}, lambda path, tensor: by_id.get(id(tensor), tensor))


def carry(dist: Distribution, gradients: dict[str, Tensor]) -> Tensor:
    """Zero, with the given gradients: [*batch] of `dist`.

    `gradients` maps paths of `tensors(dist)` to ĝ `[*batch, *P]`; added to a value, this turns
    gradients that an estimator writes down itself into a surrogate.
    """
    own = tensors(dist)
    carried = torch.zeros(dist.batch_shape).to(next(iter(own.values())))
    for path, gradient in gradients.items():
        term = gradient.detach() * (own[path] - own[path].detach())  # [*batch, *P]
        carried = carried + term.reshape(*dist.batch_shape, -1).sum(-1)
    return carried


def without_score(dist: Distribution) -> Distribution:
    """A twin of `dist` whose `log_prob(x)` depends on λ through x alone."""
    fixed = replaced(dist, {path: t.detach() for path, t in tensors(dist).items()})
    twin = copy.copy(dist)
    twin.log_prob = fixed.log_prob
    return twin


def _walk(part, path: str, seen: dict, visit):
    """A copy of `part` with every floating tensor in it replaced by `visit(path, tensor)`."""
    if isinstance(part, Tensor) and part.is_floating_point():
        return visit(path, part)
    if isinstance(part, list | tuple) and part and isinstance(part[0], Transform):
        items = (_walk(item, f"{path}.{i}", seen, visit) for i, item in enumerate(part))
        return type(part)(items)
    if isinstance(part, Categorical):  # normalises its tensor: the score must see that
        name = "logits" if part._param is vars(part).get("logits") else "probs"
        kind = {name: _walk(vars(part)[name], f"{path}.{name}".lstrip("."), seen, visit)}
        return Categorical(**kind, validate_args=False)
    if not isinstance(part, Distribution | Transform):
        return part
    if id(part) not in seen:
        twin = seen[id(part)] = copy.copy(part)
        for name, value in vars(part).items():
            vars(twin)[name] = _walk(value, f"{path}.{name}".lstrip("."), seen, visit)
        if isinstance(part, Transform) and not isinstance(twin._inv, Transform):
            twin._inv = None  # a cached inverse would still hold the old tensors
    return seen[id(part)]
