"""A process of its own for cells that may hang or crash: it dies, the run goes on."""

import os
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.measuring.measurement import Measurement
from benchmarks.running.job import Job, measure, time

GRACE = 2.0  # seconds after the alarm in which a child that ignores it may still answer


class ChildDied(RuntimeError):
    """The child ended before it had answered; the message says why."""


class Child:
    """Calls functions in a child process, one at a time, each for at most `limit` seconds.

    The kernel's alarm ends a child that takes longer, whatever it hangs in, also when its parent
    is gone; the parent kills one that does not heed it. The next call starts a new one, which
    first runs the files `plugins`.
    """

    def __init__(self, plugins: tuple[Path, ...], limit: float):
        self.plugins, self.limit = plugins, limit
        self.process: subprocess.Popen | None = None
        self.line: Connection | None = None

    def call(self, function: Callable, *arguments):
        """What `function` returns in the child. Raises ChildDied, with the reason."""
        if self.process is None:
            self._start()
        try:
            self.line.send((self.limit, function, arguments))
            if not self.line.poll(self.limit + GRACE):
                self.kill()
                raise ChildDied(_too_long(self.limit))
            return self._answer()
        except (EOFError, ConnectionError):
            raise self._death() from None

    def kill(self) -> None:
        """End the child, if there is one."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.line.close()
            self.process = None

    def _start(self) -> None:
        self.line, theirs = Pipe()
        # -P: a folder `benchmarks` where the user stands must not be taken for this package
        command = [sys.executable, "-P", "-m", __name__, str(theirs.fileno()), *self.plugins]
        self.process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        theirs.close()
        try:
            self.line.recv()  # it has read all problems and plugins: the clock may run
        except EOFError:
            raise self._death() from None
        _give_up_after(self.limit + GRACE, self.line)

    def _answer(self):
        """What stands in the line; EOFError where that is no answer, as a cell wrote there."""
        try:
            return self.line.recv()
        except Exception as nonsense:  # its length, its end or its pickle
            raise EOFError from nonsense

    def _death(self) -> ChildDied:
        """End the child, and say why it had to be ended, or was."""
        try:
            reason = _cause_of_death(self.process.wait(GRACE), self.limit)
        except subprocess.TimeoutExpired:
            reason = "The process that measured the cell answered with what is no measurement."
        self.kill()
        return ChildDied(reason)


def _give_up_after(seconds: float, line: Connection) -> None:
    """Let what reads from `line` fail when nothing more has come for so long."""
    with socket.socket(fileno=os.dup(line.fileno())) as end:
        whole, rest = divmod(int(seconds * 10**6), 10**6)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", whole, rest))


def measure_in(child: Child | None, job: Job) -> Measurement:
    """Measure a cell in the child, if there is one; its death is the cell's error."""
    if child is None:
        return measure(job)
    try:
        return child.call(measure, job)
    except ChildDied as death:
        return job.failed(str(death))


def time_in(child: Child | None, job: Job, record: dict) -> dict:
    """Time a cell in the child, if there is one: the changes to its record."""
    if child is None:
        return time(job, record)
    try:
        return child.call(time, job, record)
    except ChildDied as death:
        return {"status": "error", "reason": str(death)}


def _cause_of_death(status: int, limit: float) -> str:
    if status == -signal.SIGALRM:
        return _too_long(limit)
    if status < 0:
        name = signal.Signals(-status).name
        memory = ", perhaps for want of memory" if status == -signal.SIGKILL else ""
        return f"The process that measured the cell was ended by {name}{memory}."
    return f"The process that measured the cell ended with exit status {status}."


def _too_long(limit: float) -> str:
    return f"The cell took longer than {limit:g} seconds; raise --cell-timeout."


def _serve(line: Connection) -> None:
    """Answer calls until the parent is gone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # ctrl-C is the parent's business
    line.send("ready")
    while True:
        try:
            limit, function, arguments = line.recv()
        except EOFError:
            return
        signal.setitimer(signal.ITIMER_REAL, limit)
        answer = function(*arguments)
        signal.setitimer(signal.ITIMER_REAL, 0)
        line.send(answer)


if __name__ == "__main__":
    from benchmarks import problems
    from benchmarks.objective.loading import installed_plugins, read_file

    problems.names()  # reads them all, before the clock runs
    installed_plugins()
    for plugin in sys.argv[2:]:
        read_file(Path(plugin))
    _serve(Connection(int(sys.argv[1])))
