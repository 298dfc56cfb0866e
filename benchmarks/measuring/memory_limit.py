"""Whether a cell fits into the memory it may take, and if not, the setting with which it would.

What a cell holds at one time is reckoned from its sizes, and for one block measured with a few
replicates. The limit says whether a cell is measured, and never how: its blocks and its bits are
its own, on every machine.
"""

import copy
from dataclasses import dataclass, replace

import torch

from benchmarks.machine.memory import OverLimit, bytes_of, free_memory, in_words, peak_within
from benchmarks.measuring.cell import Cell
from benchmarks.statistics.long_vectors import LONG
from benchmarks.statistics.stopping import Plan
from benchmarks.validation.estimator_checks import check_estimator

SHARE = 0.5  # of what is free, unless a limit is given
ROOM = 1.1  # a cell that is measured at so much more than its limit is within it
PROBE = 2  # replicates whose memory is measured
NUMBER = 8  # bytes, in float64
VECTORS = 32  # of length P, held by the statistics at the end
LONG_ROWS = 65 * 4  # bytes of a parameter in the rows of a table of long vectors
ROWS = 64 * 7 * NUMBER  # the same of short ones, with copies
COPIES = 6  # of a block's gradients, while short ones are added up


@dataclass(frozen=True)
class MemoryLimit:
    """Bytes that a measurement may take beyond what the process holds, and how they were given."""

    bytes: int
    given: bool

    @classmethod
    def of(cls, given: "int | str | MemoryLimit | None", device: torch.device) -> "MemoryLimit":
        """A number of bytes, or text such as "1GB"; None is half of what is free on the device."""
        if isinstance(given, MemoryLimit):
            return given
        if given is None:
            return cls(int(free_memory(device) * SHARE), False)
        return cls(bytes_of(given), True)

    def __str__(self) -> str:
        own = "the memory limit of" if self.given else "half of the memory that is free,"
        return f"{own} {in_words(self.bytes)}"

    def setting(self, needed: float) -> str:
        """The way out, where `needed` bytes would do."""
        size = in_words(needed).replace(" ", "")
        return f"set memory_limit={size!r}, on the command line --memory-limit {size}"


def refusal(cell: Cell, limit: MemoryLimit) -> str | None:
    """Why the estimator of a cell cannot do it, in a sentence, or None; within the limit."""
    drawn, draws = cell.problem.drawn(cell.samples)
    found = []

    def asked():
        found.append(cell.estimator.unsupported(drawn.differentiable_dist(), draws))

    try:
        peak_within(asked, int(limit.bytes * ROOM))
    except OverLimit as over:
        return _too_much(cell, over.bytes, limit)
    reason = found[0]
    if reason and draws < cell.samples:
        reason += f" (This objective makes one value of its {cell.samples} samples.)"
    return reason


def checked(cell: Cell, limit: MemoryLimit) -> str | None:
    """Check an estimator from outside within the limit: why that cannot be done, or None.

    Raises what `check_estimator` raises.
    """
    try:
        peak_within(
            lambda: check_estimator(cell.problem, cell.estimator, cell.samples),
            int(limit.bytes * ROOM),
        )
    except OverLimit as over:
        return (
            f"{cell.estimator} is from outside of this package, and the checks of it would hold "
            f"{in_words(over.bytes)} or more, over {limit}; {limit.setting(over.bytes * 2)}."
        )
    return None


def shortage(cell: Cell, plan: Plan, limit: MemoryLimit) -> tuple[str | None, float]:
    """Why a cell does not fit, in a sentence with the way out, or None; and the bytes it holds."""
    summed = held_by_sums(cell.problem.size, plan)
    room = int(limit.bytes * ROOM - summed.while_adding)
    try:
        block = _block(cell, plan, max(room, 1)) if room > 0 else 0
    except OverLimit as over:
        needed = summed.while_adding + over.bytes
        return _too_much(cell, needed, limit), needed
    needed = max(summed.while_adding + block, summed.at_the_end)
    if needed <= limit.bytes:
        return None, needed
    return (
        f"{cell.estimator} with {_sizes(cell)} would hold about {in_words(needed)} in blocks of "
        f"{plan.block} replicates, over {limit}; {limit.setting(needed * ROOM)}, or use fewer "
        "samples or parameters."
    ), needed


def _too_much(cell: Cell, needed: int, limit: MemoryLimit) -> str:
    return (
        f"A single estimate of {cell.estimator} with {_sizes(cell)} would hold {in_words(needed)} "
        f"or more, over {limit}; {limit.setting(needed * ROOM)}, or use fewer samples or "
        "parameters."
    )


def _sizes(cell: Cell) -> str:
    return f"P = {cell.problem.size:_} parameters and K = {cell.samples}".replace("_", "\u202f")


@dataclass(frozen=True)
class Sums:
    """Bytes of what is added up over the blocks of a cell."""

    while_adding: int
    at_the_end: int


def held_by_sums(parameters: int, plan: Plan) -> Sums:
    """What moments, rows and statistics of P = `parameters` hold, without the gradients."""
    if parameters > LONG:
        rows = min(LONG_ROWS, 4 * (plan.replicates // plan.chunk + 1)) * parameters
        vectors = NUMBER * parameters
        return Sums(rows + 14 * vectors, rows + (6 + VECTORS) * vectors)
    rows = ROWS * parameters
    return Sums(rows + COPIES * NUMBER * plan.block * parameters, rows)


def _block(cell: Cell, plan: Plan, room: int) -> int:
    """Bytes of one block, from those of a few replicates. Raises OverLimit for these alone."""
    few = min(PROBE, plan.block)
    held = _peak(cell, few, room)
    if held / few * plan.block <= room or plan.block <= few:
        return int(held / few * plan.block)
    more = min(4 * few, plan.block)
    try:
        slope = (_peak(cell, more, room) - held) / (more - few)
    except OverLimit as over:
        return int(over.bytes / more * plan.block)
    return int(held + slope * (plan.block - few))


def _peak(cell: Cell, replicates: int, room: int) -> int:
    """Bytes of a block of so many replicates, what is learned after one step of learning."""
    try:
        estimator, cell = copy.deepcopy(cell.estimator), replace(cell, shares=None)
        if cell.learns and estimator.config.get("fit_steps"):
            estimator = replace(estimator, fit_steps=1)
            probed = replace(cell, estimator=estimator)
            return peak_within(lambda: probed.block(0, replicates), room)
        return peak_within(lambda: cell.block(0, replicates, fitted=estimator), room)
    except OverLimit:
        raise
    except Exception:  # whatever it is, it shows with a sentence when the cell is measured
        return 0
