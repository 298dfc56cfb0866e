"""Trajectories: stages in order, records that know their step, and the interval of the ratio."""

import json

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from benchmarks import problems
from benchmarks.problems import trajectories
from benchmarks.statistics.intervals import snr_interval
from benchmarks.statistics.moments import Rows
from benchmarks.store.store import Store
from gradmeter import main

STEPS = [(0, "posterior-truncated@start"), (40, "posterior-truncated@middle")]
STEPS += [(400, "posterior-truncated")]


def test_a_problem_knows_its_place():
    for step, name in STEPS:
        assert trajectories.place(name) == {"trajectory": "posterior-truncated", "step": step}
    nowhere = {"trajectory": None, "step": None}
    assert trajectories.place("normal-quadratic") == nowhere
    assert trajectories.place("posterior-truncated@elsewhere") == nowhere


def test_the_quick_suite_has_trajectories_by_plain_name():
    quick = trajectories.trained(problems.names("quick"))
    assert "vae-digits-weights" in quick
    assert not any("@" in name for name in trajectories.trained(problems.names("full")))
    assert trajectories.stages(["posterior-truncated"]) == tuple(name for _, name in STEPS)


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    folder = tmp_path_factory.mktemp("trajectory")
    arguments = ["run", "--trajectory", "-p", "posterior-truncated", "-e", "pathwise"]
    arguments += ["-e", "reinforce", "-K", "1", "-R", "200", "--no-timing", "--out", str(folder)]
    return folder, CliRunner().invoke(main, arguments)


def test_the_command_measures_every_stage_and_its_records_know_their_step(ran):
    folder, done = ran
    assert done.exit_code == 0, done.output
    records = list(Store(folder))
    found = {(r["step"], r["problem"]) for r in records if r["trajectory"] == "posterior-truncated"}
    assert found == set(STEPS)
    assert len(records) == 6
    for record in records:
        assert record["snr_low"] <= record["snr"] <= record["snr_high"]
    assert "variance, step 400" in done.output
    assert "SNR, step 40" in done.output


def test_the_report_has_a_page_of_it(ran, tmp_path):
    folder, _ = ran
    assert CliRunner().invoke(main, ["report", str(folder), "--to", str(tmp_path)]).exit_code == 0
    page = (tmp_path / "trajectories.html").read_text()
    assert "posterior-truncated, K = 1" in page
    assert 'href="trajectories.html"' in (tmp_path / "index.html").read_text()


def test_resuming_leaves_out_what_is_there(ran):
    folder, _ = ran
    before = len((folder / "records.jsonl").read_text().splitlines())
    arguments = ["run", "--trajectory", "-p", "posterior-truncated", "-e", "pathwise", "-K", "1"]
    arguments += ["-R", "200", "--no-timing", "--resume", "--out", str(folder)]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    lines = (folder / "records.jsonl").read_text().splitlines()
    assert len(lines) == before
    assert json.loads(lines[0])["trajectory"] == "posterior-truncated"


def test_a_problem_without_stages_is_refused_with_a_sentence():
    done = CliRunner().invoke(main, ["run", "--trajectory", "-p", "posterior-trunkated"])
    assert done.exit_code == 2
    assert "Did you mean 'posterior-truncated'?" in done.output


def rows_of(g: np.ndarray) -> Rows:
    """Replicates g [R, P] as 25 rows of a table."""
    g = torch.from_numpy(g).unflatten(0, (25, -1))
    centre = g.mean((0, 1))
    return Rows.of(g - centre, centre)


@pytest.mark.parametrize("signal", [0.0, 0.05, 1.0])
def test_the_interval_of_the_ratio_covers_it(signal):
    """400 repetitions at a true ratio; a binomial with p = 0.95 is above 0.915 all but always."""
    draw = np.random.default_rng(0)
    truth, covered, values = signal, 0, []
    for _ in range(400):
        g = draw.normal(size=(500, 8)) / 8**0.5
        g[:, 0] += signal
        found = snr_interval(rows_of(g))
        covered += found.low <= truth <= found.high
        values.append(found.value**2)
    assert covered / 400 > 0.915
    if signal == 1.0:
        assert np.mean(values) == pytest.approx(1.0, abs=4 * np.std(values) / 20)


def test_few_rows_have_no_interval():
    one = Rows.of(torch.randn(1, 50, 2, dtype=torch.float64), torch.zeros(2))
    found = snr_interval(one)
    assert found.value >= 0
    assert np.isnan(found.low)
