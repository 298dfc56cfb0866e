"""Planted tables: who must not be recommended, and what must be said beside it."""

import pandas
import pytest

from benchmarks.truth.mean_agreement import DIFFER
from reports import terminal
from reports.frames.ranking_tables import direction
from reports.frames.rankings import prepare
from reports.frames.recommendation import recommend
from reports.pages.index import whole_page
from reports.text.rendering import render


def cell(estimator, variance, seconds, spread=1.02, **more):
    work = variance * seconds
    return {
        "problem": "p", "estimator": estimator, "config": "{}", "samples": 1, "status": "ok",
        "device": "cpu", "dtype": "float64", "replicates": 10_000, "seed": 0, "unhealthy": 0.0,
        "zero": 0.0, "gradient_norm": 1.0, "bias_p": 0.5, "bias2": 0.0, "variance": variance,
        "variance_low": variance / spread, "variance_high": variance * spread, "seconds": seconds,
        "work_variance": work, "work_variance_low": work / spread,
        "work_variance_high": work * spread, "bias_verdict": "undetermined", **more,
    }  # fmt: skip


BIASED = {"bias_p": 1e-50, "bias2": 0.01, "bias_verdict": "biased"}
UNBIASED = {"bias_verdict": "unbiased", "bias_limit": 0.01}
SCALED = {"scale": 0.25, "scale_low": 0.249, "scale_high": 0.251, "direction_bias": 0.0,
          "direction_bias_low": 0.0, "direction_bias_high": 0.01,
          "direction_verdict": "parallel"}  # fmt: skip
TURNED = {"scale": 0.64, "scale_low": 0.63, "scale_high": 0.65, "direction_bias": 0.6,
          "direction_bias_low": 0.59, "direction_bias_high": 0.61,
          "direction_verdict": "turned"}  # fmt: skip
APART = f"No exact gradient is known, and the means of one {DIFFER} two: at least one is biased."


def said(*cells):
    return recommend(pandas.DataFrame(cells))


def test_called_biased_at_another_k_is_not_recommended():
    quick = cell("quick", 0.1, 1e-6)
    text = said(quick, cell("quick", 0.05, 1e-6, samples=4, **BIASED), cell("slow", 9.0, 1e-6))
    assert text.startswith("Use slow (K = 1).")
    assert "quick is biased" in text


def test_called_biased_before_holm_is_not_recommended_either():
    """One cell's own p of 9e-5 says "biased" in the table, and is none of a hundred after Holm."""
    others = [cell(f"other-{i}", 5.0, 1e-6) for i in range(99)]
    text = said(cell("quick", 0.1, 1e-6, bias_verdict="biased", bias_p=9e-5), *others)
    assert not text.startswith("Use quick")
    assert "quick (K = 1) is suspected of bias." in text


def test_nobody_is_compared_with_one_that_is_called_biased():
    text = said(
        cell("best", 1.0, 1e-6),
        cell("next", 2.0, 1e-6, samples=4),
        cell("next", 1.5, 1e-6, samples=1, **BIASED),
    )
    assert "less variance than" not in text


def test_a_scaled_one_has_its_length_and_direction_said():
    text = said(cell("quarter", 0.1, 1e-6, **BIASED | SCALED), cell("fair", 5.0, 1e-6))
    assert text.startswith("Use fair")
    assert "quarter is biased" in text
    assert "its length is 0.25 of the gradient's, its direction is right" in text


def test_a_turned_one_has_by_how_much():
    text = said(cell("dropped", 0.1, 1e-6, **BIASED | TURNED), cell("fair", 5.0, 1e-6))
    assert "its direction is off by 60 %" in text


def test_old_stores_without_direction_say_nothing_of_it():
    text = said(cell("old", 0.1, 1e-6, **BIASED), cell("fair", 5.0, 1e-6))
    assert "direction" not in text
    assert direction(pandas.Series(cell("old", 0.1, 1e-6))) == "–"


def test_without_a_truth_there_is_a_caution():
    unknown = {"bias_verdict": "no truth", "gradient_norm": None, "bias_p": None}
    text = said(cell("one", 0.1, 1e-6, **unknown), cell("two", 5.0, 1e-6, **unknown))
    assert text.startswith("No exact gradient is known here, so that no bias is excluded.")
    assert "By noise alone: one (K = 1): 50" in text


