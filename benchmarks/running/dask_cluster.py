"""Cells on dask.distributed: processes of this machine, or a cluster that is already running.

The seed of a block belongs to the block, so that it does not matter who measures what, or in which
order it arrives. Dask schedules, restarts workers and gives cells of dead workers to others.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import dask
from dask.utils import parse_timedelta
from distributed import Client, KilledWorker, LocalCluster, as_completed
from distributed.utils import silence_logging_cmgr

from benchmarks.measuring.measurement import Measurement
from benchmarks.running import dask_worker
from benchmarks.running.job import Job

AHEAD = 1000  # cells that the scheduler knows of; more would only fill memory
DEATHS = 1  # workers that a cell may lose before it is measured alone
PATIENCE = 60  # seconds to find the scheduler
CHECK = 30  # seconds of waiting for a result, after which is looked whether the client is there
ABSENCE = "distributed.scheduler.no-workers-timeout"  # without any worker; then a run ends
LOCAL = {
    "distributed.scheduler.allowed-failures": DEATHS,
    "distributed.scheduler.worker-saturation": 1.0,  # no cell waits on a worker that may die
    "distributed.deploy.lost-worker-timeout": "1h",  # a busy machine restarts workers slowly
}


class Cluster:
    """A crew of `workers` processes of this machine, or of the workers of a `scheduler`.

    A cell that hangs is ended after `limit` seconds. `plugins` are files that every worker runs
    first. Raises ValueError where no scheduler answers, ConnectionError where it goes away or all
    workers do.
    """

    def __init__(
        self,
        workers: int | None = None,
        scheduler: str | None = None,
        limit: float | None = None,
        plugins: tuple[Path, ...] = (),
    ):
        self.width = workers or AHEAD
        self.order = dask_worker.Order(tuple(str(path.resolve()) for path in plugins), limit)
        self.closing, self.over, self.loss = ExitStack(), Event(), "The scheduler is gone."
        self.closing.enter_context(silence_logging_cmgr(logging.CRITICAL))
        if scheduler is None:
            self.closing.enter_context(dask.config.set(LOCAL))
            scheduler = self.closing.enter_context(_local(workers))
        try:
            self.client = Client(scheduler, timeout=PATIENCE, set_as_default=False)
            self.closing.enter_context(self.client)
        except (OSError, TimeoutError, ValueError) as failure:
            self.closing.close()
            raise ValueError(
                f"No scheduler was found at {scheduler} within {PATIENCE} seconds "
                f"({failure}); start `dask scheduler` and `dask worker`, as docs/cluster.md shows."
            ) from failure
        absence = parse_timedelta(dask.config.get(ABSENCE) or "5 minutes")
        Thread(target=self._watch, args=[absence], daemon=True).start()
        self.closing.callback(self.over.set)

    def __enter__(self) -> "Cluster":
        return self

    def __exit__(self, *_) -> None:
        self.closing.close()

    def _watch(self, absence: float) -> None:
        """Close the client, which ends the wait for cells, after `absence` s without workers."""
        seen = monotonic()
        while not self.over.wait(absence / 60):
            try:
                seen = monotonic() if self.client.nthreads() else seen
            except (OSError, RuntimeError):
                return  # no scheduler: dask notices that
            if monotonic() - seen > absence:
                self.loss = f"There has been no worker for {absence:g} seconds."
                return self.client.close()

    def measure(self, jobs: Iterable[Job]) -> Iterator[tuple[Job, Measurement, dict]]:
        """Measure the jobs on all workers, in any order.

        Cells whose workers died are measured once more at the end, each alone, so that none is
        blamed for what another did.
        """
        jobs, suspects = iter(jobs), []
        running = {self._measure(job): job for job in islice(jobs, AHEAD)}
        ended = as_completed(running, loop=self.client.loop)
        for future in ended:
            job = running.pop(future)
            killed = future.status == "error" and isinstance(future.exception(), KilledWorker)
            if killed:
                suspects.append(job)
            else:
                yield job, *self._outcome(job, future)
            for following in islice(jobs, 1):
                running[self._measure(following)] = following
                ended.add(next(reversed(running)))
        for job in suspects:
            yield job, *self._outcome(job, self._measure(job))

    def time(self, job: Job, record: dict) -> tuple[dict, dict]:
        """What timing changes in a cell's record, and where it was timed: on one worker, alone."""
        first = min(self.client.nthreads(), default=None)
        future = self.client.submit(
            dask_worker.time_there, self.order, job, record, pure=False, workers=first,
            allow_other_workers=True,
        )  # fmt: skip
        found, where = self._outcome(job, future, "timed")
        if isinstance(found, Measurement):  # that failed
            found = {"status": found.status, "reason": found.reason}
        return found, where

    def _measure(self, job: Job):
        return self.client.submit(dask_worker.measure_there, self.order, job, pure=False)

    def _outcome(self, job: Job, future, what: str = "measured") -> tuple[Measurement | dict, dict]:
        """What the future brings and where it was made, or the cell as failed.

        ConnectionError if the cluster is gone.
        """
        try:
            return self._result(future)
        except KilledWorker:
            return job.failed(_deaths(what)), {}
        except Exception as failure:
            if future.status != "error":
                raise ConnectionError(self.loss) from failure
            return job.failed(f"The worker failed: {type(failure).__name__}: {failure}"), {}

    def _result(self, future):
        """The result; ConnectionError if the client is closed, which does not always end a wait.

        Where the worker that held a result is gone, it is waited for a new one.
        """
        while True:
            try:
                return future.result(timeout=CHECK)
            except TimeoutError:
                if future.status == "error":  # it is the cell's own
                    raise
                if self.client.status in ("closing", "closed"):
                    raise ConnectionError(self.loss) from None


def _deaths(what: str) -> str:
    return (
        f"Every worker that {what} this cell died, also with nothing else to do; it may need more "
        "memory than a worker has, or crash the interpreter."
    )


def _local(workers: int) -> LocalCluster:
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        processes=True,
        dashboard_address="127.0.0.1:0",
        silence_logs=logging.CRITICAL,
        preload=[dask_worker.__name__],
    )
