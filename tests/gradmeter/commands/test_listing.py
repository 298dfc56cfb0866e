"""`gradmeter list`: at once, of the kept catalogue, which says what the registry says."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks import catalogue, kept_catalogue
from gradmeter import main

HEAVY = {"torch", "numpy", "scipy", "pandas", "matplotlib", "jinja2", "estimators", "msgspec"}
GRADMETER = str(Path(sys.executable).with_name("gradmeter"))
MINE = """
import estimators

@estimators.register("mine-alone")
class Mine(estimators.Estimator):
    \"\"\"Nothing.\"\"\"

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        raise estimators.Unsupported("This does nothing; use pathwise.")
"""


def listed(*words):
    return CliRunner().invoke(main, ["list", *words])


@pytest.mark.parametrize("kind", kept_catalogue.KINDS)
def test_the_kept_catalogue_says_what_the_registry_says(kind):
    kept = json.loads(kept_catalogue.PATH.read_text())[kind]
    live = json.loads(json.dumps(catalogue.rows(kind)))
    assert kept == live, "python -m benchmarks.kept_catalogue"
    assert [list(row) for row in kept] == [list(row) for row in live]


@pytest.mark.parametrize("words", [[], ["problems", "normal-*"], ["families", "--json"]])
def test_a_list_imports_next_to_nothing(words):
    command = [sys.executable, "-X", "importtime", GRADMETER, "list", *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    lines = (line.split("|") for line in done.stderr.splitlines())
    names = [line[2].strip() for line in lines if len(line) == 3]
    assert "benchmarks.kept_catalogue" in names
    assert not HEAVY & {name.partition(".")[0] for name in names}
    assert len(names) < 400
    assert len(done.stdout.splitlines()) > 5


def test_what_a_file_of_ones_own_registers_is_listed(tmp_path):
    path = tmp_path / "mine.py"
    path.write_text(MINE)
    command = [GRADMETER, "--with", path, "list", "estimators", "mine-*", "pathwise", "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert [row["name"] for row in json.loads(done.stdout)] == ["mine-alone", "pathwise"]


def test_patterns_choose_rows():
    rows = json.loads(listed("problems", "normal-*", "*-cosine", "--json").output)
    names = [row["name"] for row in rows]
    assert {"normal-quadratic", "gamma-cosine"} <= set(names)
    assert all(name.startswith("normal-") or name.endswith("-cosine") for name in names)
    assert "gamma-linear" not in listed("problems", "normal-*").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["problems", "nrmal-quadratic"], "Did you mean 'normal-quadratic'?"),
        (["families", "Gauss*"], "There is no family 'Gauss*'"),
        (["estimators", "reinforce", "--markdown"], "leave out --markdown"),
        (["families", "Normal", "--matrix"], "leave out --markdown and --matrix"),
    ],
)
def test_a_pattern_that_chooses_nothing_is_one_sentence(words, said):
    done = listed(*words)
    assert done.exit_code == 2
    assert said in " ".join(done.output.split())
