"""The page on models of one's own shows files that are there, short, and run."""

import re
from pathlib import Path

import pytest

from benchmarks.objective.loading import problem_from

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "your-own-model.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
NETWORKS = ("discrete_vae", "policy", "bayesian_regression")


def test_the_page_shows_the_file():
    assert BLOCKS[0] == (ROOT / "examples" / "discrete_vae.py").read_text()
    shown = re.findall(r"^(Use .*?)```", PAGE, re.DOTALL | re.MULTILINE)[0]
    assert "batch's own noise" in " ".join(shown.split())


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_takes_forty_lines_at_most(name):
    path = ROOT / "examples" / f"{name}.py"
    assert len(path.read_text().splitlines()) <= 40
    assert f"examples/{name}.py" in PAGE
    problem = problem_from(str(path))
    assert any("." in key for key in problem.measured)  # weights of a module
    assert problem.batches == float("inf")


def test_the_last_block_runs(capsys):
    exec(compile(BLOCKS[-1], "your-own-model.md", "exec"), {})
    assert len(capsys.readouterr().out.split()) == 2
