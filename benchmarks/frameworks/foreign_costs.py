"""Costs that are written with NumPy or JAX, as costs of torch's samples."""

import sys
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.frameworks.numerical_derivatives import Elementwise
from estimators import Unsupported
from estimators.arity import takes_dist
from estimators.jax_arrays import Mapped, jax_module

MOST_COORDINATES = 64  # of an event, each of which takes six evaluations


def within_reach(cost: Callable[..., Any], x: Tensor, dist: Distribution) -> Callable[..., Any]:
    """`cost`, or where it leaves torch for NumPy or JAX, the same with a derivative in x.

    Tried at samples `x` of `dist`, such as [2, *batch, *event]. A cost that detaches its samples
    itself stays as it is.
    """
    leaf = x.detach().clone()
    leaf = leaf.requires_grad_() if leaf.is_floating_point() else leaf
    try:
        with torch.enable_grad():
            found = _called(cost, leaf, dist)
    except RuntimeError as failure:
        leaves = "numpy() on Tensor that requires grad" in str(failure)
        return NumericalCost(cost) if leaves else cost
    except TypeError as failure:
        leaves = "jax" in sys.modules and "torch.Tensor" in str(failure)
        return jax_cost(cost) if leaves and not takes_dist(cost) else cost
    except Exception:  # which says more when the cost is checked
        return cost
    return NumericalCost(cost) if isinstance(found, np.ndarray) else cost


def jax_cost(function: Callable[[Any], Any]) -> Callable[..., Tensor]:
    """A cost from a JAX function of one sample, an array [*event], that returns a number.

    It is mapped over all samples; its derivative is that of jax.vjp. Raises JaxError where JAX
    cannot trace it.
    """
    label = f"the cost {getattr(function, '__name__', type(function).__name__)!r}"

    def one(x):
        found = jax_module().numpy.asarray(function(x), x.dtype)
        if found.shape:
            raise Unsupported(
                f"{label} returned shape {found.shape} for one sample of shape {x.shape}; it must "
                "return a number, such as the sum over the event."
            )
        return (found,)

    mapped = Mapped(one, label)

    def cost(x: Tensor, dist: Distribution) -> Tensor:
        batch = x.shape[: x.ndim - len(dist.event_shape)]
        return mapped(x.reshape(-1, *dist.event_shape))[0].reshape(batch)

    return cost


class NumericalCost:
    """A cost that autograd does not reach, with its derivative in x by central differences.

    Its derivative raises Unsupported where the differences disagree, and for events of more than
    64 coordinates.
    """

    def __init__(self, cost: Callable[..., Any]):
        self.cost = cost
        self.__name__ = getattr(cost, "__name__", type(cost).__name__)

    def __call__(self, x: Tensor, dist: Distribution) -> Tensor:
        return _Cost.apply(x, self, dist)

    def value(self, x: Tensor, dist: Distribution) -> Tensor:
        """The costs of samples, without a derivative."""
        with warnings.catch_warnings():  # NumPy's, of how torch wraps its results
            warnings.simplefilter("ignore", DeprecationWarning)
            found = _called(self.cost, x.detach(), dist)
        return torch.as_tensor(found).to(x) if x.is_floating_point() else torch.as_tensor(found)

    def slopes(self, x: Tensor, dist: Distribution) -> Tensor:
        """∂f/∂x in each coordinate of the event: the shape of x."""
        event = len(dist.event_shape)
        flat = (
            x.detach().double().flatten(x.ndim - event) if event else x.detach().double()[..., None]
        )
        if flat.shape[-1] > MOST_COORDINATES:
            raise Unsupported(
                f"The cost {self.__name__!r} leaves autograd, and its derivative in "
                f"{flat.shape[-1]} coordinates is too much for differences; write it with torch's "
                "functions, or use reinforce-loo."
            )
        found = []
        for place in range(flat.shape[-1]):

            def along(moved, place=place):
                points = flat.clone()
                points[..., place] = torch.as_tensor(moved)
                return self.value(points.reshape(x.shape).to(x.dtype), dist).double().numpy()

            of = Elementwise(along, f"The cost {self.__name__!r}", (f"x[{place}]",))
            found.append(of.slope(0)(flat[..., place]))
        return torch.stack(found, -1).reshape(x.shape).to(x)


class _Cost(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x: Tensor, cost: NumericalCost, dist: Distribution):
        ctx.save_for_backward(x)
        ctx.cost, ctx.dist = cost, dist
        return cost.value(x, dist)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, cotangent: Tensor):
        (x,) = ctx.saved_tensors
        spread = cotangent.reshape(cotangent.shape + (1,) * (x.ndim - cotangent.ndim))
        return spread * ctx.cost.slopes(x, ctx.dist), None, None


def _called(cost: Callable[..., Any], x: Tensor, dist: Distribution) -> Any:
    if isinstance(cost, np.ufunc):  # those of np.frompyfunc return objects, which torch cannot wrap
        return np.asarray(cost(x.numpy()), dtype=np.float64)
    return cost(x, dist) if takes_dist(cost) else cost(x)
