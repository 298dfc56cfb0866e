"""Which strategy at which node: a search node by node, and the sentence that it ends in."""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import torch
from torch.distributions import Distribution

import estimators as registry
from benchmarks.measuring.measurement import Measurement
from benchmarks.objective.definition import ProblemError
from benchmarks.objective.program import Program, in_order
from benchmarks.objective.program_laws import Sketch
from estimators import Estimator, create, unknown
from estimators.programs import Strategies

Candidates = Mapping[str, Sequence[Estimator | str] | Estimator | str | None]
Options = Sequence[tuple[Strategies, int]]  # each with its K
Among = Callable[[Options, int, int], Iterable[Measurement]]

PILOT = 2_000  # replicates by which a node's strategies are ranked
MOST_PRODUCT = 32  # combinations up to which all are measured
SMALL = 16  # points of a support that are summed over from the start


def searched(
    program: Program, candidates: Candidates | None, samples: int, replicates: int, among: Among
) -> Iterator[Measurement]:
    """Measurements of the strategies for a program, those of the plainest and the best last.

    - `candidates`: for each node, or nodes joined by commas, its strategies; None, or a node that
      it does not name, means every unbiased one that the node accepts.
    - `among`: measures several of them with at most R, one after the other or in a race; it is told
      how many such turns there may still be.

    Few combinations are all measured. Otherwise each node in turn gets the one that has the least
    variance at equal time while the others stay as they are, from pathwise and enumeration where
    they can be.
    """
    combined, choices = Combined(program, samples), _choices(program, candidates)

    def measured(each: Sequence[Mapping], turns: int, most: int = replicates):
        return among([combined.strategies(nodes) for nodes in each], min(replicates, most), turns)

    if candidates and all(choices.values()):
        product = list(itertools.product(*choices.values()))
        if len(product) <= MOST_PRODUCT:
            yield from measured([dict(zip(choices, names, strict=True)) for names in product], 1)
            return
    best = {key: _start(program, key, given) for key, given in choices.items()}
    for turn, (key, given) in enumerate(choices.items()):
        names, rows = given or combined.accepted(key), {}
        options = [best | {key: name} for name in names]
        for name, row in zip(names, measured(options, len(choices) - turn + 1, PILOT), strict=True):
            rows[name] = row
            yield row
        chosen = min(rows, key=lambda name, rows=rows: _work(rows[name]), default=best[key])
        if chosen in rows and rows[chosen].status == "ok":
            best[key] = chosen
    yield from measured([{"*": "reinforce-loo"}, best], 1)


def sentence(rows: Sequence[Measurement], last: int | None = None) -> str:
    """What the rows come to: the best strategies, and how much less variance at equal time.

    It is said of the `last` rows; None: of those with most replicates.
    """
    most = max((m.replicates for m in rows if m.status == "ok"), default=0)
    fair = [m for m in rows if m.status == "ok" and m.bias_verdict != "biased"]
    final = [
        m
        for m in fair
        if (m.replicates == most if last is None else any(m is one for one in rows[-last:]))
    ]
    if not final:
        return "No strategy was measured that is not shown to be biased."
    best = min(final, key=_work)
    said = _by_node(best.estimator)
    plain = [m for m in final if m.estimator == "*=reinforce-loo" and m is not best]
    other = plain or sorted((m for m in final if m is not best), key=_work)
    if best.variance == 0:
        return f"{said}: exact, without noise.{_biased(rows)}"
    if not other:
        return f"{said}.{_biased(rows)}"
    logs = [math.log(m.work_variance_high / m.work_variance_low) / 2 for m in (best, other[0])]
    value, half = other[0].work_variance / best.work_variance, math.hypot(*logs)
    interval = f"{value:.3g} [{value * math.exp(-half):.3g}, {value * math.exp(half):.3g}]"
    return (
        f"{said}: {interval} × less variance at equal time than "
        f"{_by_node(other[0].estimator)}.{_biased(rows)}"
    )


def _by_node(title: str) -> str:
    if title.startswith("*="):
        return f"{title.removeprefix('*=')} for all"
    return ", ".join(part.replace("=", " by ", 1) for part in title.split(", "))


def _biased(rows: Sequence[Measurement]) -> str:
    named = dict.fromkeys(m.estimator for m in rows if m.bias_verdict == "biased")
    return "".join(f" Biased: {_by_node(title)}." for title in named)


def _work(m: Measurement) -> tuple[float, float]:
    """What ranks: variance × seconds; where there is no variance, seconds."""
    if m.status != "ok" or m.bias_verdict == "biased" or math.isnan(m.seconds):
        return math.inf, math.inf
    return m.work_variance, m.seconds


def _choices(program: Program, candidates: Candidates | None) -> dict[str, list | None]:
    families = dict.fromkeys(name.partition(".")[0] for name in program.nodes)
    given = dict(candidates or {})
    named = {part.strip() for key in given for part in key.split(",")}
    for part in named - {"*", *program.nodes, *families}:
        raise ProblemError(f"Program {program.name!r}: {unknown('node', part, program.nodes)}")
    rest = [] if "*" in named else [name for name in families if name not in named]
    found = {}
    for key, names in {**given, **dict.fromkeys(rest)}.items():
        if isinstance(names, str | Estimator):
            names = [names]
        found[key] = list(names) if names is not None else None
    order = in_order(program, Strategies.of(dict.fromkeys(found, "reinforce"))).nodes
    return {key: found.get(key, found.get(key.replace(",", ", "))) for key in order}


def _start(program: Program, key: str, given: list | None) -> Estimator | str:
    if given:
        return given[0]
    for place in program.family.layout.places:
        if key in ("*", place.name, place.name.partition(".")[0]):
            if place.moves:
                return "pathwise"
            if place.table is not None and len(place.table) <= SMALL:
                return "enumeration"
    return "reinforce-loo"


class Combined:
    """Strategies of a program put together, each with as many samples as it takes."""

    def __init__(self, program: Program, samples: int):
        self.program, self.samples = program, samples
        leaves = {k: v.detach().clone().requires_grad_() for k, v in program.parameters.items()}
        sketch = Sketch()
        with torch.random.fork_rng(devices=[]):
            program.family.execute(sketch, **leaves)
        self.laws: dict[str, Distribution] = {}
        for name, law in sketch.laws.items():
            self.laws[name] = law
            self.laws.setdefault(name.partition(".")[0], law)

    def accepted(self, key: str) -> list[str]:
        """The unbiased estimators that a node accepts."""
        names = [name for name in registry.names() if create(name).unbiased]
        return [name for name in names if self.count(key, name) is not None]

    def count(self, key: str, name: Estimator | str) -> int | None:
        """K of an estimator at a node: what is asked for, else two, else None: it refuses."""
        estimator = create(name) if isinstance(name, str) else name
        law = self.laws.get(key)
        if law is None:  # of several nodes
            law = self.program.differentiable_dist()
        for samples in dict.fromkeys((self.samples, 2)):
            if estimator.unsupported(law, samples) is None:
                return samples
        return None

    def strategies(self, nodes: Mapping[str, Estimator | str]) -> tuple[Strategies, int]:
        """Strategies and K: the product, where a node takes another number than is asked for."""
        counts = {key: self.count(key, name) or self.samples for key, name in nodes.items()}
        if set(counts.values()) == {self.samples}:
            return in_order(self.program, Strategies.of(nodes)), self.samples
        strategies = in_order(self.program, Strategies.of(nodes, counts))
        return strategies, math.prod(counts.values())
