"""The pages around the index: one per problem and per estimator, the matrix, the trends.

A page is a template and the data it shows. `pages` yields them; whoever adds a kind of page writes
a template, a function that makes its data, and a line in `pages`.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import pandas

from reports.figures import export, overviews
from reports.figures.style import to_svg
from reports.frames import text_tables
from reports.frames.commit_series import Series
from reports.frames.rankings import cautions, errors, refusals
from reports.frames.text_tables import Table
from reports.pages import trajectories, trends
from reports.pages.index import overview
from reports.text import numbers
from reports.text.phrases import counted

BEYOND = 1e300  # multiples of the quietest that no axis can hold


@dataclass(frozen=True)
class Page:
    """A file of the site, its template and its data."""

    path: str
    template: str
    data: dict


@dataclass(frozen=True)
class Site:
    """What all pages are made of: the frame, its ranking, the index, the series."""

    frame: pandas.DataFrame
    ranked: pandas.DataFrame
    heads: pandas.DataFrame  # the headline of the ranking
    index: Mapping
    found: list[Series]
    stages: pandas.DataFrame  # the cells along trainings

    def menu(self, here: str, up: str = "") -> list[tuple[str, str | None]]:
        """Titles and addresses of the pages that every page links to; None for `here`."""
        entries = {"Overview": "index.html", "Matrix": "matrix.html"}
        if self.found:
            entries["Trends"] = "trends.html"
        if len(self.stages):
            entries["Trajectories"] = "trajectories.html"
        return [(title, None if title == here else up + to) for title, to in entries.items()]


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
    problems = addresses(site.frame["problem"].unique())
    labels = addresses(site.index["labels"])
    drawn = trends.pictures(site.found)
    yield Page("matrix.html", "matrix.html.j2", _matrix(site, problems, labels))
    if site.found:
        data = trends.content(site.found, drawn) | {"site": site.menu("Trends")}
        yield Page("trends.html", "trends.html.j2", data)
    if len(site.stages):
        data = trajectories.content(site.stages) | {"subtitle": site.index["subtitle"]}
        data |= {"site": site.menu("Trajectories")}
        yield Page("trajectories.html", "trajectories.html.j2", data)
    for section in (one for family in site.index["families"].values() for one in family):
        path = f"problems/{problems[section['name']]}.html"
        data = _problem(site, section, labels) | {"trend": drawn.get(section["name"])}
        yield Page(path, "problem.html.j2", data)
    for label in labels:
        path = f"estimators/{labels[label]}.html"
        yield Page(path, "estimator.html.j2", _estimator(site, label, problems))


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
        "subtitle": site.index["subtitle"],
        "estimators": [(label, f"estimators/{to}.html") for label, to in labels.items()],
        "rows": rows,
    }


def _problem(site: Site, section: dict, labels: dict[str, str]) -> dict:
    part = site.frame[site.frame["problem"] == section["name"]]
    own = part["label"].unique()
    return {
        "site": site.menu("", "../"),
        "subtitle": site.index["subtitle"],
        "problem": section,
        "truth": section["truth"],
        "estimators": [(label, f"../estimators/{labels[label]}.html") for label in sorted(own)],
    }


def _estimator(site: Site, label: str, problems: dict[str, str]) -> dict:
    part = site.frame[site.frame["label"] == label]
    rows = site.ranked[site.ranked["label"] == label]
    heads = site.heads[site.heads["label"] == label]
    drawable = heads[heads["relative"].between(0, BEYOND, inclusive="neither")]
    pictures = []
    if not drawable.empty:
        svg = to_svg(overviews.over_problems(drawable))
        pictures = [("variance as a multiple of the quietest’s, by problem", export.data(svg))]
    return {
        "site": site.menu("", "../"),
        "subtitle": site.index["subtitle"],
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
        return rows["problem"].nunique()

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
    titles = ["problem", "K", "bias", "variance", "× quietest", "place", "time", "variance × s"]
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
                text_tables.verdict(row),
                numbers.interval(*ends["variance"]),
                numbers.factor(row["relative"]),
                f"{place}=" if row["tied"] and row["rank"] and row["rank"] > 1 else place,
                numbers.seconds(*ends["seconds"]),
                numbers.interval(*ends["work_variance"]),
            ]
        )
    return Table(titles, written, words=3)


def _reasons(frame: pandas.DataFrame) -> Table:
    """Each reason once for each problem it was given on."""
    rows = [
        [row["problem"], ", ".join(map(str, row["samples"])), row["reason"] or "no reason given"]
        for row in text_tables.rows_of(frame)
    ]
    return Table(["problem", "K", "reason"], rows, words=3)
