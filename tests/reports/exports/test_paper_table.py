"""The table for a paper: order as asked, bold where tied, a caption that says K, R and machine."""

import re
import shutil
import subprocess

import pytest
from click.testing import CliRunner
from planted_records import framed, record, refused, suite

from benchmarks.store.store import Store
from gradmeter.command import main
from reports.exports import paper
from reports.figures.column_figure import variance

ODD = "odd_name & 100 % #1"


def chosen(*rows, estimators=(), problems=(), samples=None):
    return paper.chosen(framed(rows), estimators, problems, samples)


def cells(text):
    """The body of the table by row label."""
    body = text.partition("\\midrule\n")[2].partition("\\bottomrule")[0]
    rows = (line.removesuffix(r" \\").split(" & ") for line in body.splitlines())
    return {label: values for label, *values in rows}


def test_rows_and_columns_stand_in_the_order_asked():
    rows = [record(p, e) for p in ("a", "b", "c") for e in ("pathwise", "reinforce", "arm")]
    text = paper.table(chosen(*rows, estimators=["reinforce", "pathwise"], problems=["c", "a"]))
    assert list(cells(text)) == ["reinforce", "pathwise"]
    assert "estimator & c & a" in text


def test_the_order_holds_where_the_first_problem_lacks_the_first_estimator():
    rows = [refused("a", "arm"), record("a", "pathwise"), record("b", "arm"),
            record("b", "pathwise")]  # fmt: skip
    text = paper.table(chosen(*rows, estimators=["arm", "pathwise"], problems=["a", "b"]))
    assert list(cells(text)) == ["arm", "pathwise"]
    assert cells(text)["arm"][0] == "--"


@pytest.mark.parametrize("style", paper.NUMBERS)
def test_the_best_and_its_ties_are_bold_and_nobody_else(style):
    rows = [record("a", "x", variance=1.0), record("a", "y", variance=1.001),
            record("a", "z", variance=3.0)]  # fmt: skip
    found = cells(paper.table(chosen(*rows), style))
    assert [found[name][0].startswith(r"\textbf") for name in "xyz"] == [True, True, False]


def test_the_biased_bear_a_dagger_and_are_never_bold():
    rows = [record("a", "low", variance=0.1, bias_p=0.0), record("a", "x", variance=1.0)]
    found = cells(paper.table(chosen(*rows)))
    assert found["low"] == [r"0.100$^{\dagger}$"]
    assert found["x"] == [r"\textbf{1.00}"]


def test_a_column_of_small_numbers_has_its_power_of_ten_in_its_head():
    rows = [record("a", "x", variance=2e-7), record("b", "x", variance=2.0)]
    text = paper.table(chosen(*rows))
    assert r"a $/\,10^{-9}$ & b" in text
    assert cells(text)["x"] == [r"\textbf{200}", r"\textbf{2.00}"]
    assert cells(paper.table(chosen(*rows), "siunitx"))["x"][0] == r"\textbf{\num{2.00e-07}}"


def test_the_caption_says_k_r_and_machine():
    rows = [record("a", "x", 4, replicates=500), record("b", "x", 4, replicates=2000)]
    caption = re.search(r"\\caption{(.*)}", paper.table(chosen(*rows, samples=4)))[1]
    assert "K = 4, R = 500 to 2000" in caption
    assert "one thread of AMD EPYC 7B13, torch 2.13.0" in caption


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"samples": 3}, "measured at K = 3, but at 1"),
        ({"estimators": ["pathwize"]}, "no estimator 'pathwize'"),
        ({"problems": ["nomal-*"]}, r"no problem 'nomal-\*'"),
    ],
)
def test_a_mistake_is_one_sentence(asked, said):
    with pytest.raises(ValueError, match=said):
        chosen(record("a", "pathwise"), **asked)


def test_devices_are_not_mixed():
    rows = record("a", "x"), record("a", "y", device="cuda", dtype="float32")
    with pytest.raises(ValueError, match="several devices"):
        chosen(*rows)


def test_a_figure_has_the_width_and_the_font_asked_for():
    part = chosen(record("a", "x"), record("a", "y", variance=5.0, bias_p=0.0))
    figure = variance(part, 3.25, 7)
    assert figure.get_size_inches()[0] == 3.25
    (axes,) = figure.axes
    sizes = {text.get_fontsize() for text in [*axes.get_yticklabels(), axes.xaxis.label]}
    assert sizes == {7}
    assert [text.get_text() for text in axes.get_yticklabels()] == ["x", "y"]
    with pytest.raises(ValueError, match="no room"):
        variance(chosen(record("a", "a-name-of-forty-letters-that-fills-it-all")), 1.0, 12)


def test_the_command_writes_them(tmp_path):
    store = Store(tmp_path / "store")
    for row in (record("a", "pathwise"), record("a", "reinforce", variance=9.0)):
        store.append({name: value for name, value in row.items() if name != "schema"})
    command = ["report", str(tmp_path / "store"), "--for-paper", "-e", "reinforce", "-e", "path*"]
    done = CliRunner().invoke(main, [*command, "--to", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "a.pdf").read_bytes().startswith(b"%PDF")
    assert list(cells((tmp_path / "out" / "table.tex").read_text())) == ["reinforce", "pathwise"]
    wrong = CliRunner().invoke(main, ["report", str(tmp_path / "store"), "--font-size", "8"])
    assert wrong.exit_code == 2
    assert "belong to --for-paper" in wrong.output


@pytest.mark.study
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex here")
@pytest.mark.parametrize("style", paper.NUMBERS)
def test_latex_compiles_it(tmp_path, style):
    rows = [*suite(), record(ODD, ODD)]
    text = paper.table(chosen(*rows), style)
    (tmp_path / "table.tex").write_text(text)
    packages = r"\usepackage{booktabs}" + (r"\usepackage{siunitx}" if style == "siunitx" else "")
    (tmp_path / "paper.tex").write_text(
        rf"\documentclass{{article}}{packages}\begin{{document}}\input{{table}}\end{{document}}"
    )
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, errors="replace")
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Output written on paper.pdf (1 page" in done.stdout
