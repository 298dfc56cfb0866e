"""From findings to the document: what comes first, what it means, and how it ends."""

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from benchmarks.regression.accepted import accept
from benchmarks.regression.effects import MARGINS, halves
from benchmarks.regression.judging import Pair, finite
from benchmarks.regression.schema import (
    EXIT,
    INTERRUPTED,
    METRICS,
    VERDICTS,
    Acceptance,
    Document,
    Finding,
    Side,
)
from benchmarks.regression.verdict_sentence import Circumstances, sentence

DECIDED = {"failed", "regressed", "improved", "fixed", "unchanged", "identical"}
FAIL_ON = ("variance", "bias")
LEVELS = (0.05, 0.01, 0.001)
COMPARED = (
    "the first half of the blocks of a cell with the second half, on one side: other random "
    "numbers, the same code"
)


class Reproduction(NamedTuple):
    """The `command` that repeats a cell, or `why_not`: why there is none, as part of a sentence."""

    command: str | None
    why_not: str | None = None


@dataclass(frozen=True)
class Comparison:
    """Everything that was found, before it is judged as a whole."""

    base: Side
    head: Side
    pairs: Sequence[Pair]
    findings: Sequence[Finding]
    settings: dict
    fail_on: Sequence[str] = FAIL_ON
    entries: Sequence[Acceptance] = field(default_factory=list)
    interrupted: bool = False
    lost: Sequence[str] = ()  # a sentence for each file of which something was left out
    fresh: bool = True  # whether there were fresh seeds to confirm anything with
    unapplied: Sequence[str] = ()  # a sentence for each gate that could not be applied


def document(comparison: Comparison, reproduce: Callable[[Pair], Reproduction]) -> Document:
    """The whole report; `reproduce` gives the command that repeats one cell."""
    specs = {_key(pair.cell): pair for pair in comparison.pairs}
    again = {key: reproduce(specs[key]) for key in {_of(f) for f in comparison.findings}}
    found = [
        replace(
            f, gates=_gates(f, comparison.fail_on), reproduce=again[_of(f)].command,
            unreproducible=again[_of(f)].why_not,
        )
        for f in comparison.findings
    ]  # fmt: skip
    found, entries = accept(found, comparison.entries)
    found.sort(key=_rank)
    expired = [entry for entry in entries if entry.expired]
    verdict = _overall(found, bool(expired), comparison.interrupted)
    if verdict == "passed" and comparison.unapplied:
        verdict = "undecided"  # what was asked for is not known
    counts = Counter(f.verdict for f in found)
    cells = [pair for pair in comparison.pairs if not pair.refused]
    return Document(
        verdict=verdict,
        sentence=sentence(
            verdict,
            found,
            expired,
            len(cells),
            Circumstances(
                comparison.fresh,
                tuple(comparison.unapplied),
                comparison.interrupted,
                _refusal(comparison.pairs),
            ),
        ),
        exit_status=INTERRUPTED if comparison.interrupted else EXIT[verdict],
        base=comparison.base,
        head=comparison.head,
        completeness={
            "cells": len(cells),
            "refused": len(comparison.pairs) - len(cells),
            "findings": len(found),
            "verdicts": {name: counts[name] for name in VERDICTS},
            "lost": list(comparison.lost),
        },
        cells=found,
        minimum_effect=_minimum_effects(found),
        self_check=self_check(cells),
        environment=_differences(comparison.base.context, comparison.head.context),
        settings=comparison.settings
        | {
            "fail_on": list(comparison.fail_on),
            "margins": MARGINS,
        },
        accepted=entries,
        unapplied=list(comparison.unapplied),
    )


def self_check(pairs: Iterable[Pair]) -> dict:
    """The tests on data where there is nothing to find: the blocks of a side against each other."""
    p = []
    for pair in pairs:
        sides = [s for s in (pair.before, pair.after) if s and s.rows is not None]
        if len(sides) == 2 and sides[0].identical(sides[1]):
            sides = sides[:1]
        p += [value for side in sides for value in halves(side)]
    p = np.array(p)
    shares = {f"below_{level}": float((p < level).mean()) if len(p) else None for level in LEVELS}
    return {"compared": COMPARED, "tests": len(p), **shares}


def command(
    base: str,
    head: str,
    pair: Pair,
    settings: dict,
    plugins: Iterable[str] = (),
    options: Iterable[str] = (),
    spec: str | None = None,
) -> str:
    """The command that repeats one cell; `spec` is its estimator with fields, if not the pair's."""
    cell = pair.cell
    parts = ["gradmeter", *(word for plugin in plugins for word in ("--with", plugin))]
    parts += ["regress", base, head, "-p", cell["problem"], "-e", spec or pair.spec]
    parts += ["-K", cell["samples"], "-R", cell["budget"], "--seed", settings["seed"]]
    if settings["head_seed"] != settings["seed"]:
        parts += ["--head-seed", settings["head_seed"]]
    if cell["device"] != "cpu":
        parts += ["--device", cell["device"]]
    return shlex.join(map(str, [*parts, *options]))


def _gates(finding: Finding, fail_on: Sequence[str]) -> bool:
    if not (finding.confirmed or finding.significant):
        return False
    return finding.verdict == "failed" or (
        finding.verdict == "regressed" and finding.metric in fail_on
    )


def _rank(finding: Finding) -> tuple:
    """What decides the exit first, then by verdict, metric and size; unbiased → biased on top."""
    flip = finding.metric == "bias" and "biased at the head" in (finding.reason or "")
    size = abs(finding.change) if finite(finding.change) else 0.0
    return (
        not finding.gates, not flip, VERDICTS.index(finding.verdict),
        METRICS.index(finding.metric), -size, finding.problem, finding.estimator, finding.samples,
    )  # fmt: skip


def _overall(found: Sequence[Finding], expired: bool, interrupted: bool) -> str:
    if expired or any(f.gates for f in found):
        return "regressed"
    if any(f.metric == "status" and f.head_value == "error" and not f.accepted for f in found):
        return "undecided" if interrupted else "failed"
    decided = not interrupted and any(f.verdict in DECIDED for f in found)
    return "passed" if decided else "undecided"


def _refusal(pairs: Sequence[Pair]) -> str:
    """Of cells that no side measures: how many, and why the first is refused."""
    refused = [pair for pair in pairs if pair.refused]
    if not refused:
        return ""
    first = refused[0]
    where = f"{first.spec} on {first.cell['problem']}, K = {first.cell['samples']}"
    reason = (first.after or first.before).record.get("reason")
    return f" Refused on both sides: {len(refused)} more, such as {where}: {reason}"


def _minimum_effects(found: Iterable[Finding]) -> dict:
    effects = {}
    for finding in found:
        if finite(finding.minimum_effect):
            effects.setdefault(finding.metric, []).append(finding.minimum_effect)
    return {
        metric: {"best": min(v), "median": float(np.median(v)), "worst": max(v)}
        for metric, v in effects.items()
    }


def _differences(base: dict, head: dict) -> list[dict]:
    """The environment where it differs; time and commit always do."""
    names = [name for name in {**base, **head} if name not in ("time", "commit")]
    pairs = ((name, base.get(name), head.get(name)) for name in names)
    return [{"field": n, "base": b, "head": h} for n, b, h in pairs if b != h]


def _key(cell: dict) -> tuple:
    return tuple(cell[k] for k in ("problem", "estimator", "config", "samples", "device", "dtype"))


def _of(finding: Finding) -> tuple:
    return _key(vars(finding))
