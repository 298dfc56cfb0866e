"""Maps show what their titles say: who wins, who ties, who is left out."""

import pandas
import pytest
from planted_records import framed, record, refused

from reports.atlas import data, page, regions
from reports.atlas.drawing import LOOKS, draw, look
from reports.atlas.evaluations import per_evaluation, winner

POINT = "atlas-bits[d={},logit=-1]"


def table(*rows, biased=()):
    frame = framed(rows).drop(columns=["eligible", "biased", "label", "bias_p_holm"])
    claims = {name: name not in biased for name in frame["estimator"]}
    return data.tabulate(frame, claims)


def test_evaluations_count_not_variance_alone():
    rows = [record("a", "cheap", variance=2.0, evaluations=4.0),
            record("a", "dear", variance=1.0, evaluations=36.0)]  # fmt: skip
    best, tied, (following, ratio) = winner(per_evaluation(table(*rows)))
    assert (best["label"], list(tied["label"]), following["label"]) == ("cheap", ["cheap"], "dear")
    assert ratio[0] == pytest.approx(36 / 8)
    assert ratio[1] < 36 / 8 < ratio[2]


@pytest.mark.parametrize("why", ["claims", "shown", "refused"])
def test_who_is_biased_or_refused_wins_nothing(why):
    odd = {"bias_p": 0.0} if why == "shown" else {}
    low = refused("a", "low") if why == "refused" else record("a", "low", variance=0.01, **odd)
    found = table(low, record("a", "x"), biased=["low"] if why == "claims" else [])
    assert winner(per_evaluation(found))[0]["label"] == "x"


def test_a_map_has_a_row_per_point_and_ties_are_named():
    known = {2: {"arms": 1.0, "disarm": 1.0005, "reinforce": 9.0},
             8: {"arms": 5.0, "disarm": 1.0, "reinforce": 9.0}}  # fmt: skip
    rows = [record(POINT.format(d), name, variance=value)
            for d, values in known.items() for name, value in values.items()]  # fmt: skip
    won = regions.region(table(*rows), "bits")
    assert list(won.columns[:2]) == ["d", "logit"]
    assert list(won["best"]) == [["arms", "disarm"], ["disarm"]]
    assert list(won["next"]) == ["reinforce", "arms"]
    assert won["ratio"][1] == pytest.approx(5.0)


def test_a_map_of_another_name_has_no_points():
    found = table(record(POINT.format(2), "arms"))
    assert regions.names(found) == ["bits"]
    assert regions.region(found, "bit").empty


def relaxation(temperature, variance, bias2):
    ends = {f"bias2{end}": bias2 for end in ("", "_low", "_high")}
    return record("toy", "gumbel-softmax", config=f'{{"temperature": {temperature}}}',
                  variance=variance, bias_p=0.0, evaluations=1.0, **ends)  # fmt: skip


def test_bias_is_paid_for_once_many_estimates_are_averaged():
    """Of variance 0.1 and bias² 0.01 against variance 1: they meet at n = 90."""
    rows = relaxation(0.5, 0.1, 0.01), relaxation(2.0, 0.1, 0.01)
    unbiased = record("toy", "reinforce-loo", evaluations=1.0)
    found = table(*rows, unbiased, biased=["gumbel-softmax"])
    won = regions.temperatures(found, "toy").set_index(["temperature", "evaluations"])["best"]
    assert won[0.5, 10.0] == won[2.0, 10.0] == ["gumbel-softmax"]
    assert won[0.5, 1000.0] == ["reinforce-loo"]


def test_a_tied_cell_is_striped_in_all_its_colours_and_the_same_on_every_map():
    won = pandas.DataFrame({"d": [1.0, 2.0], "logit": [0.0, 0.0],
                            "best": [["arms", "disarm", "pathwise"], []]})  # fmt: skip
    (axes,) = draw(won, "title").axes
    filled = [patch for patch in axes.patches if patch.get_fill()]
    assert [round(patch.get_width(), 6) for patch in filled] == [round(1 / 3, 6)] * 3
    assert [patch.get_hatch() or "" for patch in filled] == [LOOKS[n][1] for n in won["best"][0]]
    assert axes.get_title(loc="left") == "title"
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {*won["best"][0]}


def test_looks_are_distinct():
    assert len(set(LOOKS.values())) == len(LOOKS)
    assert look("another-one") == look("another-one")


def test_the_data_comes_back_as_it_was_written(tmp_path):
    pytest.importorskip("pyarrow")
    found = table(record("a", "x", variance=1 / 3), refused("a", "y"))
    data.write(found, tmp_path)
    back = data.read(tmp_path)
    assert list(back["variance"].dropna()) == [1 / 3]
    assert winner(per_evaluation(back))[0]["label"] == "x"
    cells = pandas.read_csv(tmp_path / "cells.csv")
    assert list(cells["variance"]) == [0.333333]
    assert list(pandas.read_csv(tmp_path / "refusals.csv")["estimator"]) == ["y"]
    sheet = (tmp_path / "datasheet.md").read_text()
    for said in ("2 cells", "1 ok, 1 refused", "0123456789ab", "AMD EPYC 7B13", "MIT"):
        assert said in sheet


def test_the_page_counts_what_the_map_shows(tmp_path):
    rows = [record(POINT.format(d), "arms") for d in (1, 2)] + [
        record(POINT.format(2), "disarm", variance=0.1)
    ]
    page.write(table(*rows), tmp_path, {"bits": "Bits", "k": "Not measured"}, "toy")
    text = (tmp_path / "index.md").read_text()
    assert "## Bits" in text
    assert "Not measured" not in text
    assert "Among the best of 2 points: `arms` 1 (1 alone), `disarm` 1 (1 alone)." in text
    assert (tmp_path / "bits.png").read_bytes().startswith(b"\x89PNG")
    assert list(pandas.read_csv(tmp_path / "bits.csv")["best"]) == ["arms", "disarm"]


def test_what_differs_by_rounding_alone_is_tied():
    same = {"variance_jackknife": [1.0] * 32}
    rows = record("a", "x", **same), record("a", "y", variance=1 + 1e-13, **same)
    assert list(winner(per_evaluation(table(*rows)))[1]["label"]) == ["x", "y"]
