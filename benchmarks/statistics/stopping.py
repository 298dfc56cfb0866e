"""How many replicates: block sizes for a cell, and when a sequential run may stop."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.statistics.long_vectors import LONG

CACHE_NUMBERS = 2**19  # numbers in a block's samples: few calls of torch, near the cache
LARGE_SAMPLES = 2**25  # numbers in a block's samples from which its size goes by memory
LARGE_GRADIENTS = 2**23  # numbers in a block's gradients from which it does
LARGE_SCORES = 2**26  # the same with a gradient for each of the K samples
LARGE_BLOCK = 2**22  # numbers in a block of such a cell: 32 MiB in float64
FEWEST = 100  # replicates below which no interval is given
LOOK_GROWTH = 1.2
STABLE = 0.2  # relative change of κ − 1 over three looks


@dataclass(frozen=True)
class Plan:
    """The blocks of a cell: fixed by the cell alone, so the same whoever works on them.

    `replicates` are drawn `block` at a time, and `chunk` make a row of the table of moments. What
    memory there is changes nothing: it says whether a cell is measured, never in which blocks, for
    each of them has its own random numbers, and the bits of a cell must not be those of a machine.
    """

    replicates: int
    block: int  # replicates drawn at a time
    chunk: int  # replicates in a row of the table of moments

    @classmethod
    def of(
        cls,
        replicates: int,
        numbers: int,
        start: int | None = None,
        parameters: int = 1,
        samples: int = 1,
        fewest: int = FEWEST,
    ) -> "Plan":
        """For `replicates` with `numbers` random numbers each; `start` of a sequential run.

        Blocks in whose gradients of P = `parameters`, K = `samples` or samples there would be too
        many numbers hold as many as fit into `LARGE_BLOCK`, one at least.
        ValueError for less than `fewest`.
        """
        if replicates < fewest:
            raise ValueError(
                f"replicates={replicates} is too few for an interval; use at least {fewest}, "
                "and 10 000 for numbers to be published."
            )
        chunk = _power_of_two((start or replicates) // 32)
        fits = _power_of_two(max(CACHE_NUMBERS // numbers, 32))
        most = 64 * chunk if start is None else 8 * chunk  # a run can stop only between blocks
        block = min(fits, most)
        if (
            block * numbers > LARGE_SAMPLES
            or block * parameters > LARGE_GRADIENTS
            or block * parameters * samples > LARGE_SCORES
        ):
            block = min(block, _power_of_two(LARGE_BLOCK // max(numbers, parameters * samples)))
        return cls(replicates, block, chunk if parameters > LONG else min(chunk, block))

    def sizes(self) -> Iterator[int]:
        """The number of replicates in each block."""
        full, rest = divmod(self.replicates, self.block)
        yield from [self.block] * full
        if rest:
            yield rest


def first_look(cap: int) -> int:
    """The replicates at which a sequential run may stop first: 10 000, fewer for a quick look."""
    return 10_000 if cap > 10_000 else max(min(1_000, cap), FEWEST)


class StoppingRule:
    """Stop when the interval is short enough and κ has settled over three looks.

    - `precision`: the relative half-width of the variance's interval at which to stop, between 0
      and 1.
    - `cap`: the most replicates.

    Looks are at sizes growing by 1.2: stopping at the first short interval would favour runs that
    have missed the tail. ValueError for another precision.
    """

    def __init__(self, precision: float, cap: int):
        if not 0 < precision < 1:
            raise ValueError(f"precision must lie between 0 and 1, not {precision}; 0.05 is 5 %.")
        self.precision = precision
        self.next_look = first_look(cap)
        self.kappas: list[float] = []

    def due(self, n: int) -> bool:
        """Whether it is time to look, with n replicates in."""
        return n >= self.next_look

    def satisfied(self, n: int, half_width: float, kappa: float) -> bool:
        """Record a look at `n` replicates; True if this is the time to stop.

        `half_width` is the relative one of the variance's interval, `kappa` its κ.
        """
        self.next_look = int(n * LOOK_GROWTH) + 1
        self.kappas = [*self.kappas[-2:], max(kappa - 1, 1e-3)]
        settled = len(self.kappas) == 3 and max(self.kappas) <= (1 + STABLE) * min(self.kappas)
        return settled and half_width <= self.precision


def _power_of_two(n: int) -> int:
    return 1 << max(int(n).bit_length() - 1, 0)
