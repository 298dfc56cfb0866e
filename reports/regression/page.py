"""The content of a regression report: every finding in one section, the sections in order."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.special import bdtrc

from reports.frames.commit_series import Series, short
from reports.frames.text_tables import Table
from reports.regression.finding_text import WORSE, Line, lines
from reports.text import numbers
from reports.text.phrases import counted

OVERALL = ("passed", "regressed", "failed", "undecided")
LEVELS = ("0.05", "0.01", "0.001")
RARE = 1e-5  # probability below which the self-check fails
LEAST_TESTS = 200  # of fewer, shares below 0.01 say nothing
SECTIONS = {  # title, and what is said where there is no finding
    "regressions": ("Confirmed regressions", "There is none."),
    "validity": ("Validity", "No status changed, and nobody’s bias."),
    "improvements": ("Improvements", "There is none."),
    "unstable": ("Undecided", "Every comparison was decided."),
    "speed": ("Speed and memory", "Neither moved, or neither was measured."),
    "acknowledged": ("Acknowledged", "No regression is acknowledged."),
    "unchanged": ("Other bits, no material change", "There is none."),
}


@dataclass(frozen=True)
class Section:
    """Findings under one title, and the sentence for where there is none."""

    name: str
    title: str
    nothing: str
    lines: list[Line]

    @property
    def table(self) -> Table:
        """The same as a table of text."""
        titles = ["problem", "estimator", "K", "metric", "verdict"]
        rows = [[one.problem, one.estimator, one.samples, one.metric, one.verdict]
                for one in self.lines]  # fmt: skip
        words = [" ".join(filter(None, (one.reason, one.note))) for one in self.lines]
        if any(words):
            titles.append("in words")
            rows = [[*row, said] for row, said in zip(rows, words, strict=True)]
        ends = ([one.base, one.head, one.change] for one in self.lines)
        whole = [row + end for row, end in zip(rows, ends, strict=True)]
        return Table([*titles, "base", "head", "change"], whole, words=len(titles))

    @property
    def tally(self) -> str:
        """`3 variance, 1 bias`: what a folded section holds."""
        counts = Counter(one.metric for one in self.lines)
        return ", ".join(f"{count:,} {metric}" for metric, count in counts.items())


def content(document: Mapping, history: Sequence[Series] = ()) -> dict:
    """Everything that the page and the comment are made of; all values are text.

    Raises ValueError for a verdict that no page knows.
    """
    if document["verdict"] not in OVERALL:
        known = ", ".join(OVERALL)
        raise ValueError(f"A report has no verdict {document['verdict']!r}; it is one of {known}.")
    settings = document.get("settings") or {}
    groups = grouped(document["cells"])
    titles = SECTIONS
    if any(cell.get("significant") for cell in groups["regressions"]):
        titles = titles | {"regressions": ("Significant, not confirmed", "There is none.")}
    return {
        "verdict": document["verdict"],
        "sentence": document["sentence"],
        "sides": [_side(document[key]) for key in ("base", "head")],
        "completeness": _completeness(document["completeness"]),
        "verdicts": _chips(document["completeness"].get("verdicts", {})),
        "sections": [
            Section(name, *titles[name], written) for name, written in lines(groups).items()
        ],
        "accepted": _accepted(document.get("accepted") or []),
        "false_alarms": _false_alarms(document.get("self_check") or {}),
        "self_check": _self_check(document.get("self_check") or {}),
        "history": _history(groups["regressions"], history),
        "environment": _environment(document.get("environment") or []),
        "minimum_effect": _minimum_effect(document.get("minimum_effect") or {}),
        "settings": _settings(settings),
        "margins": _plain(_percent(settings.get("margins") or {})),
    }


def grouped(cells: Sequence[Mapping]) -> dict[str, list[Mapping]]:
    """Each finding in one section; identical ones in none."""
    groups: dict[str, list[Mapping]] = {name: [] for name in SECTIONS}
    for cell in cells:
        if name := _home(cell):
            groups[name].append(cell)
    return groups


def _home(cell: Mapping) -> str | None:
    verdict, metric = cell["verdict"], cell["metric"]
    if verdict in ("identical", "unchanged", "unstable"):
        return None if verdict == "identical" else verdict
    if cell.get("accepted"):
        return "acknowledged"
    if cell.get("gates") or (verdict in WORSE and metric not in ("speed", "memory")):
        return "regressions"
    if metric in ("speed", "memory"):
        return "speed"
    return "improvements" if verdict == "improved" and metric == "variance" else "validity"


def _side(side: Mapping) -> dict[str, str]:
    commit = side.get("commit")
    return {"name": str(side["name"]), "commit": short(commit) if commit else ""}


def _completeness(counts: Mapping) -> str:
    verdicts = counts.get("verdicts", {})
    decided = sum(verdicts.values()) - sum(verdicts.get(v, 0) for v in ("unstable", "incomparable"))
    refused = counted(counts.get("refused", 0), "cell")
    return (
        f"{counted(counts.get('findings', 0), 'comparison')} in "
        f"{counted(counts.get('cells', 0), 'cell')}, {decided:,} of them decided; "
        f"{' '.join([f'{refused} refused on both sides.', *counts.get('lost', ())])}"
    )


def _chips(verdicts: Mapping[str, int]) -> list[tuple[str, str]]:
    return [(name, f"{count:,}") for name, count in verdicts.items() if count]


def _accepted(entries: Sequence[Mapping]) -> Table:
    titles = ["pattern", "metric", "reason", "commit", "expires", "findings"]
    rows = [
        [str(e["pattern"]), str(e["metric"]), str(e["reason"]), str(e["commit"]),
         f"{e['expires']}{': expired' if e.get('expired') else ''}", f"{e.get('findings', 0):,}"]
        for e in entries
    ]  # fmt: skip
    return Table(titles, rows, words=5)


def _false_alarms(check: Mapping) -> str:
    """The measured A/A rates, in one sentence."""
    if (tests := check.get("tests") or 0) < LEAST_TESTS:
        return (
            f"No rate of false alarms is shown: {counted(tests, 'comparison')} of unchanged code "
            f"with itself, {LEAST_TESTS} are needed."
        )
    shares = [
        f"p < {level} in {numbers.percent(check[f'below_{level}'])}"
        for level in LEVELS
        if check.get(f"below_{level}") is not None
    ]
    return (
        f"{counted(tests, 'comparison')} of unchanged code with itself: {', '.join(shares)}. "
        f"Compared is {check.get('compared', 'code with itself on other random numbers')}."
    )


def _self_check(check: Mapping) -> str:
    """Whether there are more small p-values than chance gives, by the binomial tail at each level.

    The tail may be short, for cells that share random numbers vary together.
    """
    tests = check.get("tests") or 0
    if tests < LEAST_TESTS:
        return f"was not made: it takes {LEAST_TESTS} comparisons, and there are {tests:,}"

    def too_many(level: str) -> bool:
        count = round((check.get(f"below_{level}") or 0) * tests)
        return count > 0 and bdtrc(count - 1, tests, float(level)) < RARE

    if any(map(too_many, LEVELS)):
        return (
            "fails: unchanged code differs from itself more often than chance allows; the "
            "intervals of this report may be too short"
        )
    return "holds: small p-values are no more frequent than chance makes them"


def _history(rows: Sequence[Mapping], found: Sequence[Series]) -> Table:
    """Where the regressed cells stepped before."""
    wanted = {(row["problem"], row["estimator"], row["samples"]) for row in rows}
    steps = [
        [one.problem, one.label, str(one.samples), short(step.revision), step.text]
        for one in found
        if (one.problem, one.rows[0]["estimator"], one.samples) in wanted
        for step in one.steps
    ]
    return Table(["problem", "estimator", "K", "commit", "step"], steps, words=5)


def _environment(rows: Sequence[Mapping]) -> Table:
    written = [[str(row["field"]), str(row["base"]), str(row["head"])] for row in rows]
    return Table(["", "base", "head"], written, words=3)


def _minimum_effect(effects: Mapping[str, Mapping]) -> Table:
    rows = [
        [metric, *(numbers.percent(ends.get(end)) for end in ("best", "median", "worst"))]
        for metric, ends in effects.items()
        if ends
    ]
    return Table(["metric", "best cell", "median cell", "worst cell"], rows, words=1)


def _settings(settings: Mapping) -> Table:
    rows = [[name.replace("_", " "), _plain(value)] for name, value in settings.items()]
    return Table(["setting", "value"], rows, words=2)


def _percent(shares: Mapping[str, float]) -> dict[str, str]:
    return {name: numbers.percent(share) for name, share in shares.items()}


def _plain(value) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(item)}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_plain, value))
    return value if isinstance(value, str) else json.dumps(value)
