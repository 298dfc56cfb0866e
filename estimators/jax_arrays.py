"""JAX behind torch: arrays without copies, keys from torch's random stream, derivatives by jax.vjp.

jax is imported when a function of it is called, never with this package. Everything runs in the
precision of the tensors that are given: float64 inside `jax.enable_x64`, which leaves the caller's
settings as they are.
"""

import functools
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from estimators.capabilities.description import Unsupported

WORDS = 2  # of 32 bits, in a key of threefry
SMALL, LARGE = 2**8, 2**13  # elements that are mapped over together


class JaxError(RuntimeError):
    """What JAX cannot do with a function: one sentence with the way out."""


def jax_module() -> Any:
    """The module `jax`. ImportError with a sentence where it is not installed."""
    try:
        import jax
    except ImportError as failure:
        raise ImportError(
            "jax is not installed, which this needs; install it with pip install 'gradmeter[jax]'."
        ) from failure
    return jax


@contextmanager
def precision_of(tensors: Sequence[Tensor]) -> Iterator[None]:
    """Inside, JAX computes in float64 if one of the tensors is, else in float32."""
    wide = any(tensor.dtype == torch.float64 for tensor in tensors)
    with jax_module().enable_x64(wide), warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of a framework, while it is traced
        yield


def to_jax(tensor: Tensor) -> Any:
    """The array of a tensor, which shares its memory where that is contiguous."""
    try:
        return jax_module().numpy.from_dlpack(tensor.detach().contiguous())
    except RuntimeError as failure:
        raise JaxError(
            f"jax cannot read a tensor on {tensor.device}: {_first_line(failure)}; measure on the "
            "CPU, or install the jax that knows this device."
        ) from failure


def to_torch(array: Any, given: Sequence[Tensor] = ()) -> Tensor:
    """The tensor of an array, which shares its memory unless that is one of the `given`."""
    tensor = torch.from_dlpack(array)
    taken = tensor.numel() and any(tensor.data_ptr() == other.data_ptr() for other in given)
    return tensor.clone() if taken else tensor


def key_words(shape: Sequence[int], device: torch.device | str = "cpu") -> Tensor:
    """The words of a JAX key for each place of `shape`, from torch's stream: [*shape, 2]."""
    size = (*shape, WORDS)
    return torch.randint(-(2**31), 2**31, size, dtype=torch.int64, device=device).int()


def key_of(words: Any) -> Any:
    """The JAX key of an array of words [2]; to be called inside a JAX function."""
    jax = jax_module()
    bits = jax.lax.bitcast_convert_type(words, jax.numpy.uint32)
    return jax.random.wrap_key_data(bits, impl="threefry2x32")


class JaxFunction:
    """A JAX function of arrays as a function of tensors: differentiable, any number of times.

    `function` takes arrays by position and returns a tuple of floating arrays; it is compiled once
    for each shape. `label` names it in messages. Calling it takes tensors and returns a tuple.
    Raises JaxError where JAX cannot trace or differentiate it, and NotImplementedError as it is.
    """

    def __init__(self, function: Callable[..., tuple], label: str):
        self.function, self.label = function, label
        self._pullbacks: dict[tuple[int, ...], JaxFunction] = {}

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        return _Call.apply(self, *tensors)

    @functools.cached_property
    def compiled(self) -> Callable[..., tuple]:
        """The function under jax.jit."""
        return jax_module().jit(self.function)

    def run(self, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """The values, without derivatives."""
        with precision_of(tensors), sentences(self.label):
            found = self.compiled(*map(to_jax, tensors))
            return tuple(to_torch(array, tensors) for array in found)

    def pullback(self, wanted: tuple[int, ...], count: int) -> "JaxFunction":
        """(arguments, cotangents) → the vector-Jacobian product in the `wanted` of the `count`."""
        if wanted not in self._pullbacks:

            def pulled(*given):
                arguments, cotangents = list(given[:count]), given[count:]

                def of_wanted(*some):
                    for place, value in zip(wanted, some, strict=True):
                        arguments[place] = value
                    return self.function(*arguments)

                _, vjp = jax_module().vjp(of_wanted, *(arguments[i] for i in wanted))
                return vjp(tuple(cotangents))

            self._pullbacks[wanted] = JaxFunction(pulled, f"the derivative of {self.label}")
        return self._pullbacks[wanted]


class Mapped:
    """A JAX function of single elements, mapped over the first axis of tensors.

    `function` takes one element of each tensor and returns a tuple. Elements are taken together
    `LARGE` at a time, or `SMALL` where there are few, so that it is compiled for two shapes only;
    one depends on nothing of another. Raises what `JaxFunction` raises.
    """

    def __init__(self, function: Callable[..., tuple], label: str):
        self._whole = JaxFunction(lambda *given: jax_module().vmap(function)(*given), label)

    def __call__(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        count = len(tensors[0])
        size = SMALL if count <= SMALL else LARGE
        parts = [
            self._whole(*(_filled(t[start : start + size], size) for t in tensors))
            for start in range(0, count, size)
        ]
        return tuple(torch.cat(part)[:count] for part in zip(*parts, strict=True))


def _filled(rows: Tensor, size: int) -> Tensor:
    """`size` rows: those that are given, and the last one again and again."""
    lacking = size - len(rows)
    return torch.cat([rows, rows[-1:].expand(lacking, *rows.shape[1:])]) if lacking else rows


class _Call(torch.autograd.Function):
    @staticmethod
    def forward(ctx, function: JaxFunction, *tensors: Tensor):
        ctx.function = function
        ctx.save_for_backward(*tensors)
        return function.run(tensors)

    @staticmethod
    def backward(ctx, *cotangents: Tensor):
        tensors = ctx.saved_tensors
        wanted = tuple(i for i, need in enumerate(ctx.needs_input_grad[1:]) if need)
        found = ctx.function.pullback(wanted, len(tensors))(*tensors, *cotangents)
        by_place = dict(zip(wanted, found, strict=True))
        return None, *(by_place.get(place) for place in range(len(tensors)))


@contextmanager
def sentences(label: str) -> Iterator[None]:
    """Inside, what JAX cannot do is raised as one sentence about `label`."""
    jax = jax_module()
    try:
        yield
    except (jax.errors.TracerBoolConversionError, jax.errors.TracerIntegerConversionError) as why:
        raise JaxError(
            f"{label} branches in Python on a number that JAX traces; use jax.numpy.where or "
            "jax.lax.cond."
        ) from why
    except (jax.errors.TracerArrayConversionError, jax.errors.ConcretizationTypeError) as why:
        raise JaxError(
            f"{label} takes a traced number out of JAX, as numpy and float() do; use jax.numpy."
        ) from why
    except (NotImplementedError, JaxError, Unsupported):
        raise
    except Exception as why:
        raise JaxError(f"{label} raises {type(why).__name__}: {_first_line(why)}") from why


def _first_line(failure: Exception) -> str:
    return (str(failure).strip().splitlines() or ["no message"])[0].rstrip(".")