def test_where_means_disagree_nothing_is_recommended():
    unknown = {"bias_verdict": "no truth", "bias_p": None, "reason": APART}
    text = said(cell("one", 0.1, 1e-6, **unknown), cell("two", 5.0, 1e-6, **unknown))
    assert text.startswith("Nothing can be recommended before it is known who is right")
    assert APART in text
    assert "Use " not in text


def test_no_noise_is_no_reason_where_the_bias_is_not_known():
    still = cell("still", 0.0, 1e-6)
    text = said(still, cell("fair", 5.0, 1e-6, **UNBIASED))
    assert text.startswith("Use fair")
    assert "still has no noise at all, but whether that is unbiased is not known." in text
    assert said(still | UNBIASED, cell("fair", 5.0, 1e-6)).startswith("Use still")


def test_exact_but_called_biased_at_another_k():
    text = said(
        cell("still", 0.0, 1e-6, **UNBIASED),
        cell("still", 0.0, 1e-6, samples=4, **BIASED),
        cell("fair", 5.0, 1e-6, **UNBIASED),
    )
    assert text.startswith("Use fair")


def test_a_caution_about_the_best_stands_before_it():
    text = said(cell("best", 0.1, 1e-6, reason="An outcome is rare."), cell("next", 5.0, 1e-6))
    assert text.startswith("Beware: An outcome is rare. By noise alone: best")


def test_only_suspected_ones_are_not_recommended():
    assert said(cell("a", 0.1, 1e-6, bias_verdict="biased", bias_p=1e-3)).startswith("Nothing")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (SCALED, "right, × 0.25"),
        (TURNED, "off by 60 %, × 0.64"),
        (SCALED | {"scale": 1.0, "scale_low": 0.99, "scale_high": 1.01}, "right"),
        ({"direction_verdict": "undetermined", "direction_bias_high": 0.2}, "off by < 20 %"),
        ({"direction_verdict": "undetermined"}, "undetermined"),
        ({"direction_verdict": "no truth"}, "–"),
        ({}, "–"),
    ],
)
def test_direction_in_a_table(facts, expected):
    assert direction(facts) == expected


def test_the_terminal_shows_direction_cautions_and_the_recommendation(capsys):
    rows = [
        cell("quarter", 0.1, 1e-6, **BIASED | SCALED),
        cell("rare", 5.0, 1e-6, reason="An outcome is rare."),
    ]
    terminal.print_comparison(rows)
    shown = " ".join(capsys.readouterr().out.split())
    assert "right, × 0.25" in shown
    assert "beware of rare: An outcome is rare." in shown
    terminal.print_ranking(rows)
    assert "beware of rare: An outcome is rare." in " ".join(capsys.readouterr().out.split())


def test_the_quietest_of_a_page_comes_with_its_caution():
    rows = [cell("a", 5.0, 1e-6, reason=APART), cell("b", 9.0, 1e-6)]
    (sections,) = whole_page(prepare(pandas.DataFrame(rows)))["families"].values()
    assert sections[0]["quietest"].endswith(f"Beware: {APART}")


def test_the_pages_show_all_that_is_measured():
    more = {"mse": 5.25, "wrong_way": 0.31, "data_variance": 0.07, "peak_memory_bytes": 3_400_000,
            "compile_seconds": 2.5, "truth_method": "reference", "truth_note": "two runs",
            "truth_error": 0.12, "variance_scaled": 80.0, "variance_scaled_low": 79.0,
            "variance_scaled_high": 81.0}  # fmt: skip
    rows = [cell("a", 5.0, 1e-6, reason="An outcome is rare.", **more | SCALED)]
    page = whole_page(prepare(pandas.DataFrame(rows)))
    for template in ("report.html.j2", "report.md.j2"):
        text = render(template, page | {"site": []}).replace("\\", "")
        wanted = ["5.25", "31 %", "0.0700", "3.4 MB", "2.50 s", "two runs", "known within 12 %"]
        wanted += ["An outcome is rare.", "right, × 0.25", "80.0"]
        assert [what for what in wanted if what not in text] == []
