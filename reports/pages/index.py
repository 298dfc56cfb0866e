"""The content of a page: what the templates lay out, problem by problem."""

import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from itertools import takewhile

import pandas

from reports.figures import export
from reports.figures.style import styles_of
from reports.frames import ranking_tables, text_tables
from reports.frames.batch_noise import about_batch
from reports.frames.light import light
from reports.frames.rankings import LEVEL, cautions, errors, headline, ranking, refusals
from reports.frames.summary import findings
from reports.text import numbers
from reports.text.phrases import counted, listed

SHADES = ((1.01, "s1"), (2, "s2"), (10, "s3"), (100, "s4"))  # of × quietest, up to
FEW = 8  # problems that stand on the index with all their tables


class Sections:
    """What a report says of each problem, made when it is asked for.

    - `frame`, `ranked`: all cells and their ranking, as `frames.light` leaves them.
    - `problems`: the addresses of the problems' own pages, where there are any.
    """

    def __init__(
        self, frame: pandas.DataFrame, ranked: pandas.DataFrame, problems: Mapping[str, str]
    ):
        self.heads = headline(ranked)
        self.labels = sorted(frame["label"].unique())
        self.styles = styles_of(ranked["label"])
        self.problems = problems
        self.parts = dict(list(frame.groupby("problem", sort=False)))
        self._none, self._ranked = ranked.head(0), dict(list(ranked.groupby("problem")))
        self._headed = dict(list(self.heads.groupby("problem")))
        self.summary = cache(self._summary)
        self.tables = cache(self._tables)

    @property
    def names(self) -> list[str]:
        """The problems, in the order of the records."""
        return list(self.parts)

    @property
    def few(self) -> bool:
        """Whether all of them stand on the index, which has them alone if they have no pages."""
        return len(self.parts) <= FEW or not self.problems

    def ranked(self, name: str) -> pandas.DataFrame:
        """The ranking of one problem."""
        return self._ranked.get(name, self._none)

    def whole(self, name: str) -> dict:
        """All that a problem's page shows."""
        figures = export.on_page(self.ranked(name), self.styles) if name in self._ranked else []
        return self.summary(name) | self.tables(name) | {"figures": figures}

    def _summary(self, name: str) -> dict:
        """The sentences about a problem, and its line of the overview."""
        part, ranked = self.parts[name], self.ranked(name)
        head = self._headed.get(name, self._none)
        counts = [counted(len(ranked), "cell") + " measured"]
        for status, word in (("refused", "refused"), ("error", "failed")):
            labels = part.loc[part["status"] == status, "label"].nunique()
            counts += [f"{counted(labels, 'estimator')} {word}"] * bool(labels)
        return {
            "name": name,
            "page": self.problems.get(name),
            "open": self.few and len(self.parts) <= FEW,
            "anchor": "problem-" + re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-"),
            "setting": text_tables.setting(head.iloc[0], _several(ranked)) if len(head) else "",
            "quietest": " ".join([_quietest(head), *_about_batch(head, ranked)]),
            "counts": ", ".join(counts),
            "truth": truth(part),
            "cells": overview(part, head, self.labels),
        }

    def _tables(self, name: str) -> dict:
        part, ranked = self.parts[name], self.ranked(name)
        return {
            "rankings": ranking_tables.rankings(ranked, _several(ranked)),
            "further": ranking_tables.further_rankings(ranked, _several(ranked)),
            "cautions": text_tables.reasons(cautions(part)),
            "refusals": text_tables.reasons(refusals(part)),
            "errors": text_tables.reasons(errors(part)),
        }


def content(
    frame: pandas.DataFrame,
    ranked: pandas.DataFrame,
    section: Callable[[str], dict],
    sections: Sections,
    estimators: Mapping[str, str],
) -> dict:
    """Everything that the index needs.

    - `frame`, `ranked`: all cells, prepared, with every column, and their ranking.
    - `section`: what stands on it of a problem: `sections.summary`, `tables` or `whole`.
    - `sections`: of the same cells.
    - `estimators`: the addresses of the pages of their own, where there are any.
    """
    return {
        "findings": findings(frame, ranked),
        "labels": sections.labels,
        "estimator_pages": estimators,
        "families": _families([section(name) for name in sections.names]),
        "whole": sections.few,
        "bias": text_tables.bias_table(frame),
        "tested": int((frame["bias_p"].notna() & (frame["status"] == "ok")).sum()),
        "level": numbers.number(LEVEL, 1),
        "replicates": _replicates(frame),
        "configurations": text_tables.configurations(frame),
        "environment": text_tables.environment(frame),
        "subtitle": subtitle(frame),
    }


def whole_page(frame: pandas.DataFrame) -> dict:
    """All of a prepared frame on one page, which no others stand beside."""
    ranked = ranking(frame)
    sections = Sections(light(frame), light(ranked), {})
    return content(frame, ranked, sections.whole, sections, {})


