"""The page along a training: what it takes in, its lines, what is biased, what is zero."""

import html
import re

import pandas
import pytest
from planted_records import CONTEXT, record

from reports import terminal
from reports.figures.matplotlib_files import to_svg
from reports.frames.load import complete
from reports.pages import trajectories
from reports.pages.publish import publish
from reports.text.rendering import render


def planted(samples=(1,)) -> pandas.DataFrame:
    """Two estimators at three steps, one biased at the last; one problem at a single step."""
    rows = []
    for step, variance in ((0, 4.0), (50, 2.0), (300, 1.0)):
        for k in samples:
            at = {"trajectory": "toy", "step": step, "snr": 0.5, "snr_low": 0.4, "snr_high": 0.6}
            name = f"toy@{step}"
            rows.append(record(name, "pathwise", k, variance=variance, **at))
            more = at | {"snr": 0.0, "snr_low": 0.0, "snr_high": 0.1}
            more |= {"bias_p": 1e-9, "bias_verdict": "biased"} if step == 300 else {}
            rows.append(record(name, "reinforce", k, variance=9 * variance, **more))
    alone = {"trajectory": "alone", "step": 300, "snr": 1.0}
    rows += [record("alone", "pathwise", **alone), record("plain", "pathwise")]
    return complete(pandas.DataFrame([{**CONTEXT, **row} for row in rows]))


def test_only_trainings_with_several_steps_are_shown_in_order():
    found = trajectories.along(planted().sample(frac=1, random_state=0))
    assert set(found["trajectory"]) == {"toy"}
    assert [*found["step"]] == [0, 0, 50, 50, 300, 300]


def test_the_table_has_every_step_and_marks_the_biased():
    (title, table), (other, _) = trajectories.tables(trajectories.along(planted((1, 4))))
    assert (title, other) == ("toy, K = 1", "toy, K = 4")
    assert [row[0] for row in table.rows] == ["pathwise", "○ reinforce"]
    assert table.rows[0][1].startswith("4.0")
    assert table.rows[0][2] == "0.50 [0.40, 0.60]"
    assert len(table.titles) == 7


def test_the_figure_draws_both_panels_also_where_the_ratio_is_zero():
    figure = trajectories.over_steps(trajectories.along(planted()))
    assert [axes.get_title("left") for axes in figure.axes] == [*trajectories.SHOWN.values()]
    for axes in figure.axes:
        assert axes.get_yscale() == "log"
        assert [text.get_text() for text in axes.get_xticklabels()] == ["0", "50", "300"]
        assert [line for line in axes.lines if len(line.get_xdata()) == 3]
    assert re.search("reinforce", to_svg(figure).decode())


def test_the_site_has_no_page_where_there_are_no_trajectories(tmp_path):
    frame = planted()
    publish(frame[frame["problem"] == "plain"], tmp_path)
    assert not (tmp_path / "trajectories.html").exists()
    assert "trajectories.html" not in (tmp_path / "index.html").read_text()


def test_the_terminal_prints_it(capsys):
    terminal.print_trajectories(planted().to_dict("records"))
    assert "variance, step 300" in capsys.readouterr().out


@pytest.mark.parametrize("estimator", ["<script>", "a&b"])
def test_names_stay_text(estimator):
    frame = planted().assign(estimator=estimator, config="{}")
    found = trajectories.along(frame.drop_duplicates(["problem", "samples"]))
    data = trajectories.content(found) | {"site": [], "subtitle": ""}
    page = render("trajectories.html.j2", data)
    assert estimator not in page
    assert html.escape(estimator) in page
