"""The series of a store as a page and as a table of numbers."""

from collections.abc import Mapping, Sequence

from reports.figures import export, overviews
from reports.figures.matplotlib_files import to_svg
from reports.frames import commit_series
from reports.frames.commit_series import Series
from reports.frames.text_tables import Table
from reports.text.inert import csv
from reports.text.rendering import render


def content(found: Sequence[Series], drawn: Mapping[str, str]) -> dict:
    """What the page of trends is made of; `drawn` are its `pictures`."""
    return {
        "summary": commit_series.summary(found),
        "steps": steps(found),
        "cells": cells(found),
        "figures": list(drawn.items()),
    }


def steps(found: Sequence[Series]) -> Table:
    """Every step, newest commit first."""
    place = {revision: at for at, revision in enumerate(commit_series.revisions(found))}
    rows = [(one, step) for one in found for step in one.steps]
    rows.sort(key=lambda pair: -place[pair[1].revision])
    marks = {"worse": "▲", "better": "▼", "other": "◆"}
    cells = [
        [
            commit_series.short(step.revision),
            f"{_day(one, step.revision)}",
            one.problem,
            one.label,
            str(one.samples),
            f"{marks[step.kind]} {step.text}",
        ]
        for one, step in rows
    ]
    return Table(["commit", "measured", "problem", "estimator", "K", "step"], cells, words=6)


def cells(found: Sequence[Series]) -> Table:
    """Every series with its first and last variance."""
    titles = ["problem", "estimator", "K", "steps", "first variance", "last variance"]
    rows = [[row[title] for title in titles] for row in commit_series.table(found)]
    return Table(titles, rows, words=4)


def pictures(found: Sequence[Series]) -> dict[str, str]:
    """For every problem with a step, its series over commits."""
    order = commit_series.revisions(found)
    by_problem: dict[str, list[Series]] = {}
    for one in found:
        by_problem.setdefault(one.problem, []).append(one)
    return {
        name: export.data(to_svg(overviews.over_commits(group, order)))
        for name, group in by_problem.items()
        if any(one.steps for one in group)
    }


def page(found: Sequence[Series]) -> str:
    """The page of trends by itself."""
    return render("trends.html.j2", content(found, pictures(found)) | {"site": []})


def points_csv(found: Sequence[Series]) -> str:
    """Every point of every series."""
    return csv(commit_series.points(found))


FORMATS = {".html": page, ".csv": points_csv}  # for `rendering.write_as`


def _day(one: Series, revision: str) -> str:
    time = next(row["time"] for row in one.rows if row["revision"] == revision)
    return f"{time:%Y-%m-%d}" if time == time else ""
