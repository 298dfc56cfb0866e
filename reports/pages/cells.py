"""Every measured cell as a file of data beside the index, for its search; it needs no network."""

import json
from collections.abc import Mapping

import pandas

from benchmarks.store.inert_text import one_line
from reports.frames import text_tables
from reports.text import numbers

TITLES = ("problem", "estimator", "K", "variance", "× quietest", "bias", "time", "variance × s")


def script(ranked: pandas.DataFrame, problems: Mapping[str, str]) -> str:
    """A script that hands the rows of a ranking, as texts, to `gradmeterCells` of find.js.

    `problems` are the addresses of the problems' pages.
    """
    data = {"titles": TITLES, "pages": dict(problems), "rows": []}
    for row in text_tables.rows_of(ranked):
        ends = (
            [row[name], row[f"{name}_low"], row[f"{name}_high"]]
            for name in ("variance", "seconds", "work_variance")
        )
        variance, seconds, work = ends
        data["rows"].append(
            [
                one_line(row["problem"]),
                one_line(f"○ {row['label']}" if row["biased"] else row["label"]),
                str(row["samples"]),
                numbers.interval(*variance),
                numbers.factor(row["relative"]),
                one_line(text_tables.verdict(row)),
                numbers.seconds(*seconds),
                numbers.interval(*work),
            ]
        )
    return f"gradmeterCells({json.dumps(data, separators=(',', ':'))});\n"
