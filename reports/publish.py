"""A frame in, a folder out: the page, the same as Markdown, and its tables as CSV."""

import base64
import os
import tempfile
from pathlib import Path

import jinja2
import pandas

from reports import plots, tables
from reports.drawing import looks
from reports.load import complete
from reports.page import content
from reports.tables import headline, prepare, ranking

FORMATS = (".html", ".csv", ".parquet")
FIGURES = (
    ("variance with 95 % intervals, by estimator", plots.variance_by_estimator),
    ("variance × seconds, by estimator", plots.variance_times_seconds),
    ("squared bias against variance", plots.bias_against_variance),
    ("variance against samples per estimate", plots.variance_against_samples),
)


def publish(frame: pandas.DataFrame, folder: str | Path = "report") -> Path:
    """Write index.html, report.md, ranking.csv, biases.csv, refusals.csv and errors.csv.

    The page is one file that needs no network and no script. The same frame gives the same bytes.
    Returns the path of index.html. Raises ValueError for a frame without rows.
    """
    if frame.empty:
        raise ValueError("There is no record to report; `gradmeter run` measures some.")
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    frame = prepare(frame)
    ranked = ranking(frame)
    for name, table in _sheets(frame, ranked).items():
        _write(folder / f"{name}.csv", table.to_csv(index=False, lineterminator="\n"))
    page = content(frame, _figures(ranked))
    environment = _environment()
    _write(folder / "report.md", environment.get_template("report.md.j2").render(page))
    index = folder / "index.html"
    _write(index, environment.get_template("report.html.j2").render(page))
    return index


def write(frame: pandas.DataFrame, path: str | Path) -> Path:
    """Write one file: the page for .html, all columns for .csv and .parquet. Returns the path."""
    path = Path(path)
    check_format(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = complete(frame)
    if path.suffix == ".html":
        with tempfile.TemporaryDirectory() as folder:
            _write(path, publish(frame, folder).read_text())
    elif path.suffix == ".csv":
        _write(path, frame.drop(columns="variance_jackknife").to_csv(index=False))
    else:
        frame.to_parquet(path)
    return path


def check_format(path: Path) -> None:
    """Raise ValueError unless `write` knows the format of `path`."""
    if path.suffix not in FORMATS:
        raise ValueError(f"{path} has no known format; end it in {', '.join(FORMATS)}.")


def _sheets(frame: pandas.DataFrame, ranked: pandas.DataFrame) -> dict[str, pandas.DataFrame]:
    bulky = ["variance_jackknife", "status", "reason"]
    return {
        "ranking": ranked.drop(columns=bulky),
        "biases": tables.biases(frame).drop(columns=bulky),
        "refusals": tables.refusals(frame),
        "errors": tables.errors(frame),
    }


def _figures(ranked: pandas.DataFrame) -> dict[str, list[tuple[str, str]]]:
    """The figures of every problem as data URIs, those that have something to show."""
    styles = looks(ranked["label"])
    figures: dict[str, list[tuple[str, str]]] = {}
    for name, part in ranked.groupby("problem", sort=False):
        figures[name] = [
            (caption, _data(plots.to_svg(draw(part, styles, titles=False))))
            for caption, draw in FIGURES
            if _shows(part, draw)
        ]
    return figures


def _shows(part: pandas.DataFrame, draw) -> bool:
    """Whether a figure has data: several K, a truth to be biased against, a time."""
    rows = part.dropna(subset="variance")
    if draw is plots.variance_against_samples:
        return rows["samples"].nunique() > 1
    column = {
        plots.bias_against_variance: "bias2_high",
        plots.variance_times_seconds: "work_variance",
    }.get(draw, "variance")
    return bool(headline(rows)[column].notna().any())


def _data(svg: bytes) -> str:
    return "data:image/svg+xml;base64," + base64.b64encode(svg).decode()


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports"),
        autoescape=lambda name: name is not None and ".html" in name,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["cell"] = _cell
    return environment


def _cell(text: str) -> str:
    """`text` as one cell of a Markdown table, with nothing in it that is markup."""
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("\n", " ")):
        text = text.replace(plain, escaped)
    return text


def _write(path: Path, text: str) -> None:
    """Write the whole file or leave the old one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    os.chmod(name, 0o644)
    os.replace(name, path)
