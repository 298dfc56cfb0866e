"""The pages around the index: one per problem and per estimator, the matrix, the trends.

A page is a template, the data it shows, and what those are made of. `pages` yields them; whoever
adds a kind of page writes a template, a function that makes its data, and a line in `pages`.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial

import pandas

from reports.figures import export, overviews
from reports.figures.matplotlib_files import to_svg
from reports.frames import text_tables
from reports.frames.commit_series import Series
from reports.frames.rankings import cautions, errors, refusals
from reports.frames.text_tables import Table
from reports.pages import trajectories, trends
from reports.pages.built import row_marks
from reports.pages.index import Sections, overview
from reports.text import numbers
from reports.text.phrases import counted

BEYOND = 1e300  # multiples of the quietest that no axis can hold


@dataclass(frozen=True)
class Page:
    """A file of the site, its template, what it depends on, and what makes its data."""

    path: str
    template: str
    made_of: tuple
    data: Callable[[], dict]


@dataclass(frozen=True)
class Site:
    """What all pages are made of: the cells, their ranking, the sections, the series."""

    frame: pandas.DataFrame
    ranked: pandas.DataFrame
    sections: Sections
    subtitle: str
    series: list[Series]
    stages: pandas.DataFrame  # the cells along trainings

    def menu(self, here: str, up: str = "") -> list[tuple[str, str | None]]:
        """Titles and addresses of the pages that every page links to; None for `here`."""
        entries = {"Overview": "index.html", "Matrix": "matrix.html"}
        if self.series:
            entries["Trends"] = "trends.html"
        if len(self.stages):
            entries["Trajectories"] = "trajectories.html"
        return [(title, None if title == here else up + to) for title, to in entries.items()]

    @cached_property
    def marks(self) -> list[tuple[pandas.DataFrame, pandas.Series]]:
        """The cells, their ranking and its headline, each with a number for each row."""
        frames = (self.frame, self.ranked, self.sections.heads)
        return [(frame, row_marks(frame)) for frame in frames]

    def marks_by(self, column: str) -> dict[str, list[bytes]]:
        """For each name in a column a text that changes with the rows that bear it."""
        found: dict[str, list[bytes]] = {}
        for frame, marks in self.marks:
            for name, own in marks.groupby(frame[column], sort=False):
                found.setdefault(name, []).append(own.to_numpy().tobytes())
        return found

    @property
    def around(self) -> tuple:
        """What every page shows of the others."""
        return self.subtitle, self.menu(""), self.sections.labels, self.sections.names


def addresses(names: Iterable[str]) -> dict[str, str]:
    """A short file name (without ending) for every name, distinct also where signs are lost."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:100] or "unnamed"
        taken, address, count = set(found.values()), plain, 2
        while address in taken:
            address, count = f"{plain}-{count}", count + 1
        found[name] = address
    return found


def pages(site: Site) -> Iterator[Page]:
    """Every page but the index."""
    problems = addresses(site.sections.names)
    labels = addresses(site.sections.labels)
    drawn = trends.pictures(site.series)
    everything = (site.around, *(marks.to_numpy().tobytes() for _, marks in site.marks))
    data = partial(_matrix, site, problems, labels)
    yield Page("matrix.html", "matrix.html.j2", everything, data)
    if site.series:
        shown = trends.content(site.series, drawn) | {"site": site.menu("Trends")}
        yield Page("trends.html", "trends.html.j2", (shown,), lambda: shown)
    if len(site.stages):
        yield Page("trajectories.html", "trajectories.html.j2", everything, partial(_stages, site))
    own = site.marks_by("problem")
    for name, address in problems.items():
        of = (site.around, own[name], drawn.get(name))
        data = partial(_problem, site, name, labels, drawn.get(name))
        yield Page(f"problems/{address}.html", "problem.html.j2", of, data)
    own = site.marks_by("label")
    for label, address in labels.items():
        data = partial(_estimator, site, label, problems)
        yield Page(
            f"estimators/{address}.html", "estimator.html.j2", (site.around, own[label]), data
        )


def _stages(site: Site) -> dict:
    data = trajectories.content(site.stages) | {"subtitle": site.subtitle}
    return data | {"site": site.menu("Trajectories")}


