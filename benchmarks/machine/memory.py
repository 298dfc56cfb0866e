"""How much memory is free, and what a computation would hold, found before it is taken."""

import math
import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.utils._pytree import tree_map

from benchmarks.machine.memory_groups import left_in_groups
from benchmarks.machine.timing import Storages

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
BINARY = {"KI": 2**10, "MI": 2**20, "GI": 2**30, "TI": 2**40}
NUMBER = 16  # bytes of the largest, a complex one
SMALL = 1 / 64  # of a limit: results that cannot be more are not sized beforehand
UNTAGGED = re.compile(  # operations whose results are as large as what they broadcast, all the same
    "aten::(normal|bernoulli|binomial|poisson|_standard_gamma|_dirichlet_grad|_?(log_)?softmax|"
    "(softplus|log_sigmoid|elu|hardtanh|leaky_relu|mish)_(back|for)ward)"
)
PRODUCTS = {torch.ops.aten.mm, torch.ops.aten.bmm, torch.ops.aten.addmm, torch.ops.aten.baddbmm}
JOINED = {torch.ops.aten.cat, torch.ops.aten.stack}
UNKNOWN = 8 * 10**9  # bytes that are taken to be free where no system says


class OverLimit(MemoryError):
    """A computation that would hold more than its limit; `bytes` is how much, at least."""

    def __init__(self, held: int):
        super().__init__(f"It would hold {in_words(held)}.")
        self.bytes = held


def bytes_of(given: int | str) -> int:
    """A size in bytes: a number of them, or with a unit as in "500MB", "1.5 GB" or "2GiB".

    ValueError for what is no size above zero.
    """
    match = re.fullmatch(r"([0-9.eE+]+)\s*([KMGT]?I?)B?", str(given).strip(), re.IGNORECASE)
    try:
        size = int(float(match[1]) * (UNITS | BINARY)[match[2].upper()])
    except (TypeError, ValueError, KeyError, OverflowError):
        size = 0
    if size < 1:
        raise ValueError(f"{given!r} is no size of memory; write for example 500MB or 2GB.")
    return size


def in_words(size: float) -> str:
    """A size in bytes as people say it, never rounded down: "1.3 GB"."""
    for unit, name in ((10**12, "TB"), (10**9, "GB"), (10**6, "MB")):
        if size >= unit:
            return f"{-(-size * 100 // unit) / 100:.3g} {name}"
    return f"{-(-size // 1000):.0f} kB"


def free_memory(device: torch.device | str = "cpu") -> int:
    """Bytes that a process may still take on a device: of the system, its groups, or the GPU."""
    device = torch.device(device)
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    return min(_available(), left_in_groups())


def _available() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return UNKNOWN
    return next((int(line.split()[1]) * 1024 for line in lines if "MemAvail" in line), UNKNOWN)


def peak_within(computation: Callable[[], object], limit: int) -> int:
    """Peak bytes of the tensors that a computation holds at one time.

    Raises OverLimit before an operation whose result would make them more than `limit`: sizes are
    found on the meta device first, where that is possible. It is raised also where the computation
    catches it.
    """
    with Guard(limit) as guard:
        computation()
    if guard.over:
        raise guard.over
    return guard.peak


class Guard(Storages):
    """Stops a computation before its tensors, those that it makes, hold more than `limit` bytes."""

    def __init__(self, limit: int):
        super().__init__()
        self.limit = limit
        self.over: OverLimit | None = None  # that was raised, whoever caught it

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if _most(func, args) * NUMBER > self.limit * SMALL:
            held = self.now + _size_of_result(func, args, kwargs or {})
            self._check(held)
        out = super().__torch_dispatch__(func, types, args, kwargs)
        self._check(self.now)
        return out

    def _check(self, held: int) -> None:
        if held > self.limit:
            self.over = OverLimit(held)
            raise self.over


def _most(func: Callable, args: tuple) -> int:
    """No fewer numbers than the result of an operation has.

    Meta kernels of matrix products and of what is joined load torch's compiler, seconds the first
    time, so that they and what works elementwise are reckoned here.
    """
    place, elementwise = _read(func)
    if place is not None and place < len(args) and isinstance(args[place], list | tuple):
        return math.prod(args[place])
    tensors = [part for part in args if isinstance(part, Tensor)]
    if tensors and elementwise:
        shapes = {x.shape for x in tensors}
        return math.prod(shapes.pop() if len(shapes) == 1 else np.broadcast_shapes(*shapes))
    if func._overloadpacket in PRODUCTS:
        *_, a, b = tensors
        return a.numel() // max(a.size(-1), 1) * b.size(-1)
    if func._overloadpacket in JOINED:
        return sum(x.numel() for x in args[0])
    return _product(args)


@cache
def _read(func: Callable) -> tuple[int | None, bool]:
    """Which argument of an operation is the size of its result; whether it works elementwise."""
    sizes = [k for k, argument in enumerate(func._schema.arguments) if argument.name == "size"]
    elementwise = torch.Tag.pointwise in func.tags or UNTAGGED.match(func.name()) is not None
    return (sizes[0] if sizes else None), elementwise


def _product(args: Iterable) -> int:
    """That of all numbers and sizes that an operation is given."""
    found = 1
    for part in args:
        if isinstance(part, Tensor):
            found *= max(part.numel(), 1)
        elif isinstance(part, list | tuple):
            found *= _product(part)
        elif isinstance(part, int):
            found *= max(abs(part), 1)
    return found


def _size_of_result(func: Callable, args: tuple, kwargs: dict) -> int:
    """Bytes of new storage in the result of an operation; 0 where nothing says beforehand."""
    known = set()

    def twin(part):
        if not isinstance(part, Tensor):
            return torch.device("meta") if isinstance(part, torch.device) else part
        found = torch.empty_strided(part.size(), part.stride(), dtype=part.dtype, device="meta")
        known.add(found.untyped_storage()._cdata)
        return found

    try:
        held = [tree_map(twin, part) for part in (args, kwargs)]
        out = func(*held[0], **held[1])
    except Exception:  # it depends on values, or has no such form
        return 0
    parts = out if isinstance(out, tuple | list) else (out,)
    new = {p.untyped_storage()._cdata: p.untyped_storage().nbytes() for p in parts
           if isinstance(p, Tensor) and p.device.type == "meta"}  # fmt: skip
    return sum(size for key, size in new.items() if key not in known)
