"""What is being measured and the time left, on stderr."""

import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from benchmarks.store.inert_text import one_line

PLAIN_SECONDS = 10  # between lines where there is no terminal


class Progress:
    """The cell in hand and the time left: a bar on a terminal, elsewhere a line now and then."""

    def __init__(self, total: int):
        self.total, self.done, self.failed = total, 0, 0
        self.started = self.spoken = time.monotonic()
        self.cell = ""
        console = Console(file=sys.stderr)
        self.bar = None
        if console.is_terminal:
            columns = (
                BarColumn(),
                MofNCompleteColumn(),
                TimeRemainingColumn(),
                TextColumn("{task.description}", markup=False),
            )
            self.bar = Bar(*columns, console=console, transient=True)
            self.task = self.bar.add_task("", total=total)

    def __enter__(self) -> "Progress":
        if self.bar:
            self.bar.start()
        return self

    def __exit__(self, *_) -> None:
        if self.bar:
            self.bar.stop()

    def starting(self, cell: str) -> None:
        """Show the cell in hand."""
        self.cell = one_line(cell)
        if self.bar:
            self.bar.update(self.task, description=self.cell)

    def finished(self, status: str) -> None:
        """Count a finished cell."""
        self.done += 1
        self.failed += status == "error"
        if self.bar:
            self.bar.update(self.task, completed=self.done)
        elif time.monotonic() - self.spoken > PLAIN_SECONDS:
            self.spoken = time.monotonic()
            left = (self.spoken - self.started) / self.done * (self.total - self.done)
            print(f"{self.done}/{self.total}, {left:.0f} s left: {self.cell}", file=sys.stderr)