def _matrix(site: Site, problems: dict[str, str], labels: dict[str, str]) -> dict:
    """All settings × all estimators."""
    several = len(site.ranked[["device", "dtype"]].drop_duplicates()) > 1
    settings = ["problem", "samples", "device", "dtype"]
    ranked = dict(list(site.ranked.groupby(settings, dropna=False)))
    rows = []
    for key, part in site.frame.groupby(settings, sort=False, dropna=False):
        rows.append(
            {
                "name": key[0],
                "link": f"problems/{problems[key[0]]}.html",
                "setting": text_tables.setting(part.iloc[0], several).removeprefix("K = "),
                "cells": overview(part, ranked.get(key, site.ranked.head(0)), list(labels)),
            }
        )
    return {
        "site": site.menu("Matrix"),
        "subtitle": site.subtitle,
        "estimators": [(label, f"estimators/{to}.html") for label, to in labels.items()],
        "rows": rows,
    }


def _problem(site: Site, name: str, labels: dict[str, str], trend: str | None) -> dict:
    own = site.sections.parts[name]["label"].unique()
    return {
        "site": site.menu("", "../"),
        "subtitle": site.subtitle,
        "problem": site.sections.whole(name),
        "estimators": [(label, f"../estimators/{labels[label]}.html") for label in sorted(own)],
        "trend": trend,
    }


def _estimator(site: Site, label: str, problems: dict[str, str]) -> dict:
    part = site.frame[site.frame["label"] == label]
    rows = site.ranked[site.ranked["label"] == label]
    heads = site.sections.heads[site.sections.heads["label"] == label]
    drawable = heads[heads["relative"].between(0, BEYOND, inclusive="neither")]
    pictures = []
    if not drawable.empty:
        drawn = to_svg(overviews.over_problems(drawable))
        pictures = [("variance as a multiple of the quietest’s, by problem", export.data(drawn))]
    return {
        "site": site.menu("", "../"),
        "subtitle": site.subtitle,
        "label": label,
        "sentence": _sentence(part, heads),
        "figures": pictures,
        "tables": [
            ("Measured", _cells(rows)),
            ("Beware", _reasons(cautions(part))),
            ("Refused, and why", _reasons(refusals(part))),
            ("Failed, and why", _reasons(errors(part))),
        ],
        "problems": [(p, f"../problems/{problems[p]}.html") for p in part["problem"].unique()],
    }


def _sentence(part: pandas.DataFrame, heads: pandas.DataFrame) -> str:
    """Where an estimator works, wins, is biased, refuses and fails."""

    def on(rows: pandas.DataFrame) -> int:
        return len({*rows["problem"].tolist()})

    measured = part[part["status"] == "ok"]
    sentence = f"Measured on {on(measured)} of {counted(on(part), 'problem')}"
    if len(measured):
        sentence += f": among the quietest on {on(heads[heads['tied']])}"
        sentence += f", shown to be biased on {on(measured[measured['biased']])}"
    refused, failed = ((part["status"] == status).sum() for status in ("refused", "error"))
    sentence += f". {counted(len(measured), 'cell')} measured, {refused:,} refused"
    return sentence + (f", {failed:,} failed." if failed else ".")


def _cells(rows: pandas.DataFrame) -> Table:
    """Every measured cell of one estimator."""
    titles = ["problem", "K", "variance", "× quietest", "place", "bias", "time", "variance × s"]
    written = []
    for row in text_tables.rows_of(rows):
        ends = {
            name: [row[name], row[f"{name}_low"], row[f"{name}_high"]]
            for name in ("variance", "seconds", "work_variance")
        }
        place = numbers.NOTHING if row["rank"] is None else f"{row['rank']:.0f}"
        written.append(
            [
                f"○ {row['problem']}" if row["biased"] else row["problem"],
                str(row["samples"]),
                numbers.interval(*ends["variance"]),
                numbers.factor(row["relative"]),
                f"{place}=" if row["tied"] and row["rank"] and row["rank"] > 1 else place,
                text_tables.verdict(row),
                numbers.seconds(*ends["seconds"]),
                numbers.interval(*ends["work_variance"]),
            ]
        )
    return Table(titles, written, words=2, notes={5: "text"})


def _reasons(frame: pandas.DataFrame) -> Table:
    """Each reason once for each problem it was given on."""
    rows = [
        [row["problem"], ", ".join(map(str, row["samples"])), row["reason"] or "no reason given"]
        for row in text_tables.rows_of(frame)
    ]
    return Table(["problem", "K", "reason"], rows, words=3)
