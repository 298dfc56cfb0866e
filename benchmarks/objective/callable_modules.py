"""Modules with given weights as callables: the module itself, and axes in front of its inputs."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn
from torch.func import functional_call
from torch.utils._pytree import tree_flatten, tree_unflatten

from benchmarks.objective.replicated_calls import NetworkError, Weights, for_vmap, replicated


class Called:
    """A module with the given weights, `leading` axes in front of each: a callable like itself.

    An input has these axes too, with axes of samples before them, or none of them: `axes` says how
    many. The output has them in front. Its methods can be called in the same way, its submodules
    and its weights are its attributes.
    """

    def __init__(
        self,
        name: str,
        module: nn.Module,
        weights: Weights,
        fixed: Weights,
        leading: int,
        axes: Callable[[Weights], Callable[[Tensor], int]],
    ):
        self._name, self._module, self._leading, self._axes = name, module, leading, axes
        self._weights, self._fixed = dict(weights), dict(fixed)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The module's output, replicates apart: [*samples, *lead, …]."""
        return self._called("forward", args, kwargs)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        found = getattr(self._module, name)
        if isinstance(found, nn.Module):
            inside = (_below(name, part) for part in (self._weights, self._fixed))
            return Called(f"{self._name}.{name}", found, *inside, self._leading, self._axes)
        if isinstance(found, Tensor):
            return self._weights.get(name, self._fixed.get(name, found))
        if getattr(found, "__self__", None) is self._module:
            return lambda *args, **kwargs: self._called(name, args, kwargs)
        return found

    def __getitem__(self, index: int) -> Any:
        return getattr(self, str(range(len(self._module))[index]))

    def _called(self, method: str, args: tuple, kwargs: dict) -> Any:
        given, form = tree_flatten((args, kwargs))
        measure, places = self._axes(self._weights), []
        like = next(iter((*self._weights.values(), *self._fixed.values())), None)
        for place, value in enumerate(given):
            if isinstance(value, Tensor):
                places.append(place)
                if like is not None and value.is_floating_point():
                    given[place] = value.to(like)
        inputs = [given[place] for place in places]
        extras = [measure(value) for value in inputs]
        caller, forms = _Method(self._module, method), []

        def call(weights: Weights, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
            whole = [*given]
            for place, value in zip(places, inputs, strict=True):
                whole[place] = value
            args, kwargs = tree_unflatten(whole, form)
            by_path = {f"module.{k}": v for k, v in (self._fixed | dict(weights)).items()}
            out, out_form = tree_flatten(functional_call(caller, by_path, args, kwargs))
            self._check(out)
            forms.append(out_form)
            return tuple(out)

        try:
            with for_vmap():
                found = replicated(call, self._weights, self._leading, inputs, extras)
        except NetworkError:
            raise
        except Exception as failure:  # whatever a user's module does
            raise self._readable(failure, method, inputs, extras) from failure
        return tree_unflatten(list(found), forms[-1])

    def _check(self, out: list) -> None:
        for value in out:
            if not isinstance(value, Tensor):
                raise NetworkError(
                    f"Module {self._name!r} returns {type(value).__name__}; it must return "
                    "tensors: make the distribution of them in the family."
                )

    def _readable(self, failure: Exception, method: str, inputs, extras) -> NetworkError:
        if "randomness" in str(failure):
            return NetworkError(
                f"Module {self._name!r} draws random numbers; it must be a function of its inputs "
                "and weights, with all that is drawn in the distribution that the family returns."
            )
        shapes = [tuple(x.shape[e:]) for x, e in zip(inputs, extras, strict=True)]
        taken = " and ".join(map(str, shapes)) or "nothing"
        asked = "" if method == "forward" else f".{method}"
        first = (str(failure).strip().splitlines() or ["no message"])[0].rstrip(".")
        return NetworkError(
            f"Module {self._name!r}{asked} raises {type(failure).__name__} for an input of shape "
            f"{taken}, axes of samples and replicates apart: {first}."
        )


class _Method(nn.Module):
    """A method of a module as a module."""

    def __init__(self, module: nn.Module, method: str):
        super().__init__()
        self.module, self.method = module, method

    def forward(self, *args, **kwargs):
        return getattr(self.module, self.method)(*args, **kwargs)


def _below(name: str, tensors: Weights) -> dict[str, Tensor]:
    start = f"{name}."
    return {k.removeprefix(start): v for k, v in tensors.items() if k.startswith(start)}
