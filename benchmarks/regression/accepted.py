"""`regressions-accepted.toml`: regressions that are known, with the reason, until a date."""

import tomllib
from collections.abc import Iterable
from dataclasses import replace
from datetime import date
from fnmatch import fnmatchcase
from pathlib import Path

from benchmarks.regression.schema import METRICS, Acceptance, Finding

EXAMPLE = """\
[[accepted]]
pattern = "normal-quadratic/reinforce-ema"  # problem/estimator, optionally /K; wildcards as usual
metric = "variance"
reason = "The moving average starts from zero on purpose."
commit = "322eb9a"
expires = 2027-01-31
"""
FIELDS = ("pattern", "metric", "reason", "commit", "expires")


def read(path: Path, today: date | None = None) -> list[Acceptance]:
    """The entries of the file, none if there is no file. ValueError for an entry that is not whole.

    An entry is expired from the day after its date on.
    """
    if not path.exists():
        return []
    try:
        entries = tomllib.loads(path.read_text()).get("accepted", [])
    except tomllib.TOMLDecodeError as mistake:
        raise ValueError(f"{path} is no TOML: {mistake}. An entry looks so:\n{EXAMPLE}") from None
    return [_entry(path, number, entry, today) for number, entry in enumerate(entries, 1)]


def _entry(path: Path, number: int, entry: dict, today: date | None) -> Acceptance:
    missing = [name for name in FIELDS if name not in entry]
    extra = sorted(set(entry) - set(FIELDS))
    if missing or extra:
        wrong = f"lacks {', '.join(missing)}" if missing else f"has unknown {', '.join(extra)}"
        raise ValueError(f"{path}: entry {number} {wrong}. An entry looks so:\n{EXAMPLE}")
    if entry["metric"] not in (*METRICS, "*"):
        raise ValueError(
            f"{path}: entry {number} has metric {entry['metric']!r}; use {', '.join(METRICS)} or *."
        )
    if type(entry["expires"]) is not date:
        raise ValueError(f"{path}: entry {number} expires {entry['expires']!r}; write 2027-01-31.")
    expired = (today or date.today()) > entry["expires"]
    return Acceptance(**{name: str(entry[name]) for name in FIELDS}, expired=expired)


def accept(
    findings: Iterable[Finding], entries: Iterable[Acceptance]
) -> tuple[list[Finding], list[Acceptance]]:
    """Findings with the reasons they are accepted for, and the entries with what each covers.

    An expired entry covers nothing.
    """
    entries, done = list(entries), []
    for finding in findings:
        for index, entry in enumerate(entries):
            if covers(entry, finding):
                entries[index] = replace(entry, findings=entry.findings + 1)
                finding = replace(finding, accepted=entry.reason, gates=False)
                break
        done.append(finding)
    return done, entries


def covers(entry: Acceptance, finding: Finding) -> bool:
    """Whether an entry speaks of this finding: a regression of its metric beyond doubt."""
    if entry.expired or finding.verdict not in ("regressed", "failed"):
        return False
    if not (finding.confirmed or finding.significant):
        return False
    if entry.metric not in ("*", finding.metric):
        return False
    name = f"{finding.problem}/{finding.estimator}"
    return any(fnmatchcase(n, entry.pattern) for n in (name, f"{name}/{finding.samples}"))
