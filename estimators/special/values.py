"""Of a tensor's numbers: whether they can be looked at, and which repeat themselves."""

import torch
from torch import Tensor
from torch._C._functorch import is_legacy_batchedtensor, maybe_current_level


def is_known(t: Tensor) -> bool:
    """Whether the numbers of `t` are there: not where it is traced, transformed or on `meta`."""
    return (
        not torch.compiler.is_compiling()  # which cannot trace what follows
        and type(t) is Tensor
        and t.device.type != "meta"
        and maybe_current_level() is None
        and not is_legacy_batchedtensor(t)  # of gradients in a batch
    )


def distinct(t: Tensor) -> Tensor:
    """`t` with every axis along which it only repeats itself cut to length one."""
    return t[tuple(slice(1 if stride == 0 else None) for stride in t.stride())]


def repeated(few: Tensor, like: Tensor) -> int | None:
    """How many numbers of `like` have `few` in turn, over its last axes; None where they do not."""
    first = next((axis for axis, size in enumerate(few.shape) if size > 1), few.ndim)
    behind = few.shape[first:]
    return few.numel() if like.shape[like.ndim - len(behind) :] == behind else None
