"""A verdict document in, a regression report out: the page, the comment, the numbers.

The document is `benchmarks.regression.schema.Document` as plain values.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import pandas

from reports.figures import export
from reports.figures.matplotlib_files import to_svg
from reports.frames.commit_series import Series
from reports.regression import comment, forest
from reports.regression import page as verdicts
from reports.text.inert import csv
from reports.text.rendering import render, write_whole

FILES = {
    ".json": "verdict.json",
    ".csv": "findings.csv",
    ".md": "comment.md",
    ".html": "index.html",
}


def publish_regression(document: dict, to: str | Path, history: Sequence[Series] = ()) -> Path:
    """Write index.html, comment.md, verdict.json and findings.csv into the folder `to`.

    Where `to` ends in .html, .md, .json or .csv, only that one is written, to that file.
    `index.html` needs no network and no script; `comment.md` stays below 60,000 characters. With a
    `history` (of `reports.frames.commit_series`) the report says where the regressed cells stepped
    before. The same document gives the same bytes. Returns the path of the file, or of index.html.
    Raises ValueError for another ending.
    """
    to = Path(to)
    if to.suffix and to.suffix not in FILES:
        raise ValueError(f"{to} has no known format; name a folder or end in {', '.join(FILES)}.")
    page = verdicts.content(document, history)
    for suffix in [to.suffix] if to.suffix else FILES:
        path = to if to.suffix else to / FILES[suffix]
        write_whole(path, _written(suffix, document, page))
    return to if to.suffix else to / FILES[".html"]


def _written(suffix: str, document: dict, page: dict) -> str:
    """The text of one file."""
    if suffix == ".json":
        return json.dumps(document, indent=1, allow_nan=False) + "\n"
    if suffix == ".csv":
        columns = list(document["cells"][0]) if document["cells"] else ["problem", "estimator"]
        findings = pandas.DataFrame(document["cells"], columns=columns)
        return csv(findings)
    if suffix == ".md":
        return comment.comment(page)
    return render("regression.html.j2", page | {"site": [], "forest": _forest(document)})


def _forest(document: dict) -> str | None:
    """The ratios that moved or could have, with their intervals, as a data URI."""
    rows = forest.shown(document["cells"])
    return export.data(to_svg(forest.forest(rows))) if rows else None
