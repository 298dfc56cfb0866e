"""The sentence that a regression report begins with, from its findings. Standard library only."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.regression.schema import VERDICTS, Acceptance, Finding

NAMED = 3  # estimators in the sentence


@dataclass(frozen=True)
class Circumstances:
    """What a sentence needs to know beside the findings.

    - `fresh`: whether there were fresh seeds to confirm anything with.
    - `unapplied`: a sentence for each gate that could not be applied.
    - `interrupted`: whether it ended early.
    - `refusal`: of cells that no side measures, a sentence; empty where that says nothing.
    """

    fresh: bool = True
    unapplied: tuple[str, ...] = ()
    interrupted: bool = False
    refusal: str = ""


def sentence(
    verdict: str,
    found: Sequence[Finding],
    expired: Sequence[Acceptance],
    cells: int,
    circumstances: Circumstances,
) -> str:
    """What was found in so many `cells`, and what follows from it."""
    of = f"{cells} cell{'s' if cells != 1 else ''}"
    gating = [f for f in found if f.gates]
    tally = _tally(found) or "nothing to compare"
    late = "".join(
        f" The accepted regression {e.pattern} ({e.metric}) expired on {e.expires}: mend it, or "
        "renew the entry." for e in expired
    )  # fmt: skip
    if gating:
        named = _named(gating)
        more = f"; and {len(named) - NAMED} more" if len(named) > NAMED else ""
        many = "regression" if len(gating) == 1 else "regressions"
        confirmed, significant = f"confirmed {many}", f"significant {many}, not confirmed,"
        kind = confirmed if circumstances.fresh else significant
        start = f"{len(gating)} {kind} in {of}: {'; '.join(named[:NAMED])}{more}."
    else:
        kind = "confirmed" if circumstances.fresh else "significant"
        none = f"No {kind} regression"
        start = {
            "regressed": f"No new regression in {of}, but an acceptance has run out.",
            "failed": f"{none}, but cells fail: {tally}.",
            "undecided": f"{none} in {of}, but not all was decided that was asked: {tally}."
            if circumstances.unapplied
            else f"Nothing was decided in {of}: {tally}.{circumstances.refusal}",
            "passed": f"{none} in {of}: {tally}.",
        }[verdict]  # fmt: skip
    late += "".join(f" {one}" for one in circumstances.unapplied)
    ended = " Interrupted: the other cells were not compared."
    return start + late + ended * circumstances.interrupted


def _tally(found: Iterable[Finding]) -> str:
    """How many of each verdict, where none makes the report fail."""
    words = [f"{f.verdict} but accepted" if f.accepted
             else f"{f.verdict} in {f.metric} alone" if f.verdict == "regressed"
             else f.verdict for f in found]  # fmt: skip
    counts = Counter(sorted(words, key=lambda word: VERDICTS.index(word.partition(" ")[0])))
    return ", ".join(f"{count} {word}" for word, count in counts.items())


def _named(gating: Iterable[Finding]) -> list[str]:
    """Each estimator and metric once, with the cell that is worst."""
    groups: dict[tuple, list[Finding]] = {}
    for finding in gating:  # the worst come first
        groups.setdefault((finding.metric, finding.estimator), []).append(finding)
    said = []
    for (metric, estimator), each in groups.items():
        worst = each[0]
        where = f"{worst.problem}, K = {worst.samples}"
        many = f"in {len(each)} cells, most on {where}" if len(each) > 1 else f"on {where}"
        said.append(f"{metric} of {estimator} {many}: {worst.reason.rstrip('.')}")
    return said
