import numpy as np
import pytest

from benchmarks.calibration import (
    bit_identity,
    calibrate,
    coverage,
    exact_cells,
    false_alarms,
    to_markdown,
)
from benchmarks.calibration.repetitions import cell, measured, repeated
from benchmarks.calibration.table import Line, share
from benchmarks.objective.definition import unvalidated

CELLS = exact_cells.every_cell()


def test_at_least_sixty_cells_from_one_to_a_thousand_parameters():
    assert len(CELLS) >= 60
    assert {len(exact_cell.truth.gradient) for exact_cell in CELLS} >= {1, 2, 10, 100, 1000}
    assert {exact_cell.samples for exact_cell in CELLS} >= {1, 2, 4, 16}


# Tr Cov of the gradients in loc and scale of E (x − k)² at Normal(1, 1), by Gaussian moments.
REFERENCES = {
    ("reinforce", -3): 495 + 1546, ("reinforce", 0): 30 + 136, ("reinforce", 3): 87 + 346,
    ("reinforce-mean", -3): 138 + 696, ("reinforce-mean", 0): 18 + 96,
    ("reinforce-mean", 3): 42 + 216, ("pathwise", -3): 4 + 72, ("pathwise", 0): 4 + 12,
}  # fmt: skip


@pytest.mark.parametrize(("name", "k"), REFERENCES)
def test_variances_are_those_of_the_sources(name, k):
    exact_cell = exact_cells.normal_quadratic(float(k), name)
    assert exact_cell.variance == pytest.approx(REFERENCES[name, k])


def test_discrete_variances_are_those_of_the_sources():
    assert exact_cells.bernoulli(-2.0, 0.45, 1, "reinforce", 1).variance == pytest.approx(
        0.0088652979
    )
    assert exact_cells.bernoulli(-2.0, 0.45, 1, "reinforce-loo", 2).variance == pytest.approx(
        4.147314e-4
    )
    assert exact_cells.concrete(0.1).variance == pytest.approx(0.0861936, rel=1e-5)
    assert exact_cells.concrete(1.0).variance == pytest.approx(0.00481746, rel=1e-5)


SMALL = [exact_cell for exact_cell in CELLS if len(exact_cell.truth.gradient) <= 10]


@pytest.mark.parametrize(
    "exact_cell", SMALL, ids=[f"{i} {exact_cell.name}" for i, exact_cell in enumerate(SMALL)]
)
def test_the_estimator_has_the_exact_mean_and_variance(exact_cell):
    with unvalidated():
        facts = measured(cell(exact_cell, 3)).facts
    assert facts["bias_verdict"] != "biased"
    half = np.log(facts["variance_high"] / facts["variance"])
    assert abs(np.log(facts["variance"] / exact_cell.variance)) <= 2 * half


def test_two_values_with_equal_odds_are_covered():
    with unvalidated():
        covers = [r.covers(0.000625) for r in repeated(exact_cells.even_odds(), range(50), 1000)]
    assert np.mean(covers) >= 0.93


@pytest.mark.parametrize("fault", false_alarms.faults(), ids=lambda fault: fault.name)
def test_faults_are_found_and_their_absence_is_not(fault):
    with unvalidated():
        assert false_alarms.found(fault.before(1), fault.after(1), 2_000)
        assert not false_alarms.found(fault.before(1), fault.before(1), 2_000)
        assert not false_alarms.found(fault.before(1), fault.before(2), 2_000)


def test_reordered_sums_raise_no_alarm():
    with unvalidated():
        assert false_alarms.reordering(5, range).holds


def test_bits():
    for line in bit_identity.lines(2_000, 1):
        assert line.holds, line


def test_canary_is_flagged():
    with unvalidated():
        assert coverage.canary(20, range).holds


def test_shares_hold_within_their_error():
    assert share("A", "", [True] * 95 + [False] * 5, 0.93, 0.97).holds
    assert share("A", "", [True] * 88 + [False] * 12, 0.93, 0.97).holds
    assert not share("A", "", [True] * 80 + [False] * 20, 0.93, 0.97).holds
    assert not share("F", "", [True], 0.0, 0.0).holds
    assert share("F", "", [False], 0.0, 0.0).holds


def test_markdown():
    line = Line("A1", "coverage", 0.95, 0.01, 400, "93–97 %", False)
    assert "| A1 | coverage | 95.00 ± 1.00 % | 400 | 93–97 % | **no** |" in to_markdown([line])


@pytest.mark.study
def test_every_line_of_the_quick_table_holds():
    assert [line for line in calibrate(quick=True) if not line.holds] == []
