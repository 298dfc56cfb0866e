"""Gradients that somebody else's JAX function estimates, as estimators of the one interface."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import Tensor
from torch.distributions import Distribution, Independent

from estimators.capabilities import Unsupported, describe, tensors
from estimators.core import Estimator, create, register
from estimators.jax_arrays import Mapped, jax_module, key_of, key_words


def foreign(name: str, function: Callable | None = None) -> Any:
    """Register a JAX function that estimates a gradient under `name`, kebab-case.

    - `function`: (key, parameters) → gradient. `parameters` has the arrays that one element of the
      batch has, by the names of the distribution's parameters; the gradient is a dictionary like
      it, of one draw. With a third argument, (key, parameters, samples), it makes an estimate of
      K = `samples` draws; else K calls are averaged. It must be traceable by jax.vmap and jax.jit.

    Returns the estimator; without `function` a decorator, which returns the function as it is. It
    is measured like any other: K, variance, bias against the truth of the problem, time. The cost
    is that of the function: the problem's own is only what the truth is of, and is not evaluated.
    Raises ValueError for a name that is taken, TypeError for what is no function.
    """
    if function is None:
        return functools.partial(_registered, name)
    _registered(name, function)
    return create(name)


def _registered(name: str, function: Callable) -> Callable:
    if not callable(function):
        raise TypeError(
            f"foreign({name!r}) takes a function of (key, parameters), not "
            f"{type(function).__name__}."
        )
    register(name, "quick", function=function)(Foreign)
    return function


@dataclass(frozen=True)
class Foreign(Estimator):
    """A gradient that a JAX function estimates, from a key for each replicate.

    ĝ = mean_k function(key_k, λ)

    The keys come from torch's random stream. Nothing is claimed of its bias. The value of its
    surrogate is 0, and the cost that is given is not evaluated.
    Raises Unsupported for a gradient of other names or shapes than λ, JaxError for what JAX cannot
    trace.
    """

    function: Callable = None

    def surrogate(self, dist, cost, samples=1):
        own = named_parameters(dist)
        batch = dist.batch_shape
        values = [value for value, _ in own.values()]
        rows = [v.detach().reshape(-1, *v.shape[v.ndim - axes :]) for v, axes in own.values()]
        words = key_words(batch, values[0].device)
        mapped = _mapped(self.function, str(self), tuple(own), samples)
        gradients = mapped(words.reshape(-1, words.shape[-1]), *rows)
        total = sum(
            (g.reshape(v.shape) * (v - v.detach())).reshape(*batch, -1).sum(-1)
            for g, v in zip(gradients, values, strict=True)
        )
        return total.reshape(batch)

    def __deepcopy__(self, memo):
        return self  # functions of JAX cannot be copied, and hold nothing that is learned


@functools.lru_cache(maxsize=64)
def _mapped(function: Callable, label: str, names: tuple[str, ...], samples: int) -> Mapped:
    """The function over the elements of a batch: key words and parameters to gradients."""

    def one(words, *arrays):
        parameters = dict(zip(names, arrays, strict=True))
        found = _estimate(function, key_of(words), parameters, samples)
        if not isinstance(found, dict) or set(found) != set(names):
            given = ", ".join(found) if isinstance(found, dict) else type(found).__name__
            raise Unsupported(
                f"The foreign estimator {label} returned {given}; it must return a dictionary with "
                f"the gradient in each of {', '.join(names)}."
            )
        for name, array in parameters.items():
            if found[name].shape != array.shape:
                raise Unsupported(
                    f"The gradient that {label} returned in {name} has shape "
                    f"{tuple(found[name].shape)} instead of {tuple(array.shape)}; return that of "
                    "one element of the batch."
                )
        return tuple(found[name].astype(parameters[name].dtype) for name in names)

    return Mapped(one, f"the foreign estimator {label}")


def _estimate(function: Callable, key: Any, parameters: dict, samples: int) -> Any:
    """The estimate of `samples` draws, by the function itself or as a mean of calls."""
    jax = jax_module()
    if _takes_samples(function):
        return function(key, parameters, samples)
    if samples == 1:
        return function(key, parameters)
    every = jax.vmap(function, (0, None))(jax.random.split(key, samples), parameters)
    return jax.tree.map(lambda g: g.mean(0), every)


def _takes_samples(function: Callable) -> bool:
    wanted = inspect.signature(function).parameters.values()
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return len([p for p in wanted if p.kind in kinds and p.default is p.empty]) >= 3


def named_parameters(dist: Distribution) -> dict[str, tuple[Tensor, int]]:
    """The parameters of a distribution by the names of its constructor: [*batch, *own axes], axes.

    Those that it stores, among those it states constraints for; else all of these; else its tensors
    by their paths.
    """
    if isinstance(dist, Independent):
        more = dist.reinterpreted_batch_ndims
        inner = named_parameters(dist.base_dist)
        return {name: (value, axes + more) for name, (value, axes) in inner.items()}
    stated = getattr(dist, "arg_constraints", {})
    own = getattr(dist, "own_axes", None) or {n: c.event_dim for n, c in stated.items()}
    stored = [name for name in own if isinstance(vars(dist).get(name), Tensor)]
    found = {name: getattr(dist, name) for name in stored or own}
    if not found:
        found = tensors(dist)
        own = {n: max(t.ndim - len(dist.batch_shape), 0) for n, t in found.items()}
    if not found:
        raise Unsupported(
            f"{describe(dist)} has no tensors as parameters, which a foreign estimator is given."
        )
    return {
        name: (
            value.expand((*dist.batch_shape, *value.shape[value.ndim - own[name] :])),
            own[name],
        )
        for name, value in found.items()
        if isinstance(value, Tensor) and value.is_floating_point()
    }
