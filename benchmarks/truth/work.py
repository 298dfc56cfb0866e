"""How much work a computation is, counted and not timed, so that it is the same every time."""

from collections.abc import Callable

import torch
from torch.utils.flop_counter import flop_registry

from benchmarks.machine.dispatch_mode import DispatchMode

CALL = 2_000  # numbers written in the time that one call of an operator takes by itself
FLOPS = 8  # of a matrix product, in the time of one number written


def counted(computation: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, float]:
    """What a computation returns, and its work: about the numbers that its operators write."""
    with _Count() as count:
        found = computation()
    return found, count.numbers


class _Count(DispatchMode):
    def __init__(self):
        super().__init__()
        self.numbers = 0.0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        self.numbers += CALL
        for part in out if isinstance(out, list | tuple) else (out,):
            self.numbers += part.numel() if isinstance(part, torch.Tensor) else 0
        if func._overloadpacket in flop_registry:
            self.numbers += (
                flop_registry[func._overloadpacket](*args, **kwargs, out_val=out) / FLOPS
            )
        return out
