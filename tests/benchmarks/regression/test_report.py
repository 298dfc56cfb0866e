"""Verdicts on two sides of a cell: pure decisions, without any process."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
import torch

import estimators
from benchmarks import problems
from benchmarks.regression import interface
from benchmarks.regression.accepted import EXAMPLE, accept, read
from benchmarks.regression.effects import Effect, Summary
from benchmarks.regression.judging import Confirmation, Pair, findings
from benchmarks.regression.report import Comparison, Reproduction, command, document, self_check
from benchmarks.regression.repository import Gate
from benchmarks.regression.schema import Finding, Side
from benchmarks.regression.selection import Selection, cells_of
from benchmarks.regression.speed import CellSpeed, memory_effect, speed_effect
from benchmarks.regression.stores import holm
from benchmarks.regression.worker import Work
from benchmarks.running.suite import Suite
from benchmarks.statistics.intervals import jackknife_variances
from benchmarks.statistics.moments import Table
from benchmarks.statistics.random_projections import WIDTH, sketch

TRUTH = np.ones(4)


def draws(seed, count=4000):
    return 1 + np.random.default_rng(seed).normal(size=(count, 4))


def summary(g, seed=0, truth=TRUTH, **record):
    table = Table(len(g) // 40)
    table.add(torch.as_tensor(g))
    rows, whole = table.rows, table.whole()
    found = {
        "problem": "p", "estimator": "e", "config": "{}", "samples": 4, "budget": len(g),
        "precision": None, "seed": seed, "device": "cpu", "dtype": "float64",
        "problem_version": 1, "status": "ok", "variance": float(whole.m2.sum()) / (len(g) - 1),
        "variance_jackknife": jackknife_variances(rows).tolist(),
    }  # fmt: skip
    blocks = {"count": rows.count, "mean": rows.mean, "m2": rows.m2.sum(-1)}
    if truth is not None:
        blocks |= {"truth": truth, "truth_error": np.zeros_like(truth)}
    return Summary.of(found | record, blocks)


def broken(status="error", **record):
    return Summary({**summary(draws(0)).record, "status": status, "reason": "Why.", **record})


def confirmed(change, base_seed=100, head_seed=100):
    """Another measurement of a change of the draws, with four times the replicates."""
    pair = Pair("e", summary(draws(base_seed, 16_000)), summary(change(draws(head_seed, 16_000))))
    return Confirmation(pair, {effect.metric: effect for effect in pair.effects()})


def verdicts(change, head_seed=0):
    pair = Pair("e", summary(draws(0)), summary(change(draws(head_seed)), head_seed))
    found = findings(pair, confirmed(change, 100, 100 + head_seed))
    return {f.metric: (f.verdict, f.confirmed) for f in found}


CHANGES = {
    "none": (lambda g: g, ("identical", None), ("identical", None)),
    "rounding": (lambda g: g.astype(np.float32), ("unchanged", None), ("unchanged", None)),
    "variance": (lambda g: 1 + 1.1**0.5 * (g - 1), ("regressed", True), ("unchanged", None)),
    "less variance": (lambda g: 1 + 0.8 * (g - 1), ("improved", True), ("unchanged", None)),
    "bias": (lambda g: g + 0.02, ("unchanged", None), ("regressed", True)),
    "small": (lambda g: 1.001 * g, ("unchanged", None), ("unchanged", None)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_verdicts_with_common_random_numbers(name):
    change, variance, bias = CHANGES[name]
    assert verdicts(change) == {"variance": variance, "bias": bias}


def test_other_seeds_of_the_same_code_are_unchanged():
    assert verdicts(lambda g: g, head_seed=7) == {
        "variance": ("unchanged", None),
        "bias": ("unchanged", None),
    }


def test_a_mean_that_comes_nearer_to_the_truth_is_an_improvement():
    wrong, right = draws(0) + 0.3, draws(0)
    again = Pair("e", summary(draws(1, 16_000) + 0.3), summary(draws(1, 16_000)))
    second = Confirmation(again, {effect.metric: effect for effect in again.effects()})
    (_, bias) = findings(Pair("e", summary(wrong), summary(right)), second)
    assert (bias.metric, bias.verdict) == ("bias", "improved")
    blind = Pair("e", summary(wrong, truth=None), summary(right, truth=None))
    second = Confirmation(blind, {effect.metric: effect for effect in blind.effects()})
    (_, bias) = findings(blind, second)
    assert bias.verdict == "regressed", "without a truth a mean must not move"


def test_what_is_not_confirmed_does_not_count():
    pair = Pair("e", summary(draws(0)), summary(1 + 1.1**0.5 * (draws(0) - 1)))
    variance, _ = findings(pair, confirmed(lambda g: 1 + 0.99 * (g - 1), 100, 101))
    assert (variance.verdict, variance.confirmed) == ("unstable", False)
    assert variance.replicates_to_decide > 4 * 4000
    over, _ = findings(pair, confirmed(lambda g: 1 + 1.0001 * (g - 1)))
    assert (over.verdict, over.confirmed) == ("unchanged", False)


def test_what_is_too_noisy_is_not_called_unchanged():
    def heavy(seed):
        return np.random.default_rng(seed).standard_t(1.2, size=(2000, 4))

    pair = Pair("e", summary(heavy(0)), summary(heavy(1), 1))
    assert {f.verdict for f in findings(pair, Confirmation())} == {"unstable"}
    assert all(f.replicates_to_decide > 2000 for f in findings(pair, Confirmation()))


def test_exact_estimators_have_no_variance_to_regress():
    exact, shaken = np.ones((2000, 4)), 1 + 1e-15 * draws(0, 2000)
    variance, _ = findings(Pair("e", summary(exact), summary(shaken)), Confirmation())
    assert variance.verdict == "unchanged"
    pair = Pair("e", summary(exact), summary(draws(0, 2000)))
    second = Confirmation(pair, {effect.metric: effect for effect in pair.effects()})
    assert findings(pair, second)[0].verdict == "regressed"


STATUSES = {
    "failed": (summary(draws(0)), broken()),
    "refused": (summary(draws(0)), broken("refused")),
    "not finite": (summary(draws(0)), summary(draws(0), variance=None)),
    "fixed": (broken(), summary(draws(0))),
    "new": (None, summary(draws(0))),
    "removed": (summary(draws(0)), None),
    "both": (broken(), broken()),
    "version": (summary(draws(0)), summary(draws(0), problem_version=2)),
    "blocks": (summary(draws(0)), replace(summary(draws(0)), jackknife=np.ones(20))),
}
EXPECTED = {
    "failed": "failed", "refused": "failed", "not finite": "failed", "fixed": "fixed",
    "new": "new", "removed": "removed", "both": "incomparable", "version": "incomparable",
    "blocks": "incomparable",
}  # fmt: skip


def report(*pairs, seconds=(), **options):
    side = Side("x", "abc", {"torch": "2"})
    found = [f for pair in pairs for f in findings(pair, Confirmation())]
    found += seconds
    comparison = Comparison(side, side, pairs, found, {}, **options)
    return document(comparison, lambda pair: Reproduction("gradmeter regress"))


@pytest.mark.parametrize("name", STATUSES)
def test_statuses(name):
    pair = Pair("e", *STATUSES[name])
    (finding,) = findings(pair, Confirmation())
    assert finding.verdict == EXPECTED[name]
    assert finding.metric == ("variance" if name == "not finite" else "status")
    assert finding.reason
    found = report(pair)
    assert found.cells[0].gates == (finding.verdict == "failed")


@pytest.mark.parametrize(
    ("names", "exit_status"),
    [(["failed"], 1), (["both"], 3), (["fixed"], 0), (["new", "version"], 4), ([], 4)],
)
def test_exit_statuses(names, exit_status):
    found = report(*(Pair("e", *STATUSES[name]) for name in names))
    assert found.exit_status == exit_status
    assert found.to_dict()["sentence"]


def test_failing_with_another_seed_must_happen_again():
    pair = Pair("e", summary(draws(0)), broken(seed=1))
    again = Pair("e", summary(draws(0)), summary(draws(1), 1))
    assert findings(pair, Confirmation(again))[0].verdict == "unstable"
    assert findings(pair, Confirmation(pair))[0].verdict == "failed"


def test_an_interruption_is_no_verdict():
    found = report(Pair("e", *STATUSES["fixed"]), interrupted=True)
    assert (found.verdict, found.exit_status) == ("undecided", 130)
    assert found.sentence.endswith("1 fixed. Interrupted: the other cells were not compared.")


def test_the_command_that_repeats_a_cell():
    pair = Pair("e:temperature=0.1", summary(draws(0)), summary(draws(0)))
    seeds = {"seed": 0, "head_seed": 5}
    assert command("main", "HEAD", pair, seeds, ["my file.py"]) == (
        "gradmeter --with 'my file.py' regress main HEAD -p p -e e:temperature=0.1 -K 4 -R 4000 "
        "--seed 0 --head-seed 5"
    )


def test_a_regression_that_does_not_fail_is_told_apart():
    cell = Pair("e", summary(draws(0)), summary(draws(0)))
    slow = Finding(**cell.cell, metric="speed", verdict="regressed", confirmed=True)
    found = report(cell, seconds=[slow])
    assert (found.exit_status, found.verdict) == (0, "passed")
    assert found.sentence == (
        "No confirmed regression in 1 cell: 1 regressed in speed alone, 2 identical."
    )


@pytest.mark.parametrize("suite", ["quick", "full"])
def test_a_suite_has_the_cells_that_are_run(suite):
    about = Work(interface).about([])
    cells = set(cells_of(Selection(suite=suite).with_gate(Gate()), (about, about)))
    run = Suite(problems.names(suite), tuple(estimators.names(suite)), whole=True)
    assert cells == set(run.cells)


def timings(log_ratio, sd, count, seed=0, memory=1.0):
    rng = np.random.default_rng(seed)
    return [
        CellSpeed(log_ratio + sd * rng.normal(), log_ratio, 1e-6, 1.1e-6, 100, int(100 * memory))
        for _ in range(count)
    ]


def test_speed_over_launches():
    assert speed_effect(timings(0.15, 0.02, 5)).suspicious
    assert speed_effect(timings(0.15, 0.02, 10)).alarm(1e-3)
    assert not speed_effect(timings(0.01, 0.001, 10)).alarm(1e-3), "below the margin"
    assert not speed_effect(timings(0.05, 0.2, 10)).suspicious
    assert memory_effect(timings(0, 0.1, 5, memory=1.5)).suspicious
    assert not memory_effect(timings(0, 0.1, 5, memory=1.02)).suspicious


def test_speed_alarms_of_equal_sides_are_rarer_than_one_in_ten_thousandcells_of():
    rng, cells = np.random.default_rng(0), 2_000
    suspects = 0
    for each in 0.05 * rng.normal(size=(cells, 5)):
        suspects += speed_effect([CellSpeed(x, x, 1, 1, 1, 1) for x in each]).suspicious
    assert suspects / cells < 0.065  # half of them again in the same direction below 1e-3


def test_holm():
    def look(p):
        return Effect("variance", 1, 1, 0.5, p, True, 0.1)

    assert holm([]) == pytest.approx(0.01)
    assert holm([look(0.5)] * 100) == pytest.approx(1e-4)
    level = holm([look(1e-6), look(0.0099), look(0.5)])
    assert look(1e-6).alarm(level)
    assert not look(0.0099).alarm(level)


def test_accepted_regressions_do_not_gate_until_they_expire(tmp_path):
    file = tmp_path / "regressions-accepted.toml"
    file.write_text(EXAMPLE.replace("normal-quadratic/reinforce-ema", "p/e").replace(
        '"variance"', '"*"'))  # fmt: skip
    valid = read(file, date(2027, 1, 31))
    expired = read(file, date(2027, 2, 1))
    failed = Pair("e", *STATUSES["failed"])
    found = report(failed, entries=valid)
    assert (found.exit_status, found.accepted[0].findings) == (0, 1)
    assert found.cells[0].accepted == valid[0].reason
    assert found.sentence == "No confirmed regression in 1 cell: 1 failed but accepted."
    assert report(failed, entries=expired).exit_status == 1
    fine = report(Pair("e", *STATUSES["fixed"]), entries=expired)
    assert fine.exit_status == 1
    assert "expired on 2027-01-31" in fine.sentence
    other = [replace(valid[0], pattern="p/e/1")]
    assert accept(report(failed).cells, other)[1][0].findings == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[accepted]]\npattern = 'a'", "lacks metric, reason"),
        (EXAMPLE + "x = 1", "unknown x"),
        (EXAMPLE.replace("variance", "varience"), "varience"),
        (EXAMPLE.replace("2027-01-31", "'soon'"), "soon"),
        ("a = ", "no TOML"),
    ],
)
def test_mistakes_in_the_acceptances(tmp_path, text, said):
    (tmp_path / "a.toml").write_text(text)
    with pytest.raises(ValueError, match=said):
        read(tmp_path / "a.toml")
    assert read(tmp_path / "none.toml") == []


def test_sketches_keep_short_vectors_and_the_length_of_long_ones():
    x = np.random.default_rng(0).normal(size=(3, WIDTH))
    assert sketch(x) is x
    long = np.random.default_rng(0).normal(size=(20, 5000))
    assert sketch(long).shape == (20, WIDTH)
    ratio = np.linalg.norm(sketch(long), axis=1) / np.linalg.norm(long, axis=1)
    assert abs(ratio - 1).max() < 0.4
    assert abs(ratio.mean() - 1) < 0.08
    np.testing.assert_allclose(sketch(long[0] - long[1]), sketch(long[0]) - sketch(long[1]))


LAWS = {
    "normal": lambda rng, shape: 1 + rng.normal(size=shape),
    "exponential": lambda rng, shape: rng.exponential(size=shape),
    "log-normal": lambda rng, shape: rng.lognormal(0, 0.7, shape),
    "student": lambda rng, shape: 1 + rng.standard_t(5, shape),
    "rare": lambda rng, shape: np.where(rng.random(shape) < 0.1, 9.0, -1.0),
    "log scale": lambda rng, shape: (lambda e: e + e**2)(rng.normal(size=shape)),
}


def unchanged(seed, cells, replicates):
    """One report on unchanged code with other seeds: its confirmed alarms, p-values, self-check."""
    rng = np.random.default_rng([7, seed])
    alarms, p, checks = 0, [], []
    for cell in range(cells):
        law, size = LAWS[list(LAWS)[cell % len(LAWS)]], (1, 4, 30)[cell % 3]

        def side(count, law=law, size=size):
            return summary(law(rng, (count, size)), truth=law_means(law, size))

        pair = Pair("e", side(replicates), side(replicates))
        p += [effect.p for effect in pair.effects()]
        checks.append(pair)
        if any(effect.suspicious for effect in pair.effects()):
            again = Pair("e", side(4 * replicates), side(4 * replicates))
            second = Confirmation(again, {effect.metric: effect for effect in again.effects()})
            found = findings(pair, second)
            alarms += any(f.verdict in ("regressed", "improved") for f in found)
    return alarms, p, self_check(checks)


def law_means(law, size):
    known = {"normal": 1, "exponential": 1, "log-normal": np.exp(0.245), "student": 1, "rare": 0}
    name = next(name for name, value in LAWS.items() if value is law)
    return np.full(size, float(known.get(name, 1)))


def test_a_report_on_unchanged_code_does_not_alarm():
    alarms, p, checked = unchanged(0, 60, 1000)
    assert alarms == 0
    assert (np.array(p) < 0.01).mean() < 0.05
    assert checked["tests"] == 4 * 60
    assert checked["below_0.01"] < 0.05


@pytest.mark.study
def test_two_hundred_reports_on_unchanged_code():
    """F1 and F2: shares of small p-values are nominal, at most 1 report in 100 alarms."""
    reports = [unchanged(seed, 64, 1000) for seed in range(200)]
    alarming = sum(alarms > 0 for alarms, _, _ in reports)
    p = np.concatenate([p for _, p, _ in reports])
    shares = {level: float((p < level).mean()) for level in (0.05, 0.01, 0.001)}
    checked = np.mean([check["below_0.01"] for *_, check in reports])
    print(f"{len(p)} tests, shares {shares}, {alarming} of 200 alarm, self-check {checked:.4f}")
    assert len(p) == 200 * 64 * 2
    assert alarming <= 2
    assert 0.03 < shares[0.05] < 0.06
    assert 0.005 < shares[0.01] < 0.015
    assert shares[0.001] < 0.002
