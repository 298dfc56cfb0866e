"""The command, as a user runs it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy
import pandas
import pytest
from click.testing import CliRunner

import reports
from benchmarks.store.store import Store
from gradmeter import main

SMALL = ["-p", "normal-quadratic", "-p", "bernoulli-quadratic", "-K", "1,2", "-R", "2000"]
MINE = """
import estimators

@estimators.register("mine")
class Mine(estimators.Estimator):
    \"\"\"Pathwise, in a file outside the repository.\"\"\"

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        if not dist.has_rsample:
            raise estimators.Unsupported("This needs a reparameterised sampler; use reinforce.")
        return estimators.evaluate(cost, dist.rsample((samples,)), dist).mean(0)
"""
PROBLEM = """
import torch
from torch.distributions import Gamma
from benchmarks import Problem

problem = Problem(
    "my-gamma",
    {"concentration": torch.tensor([0.5, 2.0]), "rate": torch.tensor([1.0, 1.0])},
    Gamma,
    lambda x: (x - 1).square(),
)
"""


def gradmeter(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


@pytest.mark.parametrize(
    "words",
    [["--help"], ["--version"], ["run", "--help"], ["compare", "-h"], ["audit", "--help"]],
    ids=" ".join,
)
def test_help_is_immediate(words):
    """It imports next to nothing; how long that takes is the machine's business."""
    script = str(Path(sys.executable).with_name("gradmeter"))
    command = [sys.executable, "-X", "importtime", script, *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    lines = (line.split("|") for line in done.stderr.splitlines())
    names = [line[2].strip() for line in lines if len(line) == 3]
    heavy = {"torch", "numpy", "scipy", "pandas", "matplotlib", "rich", "jinja2", "estimators"}
    assert "gradmeter" in names
    assert not heavy & {name.partition(".")[0] for name in names}
    assert len(names) < 300


@pytest.mark.parametrize("verb", ["list", "run", "compare", "report"])
def test_every_command_has_an_example(verb):
    done = gradmeter(verb, "--help")
    assert done.exit_code == 0
    assert "Example: gradmeter" in done.output


@pytest.mark.parametrize("kind", ["estimators", "problems", "families"])
def test_list(kind):
    rows = json.loads(gradmeter("list", kind, "--json").output)
    assert len(rows) >= 9
    assert all(row["name"] for row in rows)
    assert rows[0]["name"] in gradmeter("list", kind).output


def statistics(folder):
    untimed = ("seconds", "gradients_per_second", "work_variance", "context", "peak_memory")
    return [
        {k: v for k, v in record.items() if not k.startswith(untimed)} for record in Store(folder)
    ]


def test_run_twice_with_one_seed_and_report(tmp_path):
    for folder in ("a", "b"):
        done = gradmeter("run", *SMALL, "--out", tmp_path / folder)
        assert done.exit_code == 0, done.output
        assert "normal-quadratic" in done.stdout
    assert statistics(tmp_path / "a") == statistics(tmp_path / "b")
    page = gradmeter("report", tmp_path / "a", "--to", tmp_path / "report").stdout.strip()
    assert "http" not in Path(page).read_text().replace("http://www.w3.org", "")
    frame = pandas.read_json(tmp_path / "a" / "records.jsonl", lines=True)
    assert set(frame["status"]) == {"ok", "refused"}
    assert len(reports.load(tmp_path / "a")) == len(frame)


def test_another_seed_gives_other_numbers_within_the_interval(tmp_path):
    for seed in (0, 1):
        arguments = ["-p", "normal-quadratic", "-e", "pathwise", "-K", "1", "--seed", seed]
        assert gradmeter("run", *arguments, "--out", tmp_path).exit_code == 0
    first, second = Store(tmp_path)
    assert first["variance"] != second["variance"]
    assert first["variance_low"] < 13 < first["variance_high"]
    assert second["variance_low"] < 13 < second["variance_high"]


def test_resume_runs_only_what_is_missing(tmp_path):
    common = ["-p", "normal-quadratic", "-R", "1000", "--out", tmp_path]
    assert gradmeter("run", *common, "-e", "pathwise", "-K", "1").exit_code == 0
    assert gradmeter("run", *common, "-e", "pathwise", "-K", "1,2", "--resume").exit_code == 0
    assert [record["samples"] for record in Store(tmp_path)] == [1, 2]


def test_per_parameter_numbers_stand_beside_the_record(tmp_path):
    arguments = ["-p", "normal-10-quadratic", "-e", "pathwise", "-K", "1", "--per-parameter"]
    assert gradmeter("run", *arguments, "--out", tmp_path).exit_code == 0
    (record,) = Store(tmp_path)
    with numpy.load(tmp_path / record["per_parameter"]) as stored:
        assert stored["variance"].sum() == pytest.approx(record["variance"])
        assert (stored["variance_low"] < stored["variance"]).all()
        assert stored["truth"].shape == stored["mean"].shape == (20,)


def test_an_estimator_from_outside_appears_everywhere(tmp_path):
    (tmp_path / "mine.py").write_text(MINE)
    plugin = ["--with", tmp_path / "mine.py"]
    assert "mine" in gradmeter(*plugin, "list").output
    done = gradmeter(*plugin, "run", *SMALL, "-e", "mine", "--out", tmp_path / "results")
    assert done.exit_code == 0, done.output
    assert {record["estimator"] for record in Store(tmp_path / "results")} == {"mine"}
    page = gradmeter("report", tmp_path / "results", "--to", tmp_path / "report").stdout.strip()
    assert "mine" in Path(page).read_text()


@pytest.mark.parametrize("device", ["", "x", "cpu:9", "cuda:99"])
def test_a_device_that_is_not_there_is_one_sentence(device, tmp_path):
    problem = ["torch.distributions:Normal", "loc=0", "scale=1", "--cost", "linear"]
    for words in (["compare", *problem], ["run", "--out", str(tmp_path / "results")]):
        done = CliRunner().invoke(main, [*words, "--device", device])
        assert done.exit_code == 2, done.output
        assert "device" in done.stderr
    assert not list(tmp_path.iterdir())


def test_compare_a_file(tmp_path):
    (tmp_path / "my_problem.py").write_text(PROBLEM)
    done = gradmeter(
        "compare", tmp_path / "my_problem.py", "-K", "1", "-R", "2000", "-e", "pathwise",
        "-e", "reinforce", "-e", "gumbel-softmax", "--out", tmp_path / "table.csv",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "no relaxation" in done.stdout
    table = pandas.read_csv(tmp_path / "table.csv", keep_default_na=False)
    assert dict(zip(table["estimator"], table["status"], strict=True)) == {
        "gumbel-softmax": "refused", "pathwise": "ok", "reinforce": "ok",
    }  # fmt: skip


def test_compare_a_torch_distribution():
    done = gradmeter(
        "compare", "torch.distributions:Gamma", "concentration=2", "rate=1", "--cost", "quadratic",
        "-K", "2", "-R", "1000", "-e", "pathwise", "-e", "reinforce-loo",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "reinforce-loo" in done.stdout


def test_a_problem_that_cannot_be_measured_does_not_stop_the_others(tmp_path):
    (tmp_path / "broken.py").write_text(
        "from benchmarks.problems import register\n"
        "@register('broken')\n"
        "def build():\n    raise RuntimeError('no data')\n"
    )
    done = gradmeter(
        "--with", tmp_path / "broken.py", "run", "-p", "broken", "-p", "normal-linear", "-K", "1",
        "-e", "pathwise", "-R", "1000", "--out", tmp_path / "results",
    )  # fmt: skip
    assert done.exit_code == 3, done.output
    found = {record["problem"]: record for record in Store(tmp_path / "results")}
    assert found["broken"]["status"] == "error"
    assert "no data" in found["broken"]["reason"]
    assert found["normal-linear"]["status"] == "ok"


def test_a_run_without_timing_still_ranks(tmp_path):
    done = gradmeter("run", "-p", "normal-*", "-e", "pathwise", "-K", "1", "-R", "200",
                     "--no-timing", "--out", tmp_path)  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "quietest" in done.output
