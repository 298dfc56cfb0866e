"""Series over commits: steps where the intervals say so and nowhere else; asv shows the same."""

import importlib.util
import json
import subprocess
import sys

import pandas
import pytest
from planted_history import COMMITS, at, scaled, stepped, stored
from planted_records import record, refused

from reports import terminal
from reports.exports import asv
from reports.frames import commit_series
from reports.frames.load import complete
from reports.pages import trends
from reports.text.rendering import write_as


def steps(*rows: dict) -> list[commit_series.Step]:
    (one,) = commit_series.series(stored([at(row, number) for number, row in enumerate(rows)]))
    return one.steps


def test_a_step_is_named_once_with_its_commit_and_interval():
    row, more = record("toy", "a"), scaled(record("toy", "a"), 1.2, 1e-4)
    (step,) = steps(row, row, more, more, more)
    assert (step.revision, step.kind) == (COMMITS[2], "worse")
    assert step.text.startswith("variance × 1.2")
    assert step.ratio[1] < 1.2 < step.ratio[2]
    assert [step.kind for step in steps(row, more, row)] == ["worse", "better"]


def test_noise_within_the_intervals_is_no_step():
    rows = [record("toy", "a", variance=1 + 0.01 * number, seed=number) for number in range(6)]
    assert steps(*rows) == []


def test_a_change_below_one_per_cent_is_no_step_however_sure():
    row = record("toy", "a")
    assert steps(row, scaled(row, 1.005, 1e-6)) == []
    assert len(steps(row, scaled(row, 1.02, 1e-6))) == 1


def test_a_slow_drift_is_a_step_in_the_end():
    row = record("toy", "a")
    drift = [scaled(row, 1.006**number, 1e-5, number) for number in range(6)]
    assert [step.revision for step in steps(*drift)] == [COMMITS[2], COMMITS[4]]


def test_the_level_is_shared_by_all_comparisons():
    row = record("toy", "a")
    borderline = scaled(row, 1.05, 0.0024)
    assert len(steps(row, borderline)) == 1
    others = [at(record("toy", f"b{i}"), number) for i in range(100) for number in range(2)]
    found = commit_series.series(stored([at(row, 0), at(borderline, 1), *others]))
    assert not any(one.steps for one in found)


def test_statuses_and_verdicts_on_bias_step():
    row = record("toy", "a")
    biased = row | {"bias_verdict": "biased", "bias_p": 1e-9}
    assert [step.text for step in steps(row, biased, row)] == ["biased", "bias gone"]
    failed = refused("toy", "a", status="error")
    assert [(s.kind, s.text) for s in steps(row, failed, row)] == [
        ("worse", "ok → error"),
        ("better", "error → ok"),
    ]
    assert steps(record("toy", "a", variance=0.0), record("toy", "a", variance=0.0)) == []


def test_heavy_tails_are_said():
    row = record("toy", "a", heavy_tailed=True)
    assert "heavy-tailed" in steps(row, scaled(row, 2, 1e-3))[0].text


def test_revisions_are_in_the_order_of_measuring_and_dirty_ones_stand_apart():
    row = record("toy", "a")
    rows = [at(row, 2), at(row, 0), at(row, 1), at(row, 1, dirty=True)]
    (one,) = commit_series.series(stored(rows))
    assert commit_series.revisions([one]) == [COMMITS[0], COMMITS[1], f"{COMMITS[1]}+", COMMITS[2]]
    assert commit_series.short(f"{'ab' * 20}+") == "abababab+"
    assert commit_series.short("0.1.0") == "0.1.0"


def test_of_two_records_at_one_commit_the_last_counts():
    first, last = record("toy", "a"), scaled(record("toy", "a"), 3)
    (one,) = commit_series.series(stored([at(first, 0), at(last, 0)]))
    assert [value for value, _, _ in one.values()] == [3.0]


def test_a_new_version_of_a_problem_is_another_series():
    row = record("toy", "a")
    found = commit_series.series(
        stored([at(row, 0), at(scaled(row, 5) | {"problem_version": "2"}, 1)])
    )
    assert [len(one.rows) for one in found] == [1, 1]


def test_records_without_commit_or_time_make_a_series_too():
    row = {key: value for key, value in record("toy", "a").items() if key != "context"}
    (one,) = commit_series.series(complete(pandas.DataFrame([row])))
    assert commit_series.revisions([one]) == ["unknown"]
    terminal.print_rows(commit_series.table([one], "seconds"), commit_series.summary([one]))


