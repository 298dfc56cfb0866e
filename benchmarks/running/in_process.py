"""One cell after the other: in this process, or in a child that may be killed."""

from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from benchmarks.machine.environment import context
from benchmarks.measuring.measurement import Measurement
from benchmarks.running.child_process import Child, measure_in, time_in
from benchmarks.running.job import Job


class Alone:
    """A crew of one.

    With `limit`, in seconds, cells are measured in a child process that is killed when one takes
    longer; `plugins` are the files that it runs first. Then neither a cell that hangs nor one that
    crashes the interpreter stops the run.
    """

    width = 1

    def __init__(self, limit: float | None = None, plugins: tuple[Path, ...] = ()):
        self.child = Child(plugins, limit) if limit else None

    def __enter__(self) -> "Alone":
        return self

    def __exit__(self, *_) -> None:
        if self.child:
            self.child.kill()

    @cached_property
    def where(self) -> dict:
        """The context of every record."""
        return context()

    def measure(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Measurement, dict]]:
        """Measure and time the jobs in their order."""
        for job in jobs:
            yield job, measure_in(self.child, job), self.where

    def time(self, job: Job, record: dict) -> tuple[dict, dict]:
        """What timing changes in a cell's record, and where it was timed."""
        return time_in(self.child, job, record), self.where
