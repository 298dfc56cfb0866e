"""What only several measurements of one problem can show: means that do not agree."""

from collections.abc import Sequence
from dataclasses import replace

from benchmarks.measuring.measurement import Measurement
from benchmarks.truth.mean_agreement import Means, disagreement
from estimators import Estimator


def cross_checked(
    measured: Sequence[Measurement], estimators: Sequence[Estimator]
) -> list[Measurement]:
    """The same measurements; where no truth is known, a disagreement is in each one's `reason`.

    `estimators` are those that were measured, in this order; only what claims to be unbiased and
    has no heavy tail is held against the others, at the same problem and K.
    """
    groups: dict[tuple, list[int]] = {}
    for index, (one, estimator) in enumerate(zip(measured, estimators, strict=True)):
        if _comparable(one) and estimator.unbiased:
            groups.setdefault((one.problem, one.samples), []).append(index)
    changed = list(measured)
    for places in groups.values():
        names = [measured[i].estimator for i in places]
        cells = [Means.of(_label(measured[i], names), measured[i].blocks) for i in places]
        found = disagreement(cells)
        for place, cell in zip(places, cells, strict=True):
            if found and cell.label in found[1]:
                said = [measured[place].reason, found[0]]
                changed[place] = replace(measured[place], reason=" ".join(filter(None, said)))
    return changed


def _comparable(one: Measurement) -> bool:
    known = one.status == "ok" and one.blocks is not None and not one.heavy_tailed
    return known and one.bias_verdict == "no truth"


def _label(one: Measurement, names: list[str]) -> str:
    """The estimator, with its configuration where one name has several."""
    several = names.count(one.estimator) > 1
    return f"{one.estimator} {one.config}" if several else one.estimator
