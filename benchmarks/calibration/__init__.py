"""The suite's statistics on cells whose answers are exact: coverage, false alarms, power.

>>> from benchmarks.calibration import calibrate, to_markdown
>>> print(to_markdown(calibrate(quick=True)))
"""

from collections.abc import Callable, Iterator

from benchmarks.calibration import bit_identity, coverage, directions, false_alarms, verdicts
from benchmarks.calibration.table import Line, to_markdown
from benchmarks.machine.timing import one_thread
from benchmarks.objective.definition import unvalidated

__all__ = ["Line", "calibrate", "to_markdown"]


def calibrate(
    quick: bool = False, seed: int = 0, report: Callable[[str], None] | None = None
) -> list[Line]:
    """Every line of the calibration table; minutes if `quick`, else most of an hour.

    `report` is called with a sentence as each part ends. The same seed gives the same table.
    """
    report = report or (lambda sentence: None)
    found = []
    with one_thread(), unvalidated():
        for line in _lines(quick, seed, report):
            report(f"{line.key} {line.what}: {line.figure} (goal {line.goal})")
            found.append(line)
    return sorted(found, key=lambda line: _ORDER.index(line.key))


_ORDER = ("A1", "A2", "A3", "A4", "A5", "F1", "F3", "F4", "P1", "P2", "E1", "E2", "D1", "D2",
          "B1", "S1", "S2", "S3", "H1", "R1", "R2", "R3")  # fmt: skip


def _lines(quick: bool, seed: int, report: Callable[[str], None]) -> Iterator[Line]:
    def seeds(count: int) -> range:
        return range(seed * 10**7, seed * 10**7 + count)

    yield from bit_identity.lines(100_000 if quick else 1_000_000, seed)
    yield coverage.canary(300 if quick else 3_000, seeds)
    yield from coverage.lines(coverage.grid(quick, seeds, report))
    yield from coverage.sequential(60 if quick else 200, quick, seeds)
    yield false_alarms.reordering(100 if quick else 1_000, seeds)
    yield from false_alarms.power(100 if quick else 600, 20 if quick else 200, seeds)
    yield verdicts.rare_events(60 if quick else 2_000, seeds)
    yield from verdicts.equivalence(quick, seeds)
    yield verdicts.scaled(quick, seeds)
    yield from directions.lines(quick, seeds)
