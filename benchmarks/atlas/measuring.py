"""Measuring the atlas into a store: what the store has is left out, so that it can be resumed."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from benchmarks.atlas.selection import SAMPLES, Row
from benchmarks.machine.allocator import keep_freed_memory
from benchmarks.machine.environment import context
from benchmarks.measuring.prepare import Prepared, prepare
from benchmarks.measuring.task import Task
from benchmarks.objective.definition import ProblemError
from benchmarks.running.suite import finished
from benchmarks.store.store import Store, identity


def measured(
    rows: Iterable[Row], store: Store, starting: Callable[[str], None] = lambda cell: None
) -> Iterator[str]:
    """Measure every cell that the store has not, append it, and yield its status.

    Nothing is timed: the atlas compares variance at equal numbers of cost evaluations, which is
    the same on every machine. A cell that the store has already yields "known".
    """
    keep_freed_memory()
    known, where = finished(store), {**context(), "isolated": False}
    for row in rows:
        starting(row.name)
        try:
            prepared = prepare(row.build(), store.truths)
        except ProblemError as mistake:
            raise ValueError(f"{row.name} cannot be measured: {mistake}") from mistake
        for name in row.chosen(prepared.problem):
            starting(f"{row.name} · {name}")
            yield _cell(prepared, name, row.replicates, store, known, where)


def _cell(
    prepared: Prepared, name: str, replicates: int, store: Store, known: dict, where: dict
) -> str:
    task = Task.of(prepared, name, samples=SAMPLES, replicates=replicates)
    key = identity(task.facts)
    if key in known:
        return "known"
    found = replace(task.measured(timed=False), blocks=None)
    store.append({**found.record, "context": where})
    known[key] = found.status
    return found.status
