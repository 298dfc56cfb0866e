"""Planted records over several commits."""

import numpy
import pandas
from planted_records import CONTEXT, suite

from reports.frames.load import complete

COMMITS = [f"{number:040x}" for number in range(1, 7)]


def at(row: dict, number: int, **context) -> dict:
    """A record as it would have been measured at one commit."""
    time = f"2026-11-{10 + number:02d}T03:00:00+00:00"
    return row | {"context": CONTEXT | {"commit": COMMITS[number], "time": time} | context}


def stored(records: list[dict]) -> pandas.DataFrame:
    """The records as `load(latest=False)` would return them."""
    return complete(pandas.DataFrame([{**row["context"], **row} for row in records]))


def stepped(problems: dict[str, float], samples=(1, 4)) -> pandas.DataFrame:
    """A suite over four commits; reinforce-loo got noisier at the third."""
    rows = []
    for number in range(4):
        for row in suite(problems, samples):
            if row["estimator"] == "reinforce-loo" and row["status"] == "ok" and number >= 2:
                row = scaled(row, 1.2)
            rows.append(at(row, number))
    return stored(rows)


def scaled(row: dict, factor: float, noise: float = 0.0, seed: int = 0) -> dict:
    """A record whose variance is a multiple; noise is that of the blocks of the other side."""
    names = ("variance", "variance_low", "variance_high")
    blocks = numpy.array(row["variance_jackknife"])
    blocks = blocks * factor * numpy.random.default_rng(seed).normal(1, noise, len(blocks))
    return row | {name: row[name] * factor for name in names} | {"variance_jackknife": list(blocks)}
