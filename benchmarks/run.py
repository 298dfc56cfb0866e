"""Run a suite: every cell (problem × K × estimator) becomes a record in the store."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase

import torch

import estimators
from benchmarks import problems
from benchmarks.checks import check
from benchmarks.context import context
from benchmarks.measured import measure_checked
from benchmarks.measurement import Measurement
from benchmarks.problem import Problem
from benchmarks.results import Store, identity
from benchmarks.truth import Truth, find_truth

CAP = 1_000_000  # replicates at which a run to a given precision ends, unless told otherwise
WING = re.compile(r"estimators\.\w+\.")


@dataclass(frozen=True)
class Suite:
    """What is to be measured; everything here is in the identity of the records."""

    problems: tuple[str, ...]
    estimators: tuple[str, ...]
    samples: tuple[int, ...] = (1, 4)
    replicates: int | None = None  # the problem says, unless given
    precision: float | None = None
    seed: int = 0
    device: str = "cpu"
    whole: bool = False  # with the estimators that only some problems add

    @property
    def cells(self) -> list[tuple[str, int, str]]:
        """(problem, K, estimator) of every cell, in the order they are run."""
        return [
            (p, k, e)
            for p in self.problems
            for k in self.samples
            for e in (*self.estimators, *(problems.also(p) if self.whole else ()))
        ]

    def budget(self, problem: str) -> int:
        """The most replicates spent on a cell of a problem."""
        return self.replicates or (CAP if self.precision else problems.replicates(problem))


def shelf(suite: str) -> list[str]:
    """The estimators of a suite: all, or for "quick" without those in the wings of the package.

    The wings are the packages inside `estimators`; what other code registers is always in.
    """
    homes = {name: type(estimators.create(name)).__module__ for name in estimators.names()}
    wings = {name for name, home in homes.items() if WING.match(home)}
    return [name for name in homes if suite == "full" or name not in wings]


def choose(kind: str, patterns: tuple[str, ...], known: list[str]) -> tuple[str, ...]:
    """The `known` names matched by any pattern (all of them without one), in their order.

    A name with fields, such as "gumbel-softmax:temperature=0.1", stands for itself.
    ValueError names a pattern that matches nothing, with a suggestion.
    """
    exact = tuple(pattern for pattern in patterns if ":" in pattern)
    for name in exact:
        estimators.create(name)
    if exact and len(exact) == len(patterns):
        return exact
    patterns = tuple(pattern for pattern in patterns if pattern not in exact)
    for pattern in patterns:
        if not any(fnmatchcase(name, pattern) for name in known):
            raise ValueError(estimators.unknown(kind, pattern, known))
    chosen = (n for n in known if not patterns or any(fnmatchcase(n, p) for p in patterns))
    return (*chosen, *exact)


def run(
    suite: Suite,
    store: Store,
    resume: bool = False,
    per_parameter: bool = False,
    starting: Callable[[str, int, str], None] = lambda *cell: None,
) -> Iterator[Measurement]:
    """Measure the cells of `suite`, append each to `store`, and yield it.

    With `per_parameter`, each parameter's numbers are stored beside the record. With `resume`,
    cells whose last record is not an error are left out. A problem that cannot be
    measured gives a record with status "error" for each of its cells; the others go on.
    """
    done = _done(store) if resume else set()
    where = context()
    for name in suite.problems:
        subject = _Subject.of(name)
        for problem, samples, estimator in suite.cells:
            if problem != name or _identity(suite, subject, samples, estimator) in done:
                continue
            starting(name, samples, estimator)
            measurement = subject.measure(suite, samples, estimator)
            if per_parameter and measurement.parameters is not None:
                file = store.beside(measurement.record, measurement.parameters)
                measurement = replace(measurement, per_parameter=file)
            store.append({**measurement.record, "context": where})
            yield measurement


@dataclass(frozen=True)
class _Subject:
    """A problem with its truth, or the sentence that says why it cannot be measured."""

    name: str
    problem: Problem | None = None
    truth: Truth | None = None
    mistake: str | None = None

    @classmethod
    def of(cls, name: str) -> "_Subject":
        try:
            problem = problems.load(name)
            check(problem)
            return cls(name, problem, find_truth(problem))
        except Exception as mistake:  # whatever it is, it must not stop the sweep
            return cls(name, mistake=f"{type(mistake).__name__}: {mistake}")

    def measure(self, suite: Suite, samples: int, estimator: str) -> Measurement:
        if self.mistake is None:
            return measure_checked(
                self.problem, self.truth, estimator, samples, suite.budget(self.name), suite.seed,
                suite.device, torch.float64, suite.precision,
            )  # fmt: skip
        return Measurement(
            **_facts(suite, self, samples, estimator), status="error", reason=self.mistake
        )


def _facts(suite: Suite, subject: _Subject, samples: int, estimator: str) -> dict:
    return {
        "problem": subject.name,
        "problem_version": subject.problem.version if subject.problem else 1,
        "estimator": str(estimators.create(estimator)),
        "config": estimators.create(estimator).config_json,
        "samples": samples,
        "replicates": suite.budget(subject.name),
        "budget": suite.budget(subject.name),
        "precision": suite.precision,
        "seed": suite.seed,
        "device": suite.device,
        "dtype": "float64",
    }


def _identity(suite: Suite, subject: _Subject, samples: int, estimator: str) -> tuple:
    return identity(_facts(suite, subject, samples, estimator))


def _done(store: Store) -> set[tuple]:
    if not store.path.exists():
        return set()
    return {key for key, record in store.latest().items() if record["status"] != "error"}
