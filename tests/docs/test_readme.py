"""What the README shows is what happens: its table, its Python and its commands' names."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner

import estimators
from benchmarks import catalogue
from gradmeter import main

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_the_table_is_derived_from_the_registry():
    shown = README.partition("<!-- estimators -->")[2].partition("<!-- end -->")[0].strip()
    assert shown == catalogue.markdown(), "run: gradmeter list --markdown"


def test_the_matrix_is_derived_from_the_registry():
    shown = (ROOT / "docs" / "matrix.md").read_text().strip()
    assert shown == catalogue.matrix_markdown(), (
        "gradmeter list --matrix --markdown >docs/matrix.md"
    )
    assert "error" not in shown
    assert shown.count("\n| ") >= 30
    assert len(estimators.names()) >= 45


def rows(text):
    """The cells of the table of speed in a page, without intervals, by workload and column."""
    first, _, *rest = [line.strip("| ").split(" | ") for line in table(text).splitlines()]
    plain = {row[0]: [cell.partition(" [")[0] for cell in row] for row in rest}
    return {name: dict(zip(first, row, strict=True)) for name, row in plain.items()}


def table(text):
    return (
        text.partition("| workload |")[1] + text.partition("| workload |")[2].partition("\n\n")[0]
    )


def test_the_table_of_speed_is_the_whole_one_without_intervals():
    short, whole = rows(README), rows((ROOT / "docs" / "speed.md").read_text())
    assert list(short) == list(whole)
    for name, row in short.items():
        for column, cell in row.items():
            expected = whole[name][column]
            assert cell == (f"{float(expected):,.0f}" if "e+" in expected else expected)


@pytest.mark.parametrize("block", [b for b in BLOCKS if "results" not in b])
def test_the_examples_run(block):
    exec(compile(block, "README.md", "exec"), {})


@pytest.mark.parametrize("line", re.findall(r"^gradmeter .*", README, re.MULTILINE))
def test_the_commands_exist(line):
    verb = next(word for word in line.split()[1:] if word in main.commands)
    done = CliRunner().invoke(main, [verb, "--help"])
    options = {word.partition("=")[0] for word in line.partition("#")[0].split() if word[0] == "-"}
    assert options - {"--with"} <= set(re.findall(r"--?[\w-]+", done.output))


def test_figures_are_those_of_the_document_they_are_taken_from():
    text = README.partition("## Can the numbers be believed?")[2].partition("\n## ")[0]
    source = (ROOT / "docs" / "calibration.md").read_text()
    known = {float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*\.?\d*(?:e\+\d+)?", source)}
    stated = re.findall(r"(\d[\d,]*\.?\d*) (?:×|%|variance|unbiased)", text)
    assert len(stated) >= 4
    for figure in stated:
        value = float(figure.replace(",", ""))
        assert any(abs(value - k) <= 0.02 * abs(value) for k in known), figure
