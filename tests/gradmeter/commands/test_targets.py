"""Every command takes a problem as a file, as MODULE:CLASS, or by its registered name."""

import math
import signal

import pandas
import pytest
from click.testing import CliRunner

from benchmarks.measuring import quick_timing
from benchmarks.store.store import Store
from gradmeter import main

NORMAL = "torch.distributions:Normal loc=1 scale=1 cost=quadratic"
PROBLEM = """
import torch
from torch.distributions import Normal
from benchmarks import Problem

problem = Problem("of-a-file", {"loc": torch.tensor(1.0)}, lambda loc: Normal(loc, 1.0),
                  lambda x: x.square())
other = Problem("another", {"loc": torch.tensor(2.0)}, lambda loc: Normal(loc, 1.0),
                lambda x: x.square())
"""
INTERRUPTS = """
import estimators

@estimators.register("zz-interrupted")
class Interrupted(estimators.Estimator):
    \"\"\"Ctrl-C comes while it is measured.\"\"\"

    def surrogate(self, dist, cost, samples=1):
        if dist.batch_shape.numel() > 50:
            raise KeyboardInterrupt
        return estimators.evaluate(cost, dist.rsample((samples,)), dist).mean(0)
"""
FEW = ["-K", "1", "-e", "pathwise", "-e", "reinforce", "-R", "300"]


