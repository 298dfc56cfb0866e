"""Who measures the cells of a run: this process, a child with a time limit, or a cluster.

Each is a crew, a context manager: `measure(jobs)` yields (job, measurement, context) as cells end,
in any order; `time(job, record)` times one cell with nothing else at work; `width` is how many
cells are measured at once.
"""

from pathlib import Path


def crew_of(
    workers: int | None = None,
    scheduler: str | None = None,
    limit: float | None = None,
    plugins: tuple[Path, ...] = (),
):
    """The crew that the command line asks for; it may work in other folders than this one.

    Raises ValueError where dask is not installed and where no scheduler answers.
    """
    plugins = tuple(path.resolve() for path in plugins)
    if workers is None and scheduler is None:
        from benchmarks.running.in_process import Alone

        return Alone(limit, plugins)
    try:
        from benchmarks.running.dask_cluster import Cluster
    except ModuleNotFoundError as missing:
        raise ValueError(
            f"--workers and --scheduler need {missing.name}, which is not installed: "
            "pip install 'gradmeter[distributed]'"
        ) from missing
    return Cluster(workers, scheduler, limit, plugins)
