"""Store against store: what may be said of numbers that cannot be measured again."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.machine.environment import context
from benchmarks.regression.stores import Chosen, compare_stores
from benchmarks.store.store import Store
from gradmeter import main

HERE = context() | {"dirty": False, "plugins": None}
OTHER = {"processor": {"cpu": "another"}, "version": {"torch": "2.6.0"}, "threads": {"threads": 8}}
R, ROWS = 2048, 64


def fill(folder, cells=("a",), seed=0, change=lambda g: g, where=HERE, **values):
    """A store of cells with blocks, whose gradients are normal: mean 1 and variance 3."""
    store = Store(folder)
    for number, name in enumerate(cells):
        draws = change(np.random.default_rng([seed, number]).normal(1, 1, (ROWS, R // ROWS, 3)))
        mean, flat = draws.mean(1), draws.reshape(-1, 3)
        m2 = np.square(draws - mean[:, None]).sum((1, 2))
        without = [
            np.delete(draws, row, 0).reshape(-1, 3).var(0, ddof=1).sum() for row in range(ROWS)
        ]
        record = {
            "problem": "normal-quadratic", "estimator": name, "config": "{}", "samples": 1,
            "budget": R, "replicates": R, "seed": seed, "device": "cpu", "dtype": "float64",
            "problem_version": 1, "status": "ok", "variance": flat.var(0, ddof=1).sum(),
            "variance_jackknife": without, "seconds": 1e-6, "seconds_low": 0.99e-6,
            "seconds_high": 1.01e-6, "peak_memory_bytes": 2**20, "context": where, **values,
        }  # fmt: skip
        blocks = {"count": np.full(ROWS, R // ROWS), "mean": mean, "m2": m2}
        blocks |= {"truth": np.ones(3), "truth_error": np.zeros(3)}
        store.append(record | {"per_block": store.beside(record, blocks, "blocks")})
    return str(folder)


def compared(base, head, **chosen):
    document = compare_stores(base, head, Chosen(**chosen)).to_dict()
    return document, {(f["estimator"], f["metric"]): f for f in document["cells"]}


def test_only_fresh_seeds_confirm(tmp_path):
    base = fill(tmp_path / "base")
    head = fill(tmp_path / "head", change=lambda g: 1 + 1.1 * (g - 1))
    document, found = compared(base, head)
    worse = found["a", "variance"]
    assert (worse["verdict"], worse["confirmed"], worse["significant"]) == (
        "regressed",
        False,
        True,
    )
    assert worse["gates"]
    assert document["exit_status"] == 1
    assert document["sentence"].startswith("1 significant regression, not confirmed, in 1 cell")
    assert "Confirmed" not in document["sentence"]
    assert "not confirmed" in worse["reason"]


def test_unchanged_is_what_lies_inside_the_margin(tmp_path):
    base = fill(tmp_path / "base")
    _, found = compared(base, fill(tmp_path / "alike", change=lambda g: g * (1 + 1e-6)))
    assert {found["a", name]["verdict"] for name in ("variance", "bias")} == {"unchanged"}
    document, found = compared(base, fill(tmp_path / "seeds", seed=1))
    open_ = found["a", "variance"]
    assert open_["verdict"] == "unstable"
    assert open_["ratio_low"] < 0.99
    assert open_["replicates_to_decide"] > R
    assert document["exit_status"] == 4
    assert document["verdict"] == "undecided"


def test_the_budget_that_would_decide_decides(tmp_path):
    """With so many replicates the interval of the same ratio would end at the margin."""
    _, found = compared(fill(tmp_path / "base"), fill(tmp_path / "seeds", seed=1))
    one = found["a", "variance"]
    half = max(one["ratio_high"] - 1, 1 - one["ratio_low"]) - abs(one["change"])
    room = abs(0.01 - abs(one["change"]))
    needed = R * (half / room) ** 2
    assert one["replicates_to_decide"] == pytest.approx(needed, rel=0.06)


def test_speed_is_compared_on_one_processor(tmp_path):
    base = fill(tmp_path / "base")
    slow = fill(tmp_path / "slow", seconds=2e-6, seconds_low=1.98e-6, seconds_high=2.02e-6)
    gate = ("variance", "bias", "speed")
    document, found = compared(base, slow, fail_on=gate)
    assert found["a", "speed"]["ratio"] == pytest.approx(2)
    assert (found["a", "speed"]["verdict"], document["exit_status"]) == ("regressed", 1)
    assert compared(base, slow)[0]["exit_status"] == 0  # nobody asked for it
    document, found = compared(base, base, fail_on=gate)
    assert (found["a", "speed"]["verdict"], document["exit_status"]) == ("unchanged", 0)
    assert found["a", "memory"]["verdict"] == "identical"
    big = fill(tmp_path / "big", peak_memory_bytes=2**21)
    assert compared(base, big, fail_on=("memory",))[0]["exit_status"] == 1


@pytest.mark.parametrize("what", OTHER)
def test_a_gate_that_cannot_be_applied_is_said_and_not_green(tmp_path, what):
    head = fill(tmp_path / "head", where=HERE | OTHER[what])
    document, found = compared(fill(tmp_path / "base"), head, fail_on=("variance", "speed"))
    assert ("a", "speed") not in found
    assert document["exit_status"] == 4
    (said,) = document["unapplied"]
    name, value = next(iter(OTHER[what].items()))
    differs = f"{name} is {HERE[name]} at the base and {value} at the head"
    assert said == f"The gate on speed cannot be applied: {differs}."
    assert said in document["sentence"]
    assert compared(fill(tmp_path / "again"), head)[0]["exit_status"] == 0


def test_a_gate_on_bias_needs_the_means_of_blocks(tmp_path):
    base, head = fill(tmp_path / "base"), fill(tmp_path / "head")
    for path in (tmp_path / "head" / "blocks").iterdir():
        path.unlink()
    (tmp_path / "head" / "blocks").rmdir()
    head = fill(tmp_path / "other", change=lambda g: g * (1 + 1e-6))
    for path in (tmp_path / "other" / "blocks").iterdir():
        path.unlink()
    document, _ = compared(base, head)
    assert document["exit_status"] == 4
    assert "no cell has the means of its blocks on both sides" in document["sentence"]
    assert compared(base, head, fail_on=("variance",))[0]["exit_status"] == 0


def test_the_spread_of_all_ratios_counts(tmp_path):
    """On a day on which everything is off by a factor, one cell's factor is no news."""
    names = [f"e{number}" for number in range(12)]
    for folder, seed in (("base", 1), ("head", 2)):
        draw = np.random.default_rng(seed)
        for name in names:
            seconds = 1e-6 * float(np.exp(draw.normal(0, 0.4)))
            ends = {"seconds_low": 0.99 * seconds, "seconds_high": 1.01 * seconds}
            fill(tmp_path / folder, [name], seconds=seconds, **ends)
    document, found = compared(str(tmp_path / "base"), str(tmp_path / "head"), fail_on=("speed",))
    ratios = [found[name, "speed"]["ratio"] for name in names]
    assert max(ratios) > 1.4
    assert "regressed" not in {found[name, "speed"]["verdict"] for name in names}
    assert document["exit_status"] == 4  # and nothing is called unchanged


