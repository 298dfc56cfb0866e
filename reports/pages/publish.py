"""A frame in, a folder out: the pages, the index also as Markdown, and its tables as CSV."""

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pandas

from benchmarks.store.store import IDENTITY
from reports.exports import latex
from reports.figures import export
from reports.frames import commit_series, rankings
from reports.frames.collecting import uncollected
from reports.frames.light import light
from reports.frames.load import complete
from reports.frames.rankings import prepare, ranking
from reports.pages import cells, site, trajectories
from reports.pages.built import Built, File, row_marks
from reports.pages.index import Sections, content, subtitle, whole_page
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
    it holds several steps of a training. Every page is one file that needs no network and can be
    read without a script. With more than eight problems the index keeps the overview, and
    cells.js beside it has every measured cell for its search. The same frame gives the same bytes,
    and a file that would not change is not written again.
    Returns the path of index.html. Raises ValueError for a frame without rows.
    """
    if frame.empty:
        raise ValueError("There is no record to report; `gradmeter run` measures some.")
    folder = Path(folder)
    series = _series(frame)
    frame = prepare(latest(frame))
    ranked = ranking(frame)
    stages = trajectories.along(ranked)
    names = site.addresses(frame["problem"].unique())
    for_papers(ranked, names, folder, formats)
    problems = {name: f"problems/{to}.html" for name, to in names.items()}
    shown, places = light(frame), light(ranked)
    sections = Sections(shown, places, problems)
    around = site.Site(shown, places, sections, subtitle(frame), series, stages)
    with uncollected():  # pages are made of texts; figures for papers have cycles
        _write_files(around, frame, ranked, folder)
    return folder / "index.html"


def _write_files(
    around: site.Site, frame: pandas.DataFrame, ranked: pandas.DataFrame, folder: Path
) -> None:
    """Every page and table of the site that is not there as it would be written."""
    built, sections = Built(folder), around.sections

    def made(page: site.Page) -> str:
        return render(page.template, page.data())

    labels = site.addresses(sections.labels)
    estimators = {label: f"estimators/{to}.html" for label, to in labels.items()}
    everything = [row_marks(frame), row_marks(ranked)]

    def page(section) -> dict:
        return content(frame, ranked, section, sections, estimators)

    def index() -> str:
        section = sections.whole if sections.few else sections.summary
        return render("report.html.j2", page(section) | {"site": around.menu("Overview")})

    def text() -> str:
        return render("report.md.j2", page(lambda n: sections.summary(n) | sections.tables(n)))

    made_of = (around.around, [marks.to_numpy().tobytes() for marks in everything])
    files = [File("index.html", made_of, index), File("report.md", made_of, text)]
    if not sections.few:
        script = partial(cells.script, around.ranked, sections.problems)
        files.append(File("cells.js", made_of, script))
    made_of = (made_of, [*frame.columns])
    for name, table in _sheets(frame, ranked).items():
        files.append(File(f"{name}.csv", made_of, lambda table=table: csv(table())))
    # The longest works stand first, so that no process is left with one of them at the end.
    files += [File(one.path, one.made_of, partial(made, one)) for one in site.pages(around)]
    built.write(files)
    built.keep()


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
    return render("report.html.j2", whole_page(prepare(frame)) | {"site": []})


def _csv(frame: pandas.DataFrame) -> str:
    return csv(frame.drop(columns="variance_jackknife"))


FORMATS = {".html": _page, ".csv": _csv, ".parquet": pandas.DataFrame.to_parquet}


def write(frame: pandas.DataFrame, path: str | Path) -> Path:
    """Write one file: the page for .html, all columns for .csv and .parquet. Returns the path."""
    check_format(Path(path), tuple(FORMATS))
    return write_as(Path(path), complete(frame), FORMATS)


def _sheets(
    frame: pandas.DataFrame, ranked: pandas.DataFrame
) -> dict[str, Callable[[], pandas.DataFrame]]:
    """What makes each of the tables that are written as CSV."""
    bulky = ["variance_jackknife", "status", "reason"]
    return {
        "ranking": lambda: ranked.drop(columns=bulky),
        "biases": lambda: rankings.biases(frame).drop(columns=bulky),
        "refusals": lambda: rankings.refusals(frame),
        "errors": lambda: rankings.errors(frame),
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
