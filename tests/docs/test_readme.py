"""What the README shows is what happens: its table, its Python and its commands' names."""

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

import estimators
from benchmarks import catalogue
from gradmeter import main

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
README = (ROOT / "README.md").read_text()
PAGES = {"README.md": README} | {f"docs/{p.name}": p.read_text() for p in DOCS.glob("*.md")}
TAUGHT = ("commands", "programs", "several-draws", "training-loop", "your-own-distribution")
GUIDE = ("README.md", *(f"docs/{name}.md" for name in TAUGHT))
BLOCKS = [
    pytest.param(block, id=f"{page}-{i}")
    for page in GUIDE
    for i, block in enumerate(re.findall(r"```python\n(.*?)```", PAGES[page], re.DOTALL))
]
SHELL = [
    block for text in PAGES.values() for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL)
]
COMMANDS = sorted({
    line for block in SHELL for line in re.findall(r"^gradmeter .*", block, re.MULTILINE)
})  # fmt: skip


def test_it_is_short():
    assert README.count("\n") < 150


def test_the_table_is_derived_from_the_registry():
    shown = (DOCS / "estimators.md").read_text().strip()
    assert shown == catalogue.markdown(), "gradmeter list --markdown >docs/estimators.md"


def test_the_matrix_is_derived_from_the_registry():
    shown = (ROOT / "docs" / "matrix.md").read_text().strip()
    assert shown == catalogue.matrix_markdown(), (
        "gradmeter list --matrix --markdown >docs/matrix.md"
    )
    assert "error" not in shown
    assert shown.count("\n| ") >= 30
    assert len(estimators.names()) >= 45


def test_what_it_says_of_speed_is_in_the_table_of_speed():
    (figure,) = re.findall(r"([\d,]+) times as fast as a torch loop", README)
    speed = PAGES["docs/speed.md"]
    head, _, row, *_ = speed[speed.index("| workload |") :].splitlines()
    assert row.startswith("| normal-10 pathwise K=1 |")
    cell = row.split(" | ")[head.split(" | ").index("torch loop")]
    assert f"{float(cell.partition(' [')[0]):,.0f}" == figure


@pytest.mark.parametrize("block", BLOCKS)
def test_the_examples_run(block):
    exec(compile(block, "README.md", "exec"), {})


@pytest.mark.parametrize("line", COMMANDS)
def test_the_commands_exist(line):
    words = [word for word in line.split()[1:] if word[0] != "-"]
    verb = next(word for word in words if word in main.commands)
    group = isinstance(main.commands[verb], click.Group)
    path = [verb, words[words.index(verb) + 1]] if group else [verb]
    done = CliRunner().invoke(main, [*path, "--help"])
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