def test_no_rate_of_false_alarms_is_shown_of_few_tests(tmp_path):
    from reports.regression.page import content

    few = compare_stores(fill(tmp_path / "few"), str(tmp_path / "few"), Chosen()).to_dict()
    assert few["self_check"]["tests"] == 2
    assert "first half of the blocks" in few["self_check"]["compared"]
    assert "200 are needed" in content(few)["false_alarms"]
    assert "%" not in content(few)["false_alarms"]
    many = few | {"self_check": few["self_check"] | {"tests": 200, "below_0.05": 0.045}}
    assert "p < 0.05 in 4.5 %" in content(many)["false_alarms"]
    assert "first half of the blocks" in content(many)["false_alarms"]


REPOSITORY = Path(__file__).parents[3]


def commit_here():
    done = subprocess.run(
        ["git", "rev-parse", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True
    )
    return done.stdout.strip()


NONE = {  # why there is no command
    "the base does not say of which commit it is": ({"commit": None}, {}),
    "the head was measured with uncommitted changes": ({}, {"dirty": True}),
    "is not in a repository here": ({"commit": "f" * 40}, {}),
    "the two sides ran other files": ({}, {"plugins": '[["/x.py", "abc"]]'}),
    "/x.py, which ran first, is gone": (
        {"plugins": '[["/x.py", "abc"]]'}, {"plugins": '[["/x.py", "abc"]]'},
    ),
}  # fmt: skip


@pytest.mark.parametrize("why", NONE)
def test_where_there_is_no_command_it_is_said(tmp_path, monkeypatch, why):
    monkeypatch.chdir(REPOSITORY)
    where = HERE | {"commit": commit_here()}
    base, head = NONE[why]
    base = fill(tmp_path / "base", where=where | base)
    head = fill(tmp_path / "head", where=where | head, change=lambda g: 1 + 1.1 * (g - 1))
    _, found = compared(base, head)
    assert found["a", "variance"]["reproduce"] is None
    assert why in found["a", "variance"]["unreproducible"]
    done = CliRunner().invoke(main, ["regress", base, head, "--to", str(tmp_path / "to")])
    assert "No command reproduces it: " in done.stdout
    assert "No command reproduces it: " in (tmp_path / "to/comment.md").read_text()


PLUGIN = """
import estimators

@estimators.register("u-scaled", factor=1.0)
@estimators.core.dataclass(frozen=True)
class Scaled(estimators.Estimator):
    '''Scaled.'''

    factor: float = 1.0

    def surrogate(self, dist, cost, samples=1):
        return self.factor * estimators.evaluate(cost, dist.rsample((samples,)), dist).mean(0)
"""


def test_the_command_names_plugins_fields_and_both_commits(tmp_path, monkeypatch):
    monkeypatch.chdir(REPOSITORY)
    (tmp_path / "mine.py").write_text(PLUGIN)
    words = ["--with", str(tmp_path / "mine.py"), "run", "-p", "normal-quadratic", "-e"]
    words += ["u-scaled:factor=1.5", "-K", "1", "-R", "200", "--no-timing", "--out"]
    for name in ("base", "head"):
        done = CliRunner().invoke(main, [*words, str(tmp_path / name)])
        assert done.exit_code == 0, done.output
        rows = list(Store(tmp_path / name))
        (tmp_path / name / "records.jsonl").unlink()
        for row in rows:
            row["context"] = row["context"] | {"commit": commit_here(), "dirty": False}
            Store(tmp_path / name).append({k: v for k, v in row.items() if k != "schema"})
    document = compare_stores(str(tmp_path / "base"), str(tmp_path / "head"), Chosen()).to_dict()
    said = shlex.split(document["cells"][0]["reproduce"])
    short = commit_here()[:12]
    assert said[:6] == ["gradmeter", "--with", str(tmp_path / "mine.py"), "regress", short, short]
    assert "u-scaled:factor=1.5" in said
    (tmp_path / "mine.py").write_text(PLUGIN + "\n")
    document = compare_stores(str(tmp_path / "base"), str(tmp_path / "head"), Chosen()).to_dict()
    assert "is gone or has changed" in document["cells"][0]["unreproducible"]


@pytest.mark.study
def test_the_command_runs(tmp_path, monkeypatch):
    test_the_command_names_plugins_fields_and_both_commits(tmp_path, monkeypatch)
    (tmp_path / "mine.py").write_text(PLUGIN)
    stores = [str(tmp_path / name) for name in ("base", "head")]
    document = compare_stores(*stores, Chosen()).to_dict()
    command = shlex.split(document["cells"][0]["reproduce"])
    command[0] = str(Path(sys.executable).with_name("gradmeter"))
    to = tmp_path / "verdict.json"
    done = subprocess.run(
        [*command, "--no-speed", "--to", str(to)], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert {cell["verdict"] for cell in json.loads(to.read_text())["cells"]} == {"identical"}
