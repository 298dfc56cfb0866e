"""The random numbers a computation draws: recorded, and handed out again for one replicate."""

import torch
from torch import Tensor

from benchmarks.machine.dispatch_mode import DispatchMode

CONTINUOUS = ("rand", "normal", "uniform", "exponential", "cauchy", "gamma", "dirichlet")


class RecordedNoise(DispatchMode):
    """Inside, what random operations of torch return is kept in `drawn`, by operation.

    With `known`, the `drawn` of an earlier pass, replicate `kept` gets its numbers of that pass
    again, all others get new ones: along the axis of size `replicates`, where there is one such.
    From the first operation that is not the one of the earlier pass, all numbers are new, and
    `lost` is true.
    """

    def __init__(self, replicates: int, kept: int, known: list[tuple[str, Tensor]] | None = None):
        super().__init__()
        self.replicates, self.kept, self.known = replicates, kept, known
        self.drawn: list[tuple[str, Tensor]] = []
        self.lost = False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if torch.Tag.nondeterministic_seeded not in func.tags or not isinstance(result, Tensor):
            return result
        place = len(self.drawn)
        if self.known is not None and not self.lost:
            name, before = self.known[place] if place < len(self.known) else ("", result)
            self.lost = name != func.name() or before.shape != result.shape
            if not self.lost:
                result.copy_(self._mixed(before, result))
        self.drawn.append((func.name(), result.detach().clone()))
        return result

    def _mixed(self, before: Tensor, new: Tensor) -> Tensor:
        axes = [axis for axis, size in enumerate(new.shape) if size == self.replicates]
        if len(axes) != 1:
            return before
        mixed = new.clone()
        mixed.select(axes[0], self.kept).copy_(before.select(axes[0], self.kept))
        return mixed


def repeated(drawn: list[tuple[str, Tensor]], again: list[tuple[str, Tensor]]) -> str | None:
    """The first operation that gave the same continuous numbers in two passes, or None."""
    for (name, x), (other, y) in zip(drawn, again, strict=False):
        known = name == other and any(kind in name for kind in CONTINUOUS) and "int" not in name
        if known and x.is_floating_point() and torch.equal(x, y) and (x != x.flatten()[:1]).any():
            return name
    return None