def gradmeter(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(PROBLEM)
    return f"{path}:problem"


@pytest.fixture
def targets(file):
    return {"of-a-file": file, "normal-quadratic": NORMAL, "normal-cosine": "normal-cosine"}


def test_compare_and_run_take_the_same_targets(targets, tmp_path):
    for name, target in targets.items():
        compared, run = tmp_path / f"{name}-compared", tmp_path / f"{name}-run"
        assert gradmeter("compare", target, *FEW, "--store", compared).exit_code == 0
        assert gradmeter("run", "-p", target, *FEW, "--out", run).exit_code == 0
        first, second = (list(Store(folder)) for folder in (compared, run))
        assert [r["problem"] for r in first] == [name] * 2
        for a, b in zip(first, second, strict=True):
            for column in ("problem", "problem_version", "estimator", "config", "variance"):
                assert a[column] == b[column]


def test_a_run_of_a_file_is_resumed_and_measured_in_a_process_of_its_own(file, tmp_path):
    words = ["run", "-p", file, "-K", "1", "-e", "pathwise", "-R", "300", "--out", tmp_path / "r"]
    assert gradmeter(*words, "--cell-timeout", "300").exit_code == 0
    assert gradmeter(*words, "--resume").exit_code == 0
    assert [r["status"] for r in Store(tmp_path / "r")] == ["ok"]


def test_train_takes_them(file, tmp_path):
    few = ["-e", "pathwise", "--seeds", "2", "--evaluations", "20", "--seconds", "0.01"]
    for name, target in {"of-a-file": file, "normal-quadratic": NORMAL}.items():
        done = gradmeter("train", target, *few, "--out", tmp_path / "t.csv")
        assert done.exit_code == 0, done.output
        assert set(pandas.read_csv(tmp_path / "t.csv")["problem"]) == {name}


def test_a_report_of_a_target_is_measured_once_and_of_a_store_is_filtered(file, tmp_path):
    store, few = tmp_path / "results", ["--store", tmp_path / "results", "--seconds", "1e-9"]
    assert gradmeter("compare", file, *FEW, "--store", store).exit_code == 0
    assert gradmeter("compare", "normal-cosine", *FEW, "--store", store).exit_code == 0
    done = gradmeter("report", store, "-p", file, "--to", tmp_path / "one")
    assert done.exit_code == 0, done.output
    assert set(pandas.read_csv(tmp_path / "one" / "ranking.csv")["problem"]) == {"of-a-file"}
    done = gradmeter("report", file, *few, "--to", tmp_path / "two")
    assert done.exit_code == 4, done.output  # nothing could be measured in no time
    assert (tmp_path / "two" / "index.html").exists()
    lost = gradmeter("report", store, "-p", "laplace-*", "--to", tmp_path / "none")
    assert lost.exit_code == 2
    assert "holds no record of 'laplace-*'" in lost.stderr


@pytest.mark.parametrize(
    "words", [["compare"], ["run", "-p"], ["train"], ["report", "results", "-p"]], ids=" ".join
)
def test_what_is_no_target_is_one_sentence(words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if words[0] == "report":
        gradmeter("compare", "normal-cosine", *FEW, "--store", "results")
        done = gradmeter(*words, "normal-cosin")
        assert "holds no record of 'normal-cosin'" in done.stderr
    else:
        done = gradmeter(*words, "normal-cosin")
        assert "There is no problem 'normal-cosin'. Did you mean 'normal-cosine'?" in done.stderr
        assert "MODULE:CLASS" in done.stderr
    assert done.exit_code == 2
    missing = gradmeter(*words, "nowhere.py")
    assert missing.exit_code == 2
    assert "There is no file 'nowhere.py'" in missing.stderr.replace(f"{tmp_path}/", "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["normal-cosine", "loc=1"], "leave out loc=1"),
        (["normal-cosine", "--cost", "linear"], "leave out --cost linear"),
        (["torch.distributions:Normal", "loc=0"], "Which cost?"),
        (["normal-cosine", "--seconds", "0"], "above 0"),
        (["normal-cosine", "--seconds", "9", "--precision", "0.1"], "not both"),
        ([""], "There is no problem ''"),
    ],
)
def test_a_mistake_is_a_sentence(arguments, says):
    done = gradmeter("compare", *arguments)
    assert done.exit_code == 2
    assert says in " ".join(done.stderr.split())


def test_results_of_an_edited_file_do_not_mix(file, tmp_path):
    words = ["compare", file, "-K", "1", "-e", "pathwise", "-R", "300", "--store", tmp_path / "r"]
    assert gradmeter(*words).exit_code == 0
    path = tmp_path / "mine.py"
    path.write_text(PROBLEM.replace("x.square()", "2 * x.square()"))
    assert gradmeter(*words).exit_code == 0
    assert gradmeter(*words).exit_code == 0
    found = list(Store(tmp_path / "r"))
    assert len(found) == 2
    assert found[1]["variance"] == pytest.approx(4 * found[0]["variance"])


@pytest.mark.parametrize("seconds", [[], ["--seconds", "600"]], ids=["one by one", "race"])
def test_ctrl_c_shows_the_ranking_of_what_is_finished(seconds, tmp_path):
    (tmp_path / "plugin.py").write_text(INTERRUPTS)
    before = signal.getsignal(signal.SIGINT)
    done = gradmeter(
        "--with", tmp_path / "plugin.py", "compare", "normal-cosine", "-K", "1", "-R", "300",
        "-e", "pathwise", "-e", "zz-interrupted", *seconds, "--store", tmp_path / "results",
        "--out", tmp_path / "table.csv",
    )  # fmt: skip
    assert done.exit_code == 130, done.output
    assert "pathwise" in done.stdout
    assert "Interrupted" in done.stderr
    assert "Go on with: gradmeter" in done.stderr
    assert "pathwise" in set(pandas.read_csv(tmp_path / "table.csv")["estimator"])
    assert {r["estimator"] for r in Store(tmp_path / "results")} == {"pathwise"}
    assert signal.getsignal(signal.SIGINT) is before


def test_a_race_says_who_was_stopped_and_at_what(monkeypatch):
    monkeypatch.setattr(quick_timing.Pass, "seconds", lambda self: 1e-6)
    monkeypatch.setattr(quick_timing, "LONG", math.inf)
    done = gradmeter(
        "compare", "normal-quadratic", "-K", "1", "-R", "2500", "--seconds", "600",
        "-e", "pathwise", "-e", "reinforce", "-e", "finite-differences",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    line = next(line for line in done.stdout.splitlines() if line.startswith("reinforce"))
    assert "× pathwise" in line
    assert " 156 " in line
    assert "Familywise error probability: 5%" in done.stdout


def test_help_shows_a_race():
    assert "--seconds 60 --store results/" in gradmeter("compare", "--help").output
