"""Modules among the parameters: their weights as tensors by name, and callables of them again."""

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _NormBase
from torch.nn.modules.dropout import _DropoutNd

from benchmarks.objective.callable_modules import Called
from benchmarks.objective.replicated_calls import NetworkError


class Networks:
    """What stands behind a problem's parameters where modules are among them.

    `tensors` are λ by name, in the given order and in the widest dtype among them: the tensors, and
    in the place of each module its weights, such as "encoder.0.weight". Weights that do not require
    a gradient go along with the buffers and are not measured; a weight with two names is one
    weight, under the first. The modules are copies in eval mode: those given stay as they are.
    Raises NetworkError for a module that is not ready.
    """

    def __init__(self, parameters: Mapping[str, Tensor | nn.Module]):
        modules = {k: v for k, v in parameters.items() if isinstance(v, nn.Module)}
        for name, module in modules.items():
            _check(name, module)
        self.modules = _copied(modules)
        self.names: dict[str, dict[str, str]] = {}  # of each module's weights, by their path in it
        self.fixed: dict[str, dict[str, Tensor]] = {}
        self.tensors, known = {}, {}
        for name, value in parameters.items():
            if name not in modules:
                self.tensors[name] = value
                continue
            weights = dict(value.named_parameters())
            measured = {path: w for path, w in weights.items() if w.requires_grad}
            for path, weight in measured.items():
                if id(weight) not in known:
                    known[id(weight)] = f"{name}.{path}"
                    self.tensors[f"{name}.{path}"] = weight.detach()
            self.names[name] = {path: known[id(w)] for path, w in measured.items()}
            others = {**weights, **dict(value.named_buffers())}
            self.fixed[name] = {k: v.detach() for k, v in others.items() if k not in measured}
        self.tensors = _one_dtype(self.tensors)
        for module in self.modules.values():
            module.eval().requires_grad_(False)
        self._moved: dict[tuple, dict] = {}
        _check_any(parameters, modules, self.tensors)

    def owner(self, name: str) -> str:
        """The name of the parameter to which a tensor belongs: itself, or its module's."""
        for key, names in self.names.items():
            if name in names.values():
                return key
        return name

    @property
    def doubled(self) -> dict[str, Tensor]:
        """λ as it is checked, in float64 on the CPU."""
        return {k: v.detach().to("cpu", torch.float64) for k, v in self.tensors.items()}

    def arriving(
        self, values: Mapping[str, Tensor], axes: Callable[[Mapping], Callable]
    ) -> dict[str, Any]:
        """λ as functions take it: the tensors as they are, each module as a `Called`.

        `axes` makes of the weights of a module the function that says of an input how many axes
        stand in front of what the module takes.
        """
        taken = {name for names in self.names.values() for name in names.values()}
        found: dict[str, Any] = {k: v for k, v in values.items() if k not in taken}
        like = next(iter(values.values()))
        for key, module in self.modules.items():
            weights = {path: values[name] for path, name in self.names[key].items()}
            own = dict(module.named_parameters())
            leading = max((w.ndim - own[path].ndim for path, w in weights.items()), default=0)
            fixed = self._fixed(key, like)
            found[key] = Called(key, module, weights, fixed, leading, axes)
        return found

    def _fixed(self, key: str, like: Tensor) -> dict[str, Tensor]:
        """What goes along with the weights, on the device and in the dtype of `like`."""
        place = key, like.device, like.dtype
        if place not in self._moved:
            cast = partial(cast_like, like=like)
            self._moved[place] = {path: cast(value) for path, value in self.fixed[key].items()}
        return self._moved[place]


def cast_like(value: Any, like: Tensor) -> Any:
    """A tensor on the device of `like`, floating ones in its dtype; anything else as it is."""
    if not isinstance(value, Tensor):
        return value
    return value.to(like) if value.is_floating_point() else value.to(like.device)


def _copied(modules: dict[str, nn.Module]) -> dict[str, nn.Module]:
    try:
        return copy.deepcopy(modules)
    except Exception as failure:  # whatever a user's module holds
        first = (str(failure).splitlines() or [type(failure).__name__])[0].rstrip(".")
        raise NetworkError(
            f"The modules {', '.join(map(repr, modules))} cannot be copied ({first}); keep only "
            "parameters, buffers and plain values in them."
        ) from failure


def _check(name: str, module: nn.Module) -> None:
    if any(nn.parameter.is_lazy(w) for w in (*module.parameters(), *module.buffers())):
        raise NetworkError(
            f"Module {name!r} is lazy and has weights without a shape yet; call it once on a batch "
            "before it goes into a problem."
        )
    for part in module.modules():
        if part.training and _other_in_training(part):
            raise NetworkError(
                f"Module {name!r} is in train mode and has {type(part).__name__}, whose "
                "noise would be taken for the estimators'; call .eval() on it first."
            )


def _other_in_training(part: nn.Module) -> bool:
    """Whether a module draws noise or looks at the batch while it is trained."""
    if isinstance(part, _DropoutNd):
        return part.p > 0
    if isinstance(part, _NormBase):
        return part.track_running_stats
    return isinstance(part, nn.RReLU) or (
        isinstance(part, nn.MultiheadAttention | nn.RNNBase) and part.dropout > 0
    )


def _check_any(parameters: Mapping, modules: Mapping, tensors: Mapping) -> None:
    if modules and not tensors:
        names = ", ".join(map(repr, modules))
        raise NetworkError(
            f"No weight of {names} requires a gradient, so there is nothing to measure; call "
            ".requires_grad_(True) on what is to be trained."
        )


def _one_dtype(tensors: Mapping[str, Any]) -> dict[str, Any]:
    """The floating tensors in the widest dtype among them, so that they can meet."""
    floating = [t for t in tensors.values() if isinstance(t, Tensor) and t.is_floating_point()]
    if len({t.dtype for t in floating}) < 2:
        return dict(tensors)
    widest = max((t.dtype for t in floating), key=lambda dtype: torch.finfo(dtype).bits)
    like = torch.zeros((), dtype=widest)
    floats = {id(t) for t in floating}
    return {k: v.to(like.dtype) if id(v) in floats else v for k, v in tensors.items()}
