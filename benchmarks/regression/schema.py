"""The verdict document of a regression report: what `verdict.json` holds and pages are made of.

Standard library only: whoever renders a report needs neither torch nor the code that made it.
Changes are relative to the base: 0.1 is 10 % more. A null is "not known" or "does not apply".
"""

from dataclasses import asdict, dataclass, field
from typing import NotRequired, TypedDict

from benchmarks.store.store import strict

SCHEMA = 1

METRICS = ("bias", "status", "variance", "speed", "memory")  # the worst first
VERDICTS = (
    "failed",  # worked and was finite, does not or is not now: always a regression
    "regressed",
    "unstable",  # a change was suspected or could be hidden, and this budget cannot tell
    "improved",
    "fixed",  # failed or was refused, works now
    "unchanged",  # other bits, no material change
    "identical",  # the same bits
    "new",
    "removed",
    "incomparable",
)
OVERALL = (
    "regressed",  # a regression of a metric in `fail_on`, confirmed or significant: 1
    "failed",  # cells fail on both sides, or could not be measured: 3
    "undecided",  # nothing could be compared or decided: 4
    "passed",  # none of these: 0
)
EXIT = {"passed": 0, "regressed": 1, "failed": 3, "undecided": 4}
INTERRUPTED = 130  # whatever the verdict on what was finished


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One metric of one cell, the base against the head.

    `base_value` and `head_value` are: variance, the trace; bias, ‖E ĝ − g‖ / ‖g‖ with its noise
    taken out (null without a truth); speed, seconds of CPU time per estimate; memory, peak bytes
    of a block; status, "ok", "refused" or "error". `ratio` is head / base with its 95 % interval
    (null for bias and status). `change` is what was held against the margin: ratio − 1, or for bias
    ‖E head − E base‖ / ‖g‖.
    """

    problem: str
    estimator: str
    config: str
    samples: int
    budget: int
    precision: float | None = None
    seed: int
    device: str
    dtype: str
    problem_version: int | str  # a number; of a problem in a file, a text made of it
    generator: str | None = None  # of random numbers, beside torch's
    metric: str
    verdict: str
    base_value: float | str | None = None
    head_value: float | str | None = None
    ratio: float | None = None
    ratio_low: float | None = None
    ratio_high: float | None = None
    change: float | None = None
    p: float | None = None  # of the screening
    confirmed: bool | None = None  # on fresh seeds or launches; null: no need to
    significant: bool = False  # beyond doubt among all comparisons, without fresh seeds to confirm
    gates: bool = False  # this finding makes the report fail
    minimum_effect: float | None = None  # the smallest change found here with 99 % power
    replicates_to_decide: int | None = None  # for unstable: R at which it would be decided
    reason: str | None = None  # one sentence
    reproduce: str | None = None  # a command
    unreproducible: str | None = None  # why there is none
    accepted: str | None = None  # why this regression is acknowledged
    wall: float | None = None  # speed: the ratio by the wall clock


@dataclass(frozen=True)
class Side:
    """What was compared: the name given, the commit it stands for, and where it was measured."""

    name: str
    commit: str | None
    context: dict


@dataclass(frozen=True)
class Acceptance:
    """An entry of regressions-accepted.toml, and how many findings it covers."""

    pattern: str
    metric: str
    reason: str
    commit: str
    expires: str
    expired: bool = False
    findings: int = 0


class Completeness(TypedDict):
    """How much was compared.

    `refused` cells are refused on both sides; `verdicts` counts the `findings` by verdict; `lost`
    is a sentence for each file of which something could not be read.
    """

    cells: int
    refused: int
    findings: int
    verdicts: dict[str, int]
    lost: NotRequired[list[str]]


@dataclass(frozen=True)
class Document:
    """A whole report. `cells` is sorted: what matters most first."""

    verdict: str
    sentence: str
    exit_status: int
    base: Side
    head: Side
    completeness: Completeness
    cells: list[Finding]
    # of each metric the "best", "median" and "worst" of the cells compared
    minimum_effect: dict[str, dict[str, float | None]]
    # compared (what with what), tests, below_0.05, below_0.01, below_0.001
    self_check: dict[str, str | int | float | None]
    # {"field", "base", "head"} where they differ
    environment: list[dict[str, str | int | float | bool | None]]
    settings: dict  # fail_on, margins, levels, confirmation, seed, head_seed, replicates, …
    accepted: list[Acceptance] = field(default_factory=list)
    unapplied: list[str] = field(default_factory=list)  # a sentence for each gate of no use
    schema: int = SCHEMA

    def to_dict(self) -> dict:
        """Plain values as JSON can hold them."""
        return strict(asdict(self))
