"""Other people's distributions, each measured or refused: `python -m benchmarks.peers.wild`.

Needs the extra `wild`; a package that is not installed is left out. To add one: a function that
returns rows, with its name in `LIBRARIES`.
"""

import argparse
import importlib.metadata
import sys
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from benchmarks.machine.timing import one_thread
from benchmarks.measuring.measure import measure
from benchmarks.measuring.prepare import prepare
from benchmarks.objective.definition import ProblemError
from benchmarks.peers import wild_numpyro, wild_others, wild_pyro
from benchmarks.peers.wild_rows import Row

LIBRARIES: dict[str, Callable[[], list[Row]]] = {  # by the name of the package
    "pyro-ppl": wild_pyro.rows,
    "zuko": wild_others.of_zuko,
    "torchrl": wild_others.of_torchrl,
    "gpytorch": wild_others.of_gpytorch,
    "power_spherical": wild_others.of_power_spherical,
    "normflows": wild_others.of_normflows,
    "numpyro": wild_numpyro.rows,
}
ESTIMATORS = ("pathwise", "implicit", "reinforce-loo", "reinforce-optimal", "finite-differences",
              "enumeration")  # fmt: skip
SAMPLES, REPLICATES = 4, 2000
SHOWN = 3  # numbers of a gradient
HEAD = """# Other people's distributions

Written by `python -m benchmarks.peers.wild --to docs/wild.md` from the packages that are installed
(the extras `wild` and `jax`: {versions}), with torch {torch}.
Each class is built from example parameters and measured with a cost: Σ (x − ½)², Σ cos x where
tails are heavy or x an angle, Σ i x_i for directions and choices. K = {samples}, R = {replicates}.
The exact gradient is that of E[cost] in closed form, written down beside the class, or what the
suite finds for itself (a sum over the support, a quadrature, or two estimators of different kinds
that agree); its first {shown} numbers stand here.

In the columns of the estimators: *unbiased*, *undetermined* (nothing speaks against it, and R is
too small to exclude a bias of 2 %), *biased* or *no truth*; *refused* is a refusal, whose reason
`gradmeter compare` gives. Where a class is refused as a whole, its sentence stands in the row.

torchrl's wheel brings a top-level folder `benchmarks` of its own, which hides gradmeter's where
both are installed side by side; from the root of the repository, this command finds the right one.

Where *biased* stands: straight-through samples have a path that is not theirs, by design; a finite
difference is off by its step, which shows where there is no noise (a point mass).

{summary}
"""


@dataclass(frozen=True)
class Outcome:
    """What became of a class: measured, with a verdict for each estimator, or refused."""

    library: str
    name: str
    exact: str = ""
    method: str = ""
    verdicts: tuple[str, ...] = ()
    refusal: str = ""
    wrong: tuple[str, ...] = ()  # estimators that claim to be unbiased, and are called biased

    @property
    def line(self) -> str:
        """The row of the table."""
        if self.refusal:
            return f"| {self.name} | refused: {self.refusal} |" + " |" * (1 + len(ESTIMATORS))
        return f"| {self.name} | {self.exact} | {self.method} | {' | '.join(self.verdicts)} |"


def outcome(library: str, row: Row) -> Outcome:
    """Measure a class with each of the `ESTIMATORS`. Exceptions other than refusals go through."""
    problem = row.problem()
    try:
        truth = prepare(problem).truth
    except ProblemError as refusal:
        return Outcome(library, row.name, refusal=str(refusal).replace("|", "\\|"))
    verdicts, wrong = [], []
    for name in ESTIMATORS:
        found = measure(problem, name, SAMPLES, REPLICATES, timed=False)
        verdicts.append({"ok": found.bias_verdict, "error": "error"}.get(found.status, "refused"))
        if found.bias_verdict == "biased":
            wrong.append(name)
    if truth is None:
        return Outcome(library, row.name, "–", "none", tuple(verdicts), wrong=tuple(wrong))
    numbers = [f"{float(value):.4g}" for value in truth.gradient[:SHOWN]]
    more = ", …" if len(truth.gradient) > SHOWN else ""
    exact = f"({', '.join(numbers)}{more})"
    return Outcome(library, row.name, exact, truth.method, tuple(verdicts), wrong=tuple(wrong))


def page(outcomes: list[Outcome]) -> str:
    """The document: a table for each library, and what it adds up to."""
    libraries = list(dict.fromkeys(one.library for one in outcomes))
    measured = [one for one in outcomes if not one.refusal]
    exact = [one for one in measured if one.method != "none"]
    wrong = [one for one in outcomes if one.wrong]
    summary = (
        f"{len(outcomes)} classes: {len(measured)} measured, {len(exact)} of them beside an exact "
        f"gradient, {len(outcomes) - len(measured)} refused in a sentence, none with a traceback; "
        f"{len(wrong)} where an estimator is called biased"
    )
    summary += f" ({', '.join(one.name for one in wrong)})." if wrong else "."
    versions = ", ".join(f"{lib} {importlib.metadata.version(lib)}" for lib in libraries)
    parts = [HEAD.format(
        versions=versions, torch=torch.__version__.partition("+")[0], samples=SAMPLES,
        replicates=f"{REPLICATES:,}", shown=SHOWN, summary=summary,
    )]  # fmt: skip
    for library in libraries:
        head = f"| class | exact gradient | by | {' | '.join(ESTIMATORS)} |"
        rule = "|---" * (3 + len(ESTIMATORS)) + "|"
        lines = [one.line for one in outcomes if one.library == library]
        parts.append("\n".join([f"## {library}", "", head, rule, *lines, ""]))
    return "\n".join(parts)


def installed() -> dict[str, Callable[[], list[Row]]]:
    """Those of the `LIBRARIES` that can be imported here."""
    found = {}
    for name, rows in LIBRARIES.items():
        try:
            rows()
        except ImportError:
            continue
        found[name] = rows
    return found


def main() -> None:
    """Write the page to `--to`, or print it."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--to", type=Path, help="where the page is written; else it is printed")
    parser.add_argument("--only", default="", help="classes whose name has this in it")
    parser.add_argument("--library", default="", help="packages whose name has this in it")
    given = parser.parse_args()
    outcomes = []
    with one_thread(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the packages
        for library, rows in installed().items():
            wanted = given.library in library
            chosen = [row for row in rows() if wanted and given.only in row.name]
            for row in chosen:
                outcomes.append(outcome(library, row))
                print(library, outcomes[-1].line, file=sys.stderr, flush=True)
    text = page(outcomes)
    if given.to:
        given.to.write_text(text)
    else:
        print(text)


if __name__ == "__main__":
    main()
