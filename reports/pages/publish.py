"""A frame in, a folder out: the pages, the index also as Markdown, and its tables as CSV."""

from collections.abc import Iterable
from pathlib import Path

import pandas

from benchmarks.store.store import IDENTITY
from reports.exports import latex
from reports.figures import export
from reports.frames import commit_series, rankings
from reports.frames.load import complete
from reports.frames.rankings import headline, prepare, ranking
from reports.pages import site, trajectories
from reports.pages.index import content
from reports.text.inert import csv
from reports.text.rendering import check_format, render, write_as, write_whole

FOR_PAPERS = (*export.FORMATS, "tex")


def publish(
    frame: pandas.DataFrame, folder: str | Path = "report", formats: Iterable[str] = ()
) -> Path:
    """Write index.html, report.md, rankings.csv, biases.csv, refusals.csv and errors.csv.

    - `frame`: as `reports.load` returns it.
    - `folder`: where to; it is made.
    - `formats`: what else: figures/ in "pdf", "svg" and "png", and tables/ in "tex".

    Beside the index stand matrix.html and a page for every problem and estimator; trends.html,
    where the frame (loaded with `latest=False`) holds several commits, and trajectories.html, where
    it holds several steps of a training. Every page is one file that needs no network and no
    script. The same frame gives the same bytes.
    Returns the path of index.html. Raises ValueError for a frame without rows.
    """
    if frame.empty:
        raise ValueError("There is no record to report; `gradmeter run` measures some.")
    folder = Path(folder)
    found = _series(frame)
    frame = prepare(latest(frame))
    ranked = ranking(frame)
    names = site.addresses(frame["problem"].unique())
    for name, table in _sheets(frame, ranked).items():
        write_whole(folder / f"{name}.csv", csv(table))
    for_papers(ranked, names, folder, formats)
    page = content(
        frame,
        export.on_page(ranked),
        {name: f"problems/{to}.html" for name, to in names.items()},
        {
            label: f"estimators/{to}.html"
            for label, to in site.addresses(sorted(frame["label"].unique())).items()
        },
    )
    around = site.Site(frame, ranked, headline(ranked), page, found, trajectories.along(ranked))
    for one in site.pages(around):
        write_whole(folder / one.path, render(one.template, one.data))
    write_whole(folder / "report.md", render("report.md.j2", page))
    page |= {"site": around.menu("Overview")}
    return write_whole(folder / "index.html", render("report.html.j2", page))


def for_papers(
    ranked: pandas.DataFrame, names: dict[str, str], folder: Path, formats: Iterable[str]
) -> None:
    """Write the figures and tables that a paper reads; ValueError for an unknown format."""
    formats = list(formats)
    if unknown := set(formats) - set(FOR_PAPERS):
        known = ", ".join(FOR_PAPERS)
        raise ValueError(f"Figures come in no format {', '.join(sorted(unknown))}; take {known}.")
    drawn = [name for name in formats if name in export.FORMATS]
    if drawn:
        export.export(ranked, names, folder / "figures", drawn)
    if "tex" in formats:
        for problem, table in latex.tables(ranked).items():
            write_whole(folder / "tables" / f"{names[problem]}.tex", table)


def _page(frame: pandas.DataFrame) -> str:
    frame = prepare(frame)
    page = content(frame, export.on_page(ranking(frame)), {}, {}) | {"site": []}
    return render("report.html.j2", page)


def _csv(frame: pandas.DataFrame) -> str:
    return csv(frame.drop(columns="variance_jackknife"))


FORMATS = {".html": _page, ".csv": _csv, ".parquet": pandas.DataFrame.to_parquet}


def write(frame: pandas.DataFrame, path: str | Path) -> Path:
    """Write one file: the page for .html, all columns for .csv and .parquet. Returns the path."""
    check_format(Path(path), tuple(FORMATS))
    return write_as(Path(path), complete(frame), FORMATS)


def _sheets(frame: pandas.DataFrame, ranked: pandas.DataFrame) -> dict[str, pandas.DataFrame]:
    bulky = ["variance_jackknife", "status", "reason"]
    return {
        "ranking": ranked.drop(columns=bulky),
        "biases": rankings.biases(frame).drop(columns=bulky),
        "refusals": rankings.refusals(frame),
        "errors": rankings.errors(frame),
    }


def latest(frame: pandas.DataFrame) -> pandas.DataFrame:
    """Of several records with one identity the last."""
    if "eligible" in frame:
        return frame
    return complete(frame).drop_duplicates(list(IDENTITY), keep="last", ignore_index=True)


def _series(frame: pandas.DataFrame) -> list[commit_series.Series]:
    """The series of a frame with several commits; none for one commit."""
    if "commit" not in frame or frame["commit"].nunique() < 2:
        return []
    return commit_series.series(frame)
