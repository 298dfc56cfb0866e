"""The tensors a distribution is made of, and twins of it made of fresh leaves."""

import copy
from collections.abc import Callable
from types import BuiltinFunctionType, FunctionType, MethodType, ModuleType
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution, Transform

RECIPE = "_recipe"  # the attribute under which a distribution keeps how it was made


class Recipe(NamedTuple):
    """How a distribution was made: `family(**parameters)`, which takes any leading axes."""

    family: Callable[..., Distribution]
    parameters: dict[str, Tensor]

    def anew(self, parameters: dict[str, Tensor]) -> Distribution:
        """The distribution at other `parameters`."""
        return self.family(**self.parameters | parameters)


def recipe_of(dist: Distribution) -> Recipe | None:
    """How `dist` is made anew, if its tensors alone do not say all of it."""
    return vars(dist).get(RECIPE)


def tensors(dist: Distribution) -> dict[str, Tensor]:
    """The floating tensors through which λ reaches `dist`: what it holds, by every path to them.

    Of a distribution that is made anew by its family: the family's parameters, by name.
    """
    recipe = recipe_of(dist)
    if recipe:
        return dict(recipe.parameters)
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


def expanded(dist: Distribution, batch_shape: torch.Size) -> Distribution:
    """A twin of `dist` with everything in it that has its batch axes expanded to `batch_shape`."""
    old, seen = dist.batch_shape, {}

    def wider(shape: torch.Size) -> torch.Size | None:
        return batch_shape + shape[len(old) :] if shape[: len(old)] == old else None

    def of(part):
        if isinstance(part, Tensor):
            return part if wider(part.shape) is None else part.expand(wider(part.shape))
        if isinstance(part, Distribution) and part is not dist:
            known = wider(part.batch_shape)
            return part if known is None else part.expand(known)
        if isinstance(part, list | tuple):
            return _sequence(part, [of(item) for item in part])
        if isinstance(part, dict):
            return _kept(part, {key: of(value) for key, value in part.items()})
        if not _has_insides(part) or isinstance(part, Transform):
            return part
        if id(part) not in seen:
            twin = seen[id(part)] = copy.copy(part)
            vars(twin).update({name: of(value) for name, value in vars(part).items()})
        return seen[id(part)]

    held = {name: v for name, v in vars(dist).items() if not isinstance(v, torch.Size)}
    twin = seen[id(dist)] = copy.copy(dist)
    vars(twin).update({name: of(value) for name, value in held.items()})
    twin._batch_shape = batch_shape
    return twin


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


def _walk(part, path: str, seen: dict, visit, brought: bool = False):
    """A copy of `part` with every floating tensor in it replaced by `visit(path, tensor)`.

    In what was `brought`, a class from outside torch and this package, containers, modules and
    other objects are looked into as well.
    """
    if isinstance(part, Tensor):
        return visit(path, part) if part.is_floating_point() else part
    if isinstance(part, Distribution) and (recipe := recipe_of(part)):
        if id(part) not in seen:
            given = recipe.parameters.items()
            seen[id(part)] = recipe.anew(
                {k: _walk(v, f"{path}.{k}".lstrip("."), seen, visit) for k, v in given}
            )
        return seen[id(part)]
    brought = brought or (is_brought(type(part)) and isinstance(part, Distribution | Transform))
    if isinstance(part, list | tuple) and (brought or (part and isinstance(part[0], Transform))):
        items = [_walk(v, f"{path}.{i}", seen, visit, brought) for i, v in enumerate(part)]
        return _sequence(part, items)
    if isinstance(part, dict) and brought:
        return _kept(part, {k: _walk(v, f"{path}.{k}", seen, visit, brought)
                            for k, v in part.items()})  # fmt: skip
    if not isinstance(part, Distribution | Transform) and not (brought and _has_insides(part)):
        return part
    if id(part) not in seen:
        twin = seen[id(part)] = copy.copy(part)
        held = dict(vars(part))
        if isinstance(part, Categorical):
            held = _normalised(part, twin, path, seen, visit)
        for name, value in held.items():
            vars(twin)[name] = _walk(value, f"{path}.{name}".lstrip("."), seen, visit, brought)
        if isinstance(part, Transform) and not isinstance(twin._inv, Transform):
            twin._inv = None  # a cached inverse would still hold the old tensors
    return seen[id(part)]


def _normalised(part: Categorical, twin: Categorical, path: str, seen: dict, visit) -> dict:
    """Give `twin` the tensor of `part`, normalised anew, as the score must see; the rest of it."""
    held = dict(vars(part))
    name = "logits" if held["_param"] is held.get("logits") else "probs"
    given = _walk(held[name], f"{path}.{name}".lstrip("."), seen, visit)
    for known in ("logits", "probs", "_param"):
        held.pop(known, None)
        vars(twin).pop(known, None)
    vars(twin).update(vars(Categorical(**{name: given}, validate_args=False)))
    return {k: v for k, v in held.items() if not k.startswith("_")}


def is_brought(cls: type) -> bool:
    """Whether a class is from outside torch and this package."""
    return cls.__module__.partition(".")[0] not in ("torch", "estimators", "benchmarks")


def _has_insides(part) -> bool:
    """Whether an object that a distribution holds may hold tensors: no class, module, function."""
    plain = isinstance(part, type | ModuleType | FunctionType | MethodType | BuiltinFunctionType)
    return hasattr(part, "__dict__") and not plain


def _sequence(part: list | tuple, items: list):
    if all(new is old for new, old in zip(items, part, strict=True)):
        return part
    return type(part)(*items) if hasattr(part, "_fields") else type(part)(items)


def _kept(part: dict, items: dict) -> dict:
    return part if all(items[k] is v for k, v in part.items()) else type(part)(items)
