"""Measurements kept in a store as a run keeps them, and found there again."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from benchmarks.machine.environment import context
from benchmarks.measuring.measurement import Measurement
from benchmarks.measuring.task import Task
from benchmarks.statistics.random_projections import sketch
from benchmarks.store.store import COLUMNS, Store, identity

SPENT = "race_seconds"  # of a record's context: how long the race had lasted


class Records:
    """The measurements of a store `folder`, by what makes two comparable."""

    def __init__(self, folder: str | Path):
        self.store = Store(folder)
        self.known = self.store.latest() if self.store.path.exists() else {}

    @cached_property
    def where(self) -> dict:
        """The context of every record."""
        return context()

    def find(self, task: Task) -> Measurement | None:
        """The last measurement of a cell, unless it failed or was not timed."""
        record = self.known.get(identity(task.facts))
        if record is None or record["status"] == "error":
            return None
        if record["status"] == "ok" and record["seconds"] is None:
            return None
        known = {name: record[name] for name in COLUMNS if record[name] is not None}
        found = Measurement(**known)
        if found.per_block is not None:
            found = replace(found, blocks=self.store.arrays(found.per_block))
        return found

    def spent(self, task: Task) -> float:
        """The seconds that a race had lasted when the cell was measured; 0 in no race."""
        where = self.known[identity(task.facts)]["context"] or {}
        return where.get(SPENT, 0.0)

    def keep(self, found: Measurement, unbiased: bool, spent: float | None = None) -> None:
        """Append a measurement; `unbiased` says whether the estimator claims to be."""
        where = {**self.where, "isolated": True} | ({} if spent is None else {SPENT: spent})
        record = {**with_files(found, self.store, unbiased).record, "context": where}
        self.store.append(record)
        self.known[identity(record)] = record


def with_files(
    found: Measurement, store: Store, unbiased: bool, per_parameter: bool = False
) -> Measurement:
    """The measurement with its arrays in files beside the store.

    `unbiased` says whether the estimator claims to be; `per_parameter` asks for a file with each
    parameter's numbers.
    """
    if per_parameter and found.parameters is not None:
        file = store.beside(found.record, found.parameters)
        found = replace(found, per_parameter=file)
    if found.blocks is not None:
        file = store.beside(found.record, _summaries(found, unbiased), "blocks")
        found = replace(found, per_block=file, blocks=None)
    return found


def _summaries(found: Measurement, unbiased: bool) -> Mapping:
    """What a later comparison needs of the blocks, and of the truth, in sketched coordinates."""
    wide = {"mean": found.blocks["mean"]}
    known = found.parameters or {}
    wide |= {name: known[name] for name in ("truth", "truth_error") if name in known}
    claims = {"claims_unbiased": np.array(unbiased)}
    return found.blocks | {name: sketch(value) for name, value in wide.items()} | claims
