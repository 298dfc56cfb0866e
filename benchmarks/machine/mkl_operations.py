"""MKL's random numbers as operations of torch, which a compiler leaves as they are."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from benchmarks.machine import mkl_numbers

OPS = torch.ops.gradmeter
_TAGS = torch.Tag.pt2_compliant_tag, torch.Tag.nondeterministic_seeded
_LIBRARY = torch.library.Library("gradmeter", "DEF")


def new_key() -> Tensor:
    """The key of a stream, drawn from torch's."""
    return torch.randint(2**63 - 1, (2,))


def _in_shape(key: Tensor, shape: list[int], dtype: torch.dtype) -> Tensor:
    return key.new_empty(shape, dtype=dtype)


def _in_rows(dtype: torch.dtype, key: Tensor, few: Tensor, *rest: Tensor | int) -> Tensor:
    return key.new_empty(len(few), rest[-1], dtype=dtype)


def _define(name: str, arguments: str, empty: Callable, known: slice) -> None:
    """An operation `name` that fills the tensor `empty(key, *arguments)`.

    Those of the arguments in the slice `known` are given to the function that fills it.
    """
    fill = getattr(mkl_numbers, name)
    _LIBRARY.define(f"{name}(Tensor key, {arguments}) -> Tensor", tags=_TAGS)
    _LIBRARY.impl(name, lambda key, *given: fill(key, *given[known], empty(key, *given)), "CPU")
    _LIBRARY.impl(name, empty, "Meta")


for _name in ("normals", "uniforms"):
    _define(_name, "SymInt[] shape, ScalarType dtype", _in_shape, slice(0))
for _name, _parameters, _dtype in (
    ("gammas", "Tensor concentration", torch.float64),
    ("poissons", "Tensor rate", torch.int32),
    ("binomials", "Tensor probs, Tensor trials", torch.int32),
):
    _define(_name, f"{_parameters}, int each", partial(_in_rows, _dtype), slice(-1))