def _several(ranked: pandas.DataFrame) -> bool:
    """Whether a problem was measured on several devices or in several precisions."""
    return len({*zip(ranked["device"].tolist(), ranked["dtype"].tolist(), strict=True)}) > 1


def truth(part: pandas.DataFrame) -> str:
    """How the exact gradient of a problem was found, how well it is known, and its length."""
    known = part.dropna(subset="gradient_norm")
    if known.empty:
        return "The exact gradient is not known."
    first = known.iloc[0]
    said = f"Truth: {first['truth_method']}, ‖g‖ = {numbers.number(first['gradient_norm'])}"
    if first.get("truth_error", 0.0) > 0:
        said += f", known within {numbers.percent(first['truth_error'])}"
    note = first.get("truth_note")
    return f"{said} ({note})." if isinstance(note, str) and note else f"{said}."


def _quietest(head: pandas.DataFrame) -> str:
    best = head[head["rank"] == 1]
    if best.empty:
        return "No estimator can be called the quietest."
    row = best.iloc[0]
    variance = numbers.interval(row["variance"], row["variance_low"], row["variance_high"])
    ties = head.loc[head["tied"] & (head["rank"] > 1), "label"]
    tied = f", tied with {listed(ties)}" if len(ties) else ""
    beware = f" Beware: {row['reason']}" if pandas.notna(row["reason"]) else ""
    setting = text_tables.setting(row, False)
    return f"Quietest at {setting}: {row['label']}, variance {variance}{tied}.{beware}"


def _about_batch(head: pandas.DataFrame, ranked: pandas.DataFrame) -> list[str]:
    """How much of the quietest one's noise is the batch's own."""
    best = head.loc[head["rank"] == 1, "label"]
    return about_batch(ranked, best.iloc[0]) if len(best) else []


def overview(part: pandas.DataFrame, head: pandas.DataFrame, labels: list[str]) -> list[dict]:
    """One cell per estimator: its variance as a multiple of the quietest, or why there is none."""
    measured = {row["label"]: row for row in text_tables.rows_of(head)}
    failed = set(part.loc[part["status"] == "error", "label"])
    refused = set(part.loc[part["status"] == "refused", "label"])
    cells = []
    for label in labels:
        if label in measured:
            cells.append(_overview_cell(measured[label]))
        elif label in failed:
            cells.append({"text": "error", "kind": "e", "title": "failed"})
        elif label in refused:
            cells.append({"text": numbers.NOTHING, "kind": "", "title": "refused"})
        else:
            cells.append({"text": "", "kind": "", "title": ""})
    return cells


def _overview_cell(row: dict) -> dict:
    variance = numbers.interval(row["variance"], row["variance_low"], row["variance_high"])
    relative = math.inf if row["relative"] is None else row["relative"]
    kind = next((shade for limit, shade in SHADES if relative <= limit), "")
    if row["biased"]:
        kind = "b"
    elif not row["eligible"]:
        kind = "u"
    elif row["rank"] == 1:
        kind = "best"
    elif row["tied"]:
        kind = "s1"
    text = numbers.factor(row["relative"])
    return {"text": text, "kind": kind, "title": f"{row['label']}: variance {variance}"}


def _families(sections: list[dict]) -> dict[str, list[dict]]:
    """The problems by what their names begin with: `bernoulli`, `one-hot`, `von-mises`."""
    families: dict[str, list[dict]] = {}
    for section in sections:
        families.setdefault(section["name"].partition("-")[0], []).append(section)
    return {_beginning([one["name"] for one in part]): part for part in families.values()}


def _beginning(names: list[str]) -> str:
    """The words that all names begin with, their last ones and settings such as 1e-6 aside."""
    words = [[*takewhile(str.isalpha, name.split("-")[:-1])] or [name] for name in names]
    same = takewhile(lambda column: len(set(column)) == 1, zip(*words, strict=False))
    return "-".join(column[0] for column in same)


def _replicates(frame: pandas.DataFrame) -> str:
    counts = sorted(frame.loc[frame["status"] == "ok", "replicates"].dropna().unique())
    if len(counts) < 2:
        return f"{counts[0]:,}" if counts else "no"
    return f"{counts[0]:,} to {counts[-1]:,}"


def subtitle(frame: pandas.DataFrame) -> str:
    """When, which commit and where: from the records, so that the page can be made again."""
    time = frame["time"].max()
    parts = [f"{time:%Y-%m-%d}"] if time == time else []
    parts += [f"commit {listed([commit[:10] for commit in frame['commit'].dropna().unique()])}"]
    parts += [listed(frame[name].dropna().unique()) for name in ("host", "cpu", "gpu")]
    drawn = sorted(frame["generator"].dropna().unique()) if "generator" in frame else []
    parts += [f"random numbers of {listed(drawn)}"] if drawn else []
    return " · ".join(part for part in parts if part and part != "commit ")