def test_the_page_and_the_numbers_are_written(tmp_path):
    found = commit_series.series(stepped({"normal-quadratic": 16.0}))
    page = write_as(tmp_path / "trends.html", found, trends.FORMATS).read_text()
    assert "1 step in 1 cell" in page
    assert "variance × 1.2" in page
    frame = pandas.read_csv(write_as(tmp_path / "trends.csv", found, trends.FORMATS))
    assert len(frame) == 4 * len(found)
    assert frame["step"].notna().sum() == 1
    with pytest.raises(ValueError, match=r"html or \.csv"):
        write_as(tmp_path / "trends.txt", found, trends.FORMATS)


def test_patterns_choose_and_a_wrong_one_is_said():
    frame = stepped({"normal-quadratic": 16.0})
    assert set(commit_series.chosen(frame, ["normal-*"], ["path*"])["estimator"]) == {"pathwise"}
    with pytest.raises(ValueError, match="No estimator of this store matches nobody"):
        commit_series.chosen(frame, [], ["nobody"])


@pytest.fixture(scope="module")
def repository(tmp_path_factory):
    """A git repository with three commits, and their hashes."""
    folder = tmp_path_factory.mktemp("repository")
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b.c"]
    subprocess.run([*git, "init", "-q", "-b", "trunk"], check=True)
    for number in range(3):
        message = [*git, "commit", "-q", "--allow-empty", "-m", str(number)]
        subprocess.run(message, check=True)
    log = subprocess.run([*git, "log", "--format=%H"], check=True, capture_output=True, text=True)
    return folder, log.stdout.split()[::-1]


@pytest.fixture(scope="module")
def exported(repository, tmp_path_factory):
    """An asv project of three commits: a step, a failure, a refusal."""
    folder, commits = repository
    rows = []
    for number, commit in enumerate(commits):
        loo = record("toy", "reinforce-loo", 4)
        cells = [
            record("toy", "pathwise"),
            scaled(loo, 1.5, 1e-4) if number else loo,
            refused("toy", "reinforce-loo", 1),
            refused("toy", "disarm", 4, "error") if number == 2 else record("toy", "disarm", 4),
        ]
        rows += [at(row, number, commit=commit) for row in cells]
    rows.append(at(record("toy", "pathwise", variance=7.0), 4, commit=commits[2], dirty=True))
    project = tmp_path_factory.mktemp("asv")
    sentence = asv.export(commit_series.series(stored(rows)), project, folder)
    assert "2 benchmarks at 3 commits" in sentence
    return project, commits


def _asv(*arguments: str, folder) -> str:
    command = [sys.executable, "-m", "asv", *arguments]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_what_asv_reads_holds_the_values_of_the_records(exported):
    project, commits = exported
    (path,) = (project / "results" / "bench").glob(f"{commits[1][:8]}-*.json")
    document = json.loads(path.read_text())
    values, params, *_ = document["results"]["toy.track_variance"]
    cells = dict(zip([(a, b) for a in params[0] for b in params[1]], values, strict=True))
    assert cells["'reinforce-loo'", "4"] == 1.5
    assert cells["'pathwise'", "1"] == 1.0
    assert cells["'pathwise'", "4"] != cells["'pathwise'", "4"]


@pytest.mark.skipif(importlib.util.find_spec("asv") is None, reason="asv is not installed")
def test_asv_compares_and_publishes_the_same_series(exported):
    project, commits = exported
    said = _asv("compare", commits[0], commits[2], "--only-changed", folder=project)
    changed = {line.split("|")[5].strip(): line for line in said.splitlines() if "toy." in line}
    assert set(changed) == {
        "toy.track_variance('reinforce-loo', 4)",
        "toy.track_variance('disarm', 4)",
        "toy.track_seconds('disarm', 4)",
    }
    assert "1.50" in changed["toy.track_variance('reinforce-loo', 4)"]
    assert "failed" in changed["toy.track_variance('disarm', 4)"]
    _asv("publish", folder=project)
    regressions = json.loads((project / "html" / "regressions.json").read_text())["regressions"]
    assert [name for name, *_ in regressions] == ["toy.track_variance('reinforce-loo', 4)"]


def test_asv_needs_a_repository_and_a_commit(tmp_path, repository):
    rows = [at(record("toy", "a"), 0)]
    with pytest.raises(ValueError, match="--repo"):
        asv.export(commit_series.series(stored(rows)), tmp_path / "out", tmp_path)
    nothing = commit_series.series(stored([at(record("toy", "a"), 0, dirty=True)]))
    with pytest.raises(ValueError, match="asv has nothing to show"):
        asv.export(nothing, tmp_path / "out", repository[0])
