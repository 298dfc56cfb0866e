"""Tables of planted records: order, ties, Holm's correction, reasons."""

import math

import numpy
import pandas
import pytest
from planted_records import DISCRETE, PROBLEMS, framed, record, suite

from reports.frames.rankings import biases, errors, headline, holm, ranking, ratio, refusals


def test_ranking_orders_by_variance_within_problem_and_samples():
    ranked = ranking(framed(suite()))
    for _, part in ranked.groupby(["problem", "samples"]):
        assert part["variance"].is_monotonic_increasing
        assert part["rank"].dropna().tolist() == list(range(1, part["rank"].notna().sum() + 1))
    assert ranked["problem"].unique().tolist() == list(PROBLEMS)
    assert (ranked["status"] == "ok").all()


def test_biased_estimators_are_listed_but_hold_no_rank():
    ranked = ranking(framed(suite())).query("problem == 'bernoulli-quadratic' and samples == 4")
    assert ranked["label"].iloc[0] == "straight-through"
    assert ranked.loc[ranked["label"].isin(DISCRETE), "rank"].isna().all()
    assert ranked.loc[ranked["rank"] == 1, "label"].item() == "reinforce-optimal"
    assert ranked["relative"].iloc[0] == pytest.approx(0.2 / 7)


@pytest.mark.parametrize(
    ("values", "eligible"),
    [
        ({}, True),
        ({"unhealthy": 0.01}, False),
        ({"zero": 1.0}, False),
        ({"variance": math.nan}, False),
        ({"bias_p": 1e-12}, False),
        ({"bias_p": math.nan, "bias_verdict": "biased"}, False),
        ({"heavy_tailed": True}, True),
    ],
)
def test_who_may_be_called_the_quietest(values, eligible):
    assert framed([record("toy", "a", **values)])["eligible"].item() == eligible


def test_ties_hang_on_the_interval_of_the_ratio():
    wide = {"variance_low": 0.8, "variance_high": 1.25, "variance_jackknife": None}
    records = [
        record("toy", "best", **wide),
        record("toy", "near", **wide | {"variance": 1.1, "variance_high": 1.4}),
        record("toy", "far", **wide | {"variance": 3.0, "variance_low": 2.4, "variance_high": 3.7}),
    ]
    assert ranking(framed(records))["tied"].tolist() == [True, True, False]


def test_pairing_by_blocks_tells_apart_what_overlapping_intervals_cannot():
    without = numpy.random.default_rng(1).lognormal(0, 0.02, 32)
    ends = {"variance_low": 0.85, "variance_high": 1.2}
    one = record("toy", "one", variance_jackknife=list(without), **ends)
    two = record("toy", "two", variance=1.05, variance_jackknife=list(1.05 * without), **ends)
    paired = ranking(framed([one, two]))
    alone = ranking(framed([one, two | {"seed": 1}]))
    assert paired["tied"].tolist() == [True, False]
    assert paired["relative_low"].iloc[1] == pytest.approx(1.05)
    assert alone["tied"].tolist() == [True, True]


def test_the_paired_interval_covers_the_ratio_as_often_as_it_says():
    generator, hits, runs, true = numpy.random.default_rng(2), 0, 400, 1.3
    for _ in range(runs):
        shared = generator.gamma(8, 1 / 8, (32, 1)) * generator.gamma(20, 1 / 20, (32, 2))
        ours, theirs = [_measured(blocks) for blocks in (true * shared[:, 0], shared[:, 1])]
        _, low, high = ratio(ours, theirs)
        hits += low <= true <= high
    assert abs(hits / runs - 0.95) < 4 * (0.95 * 0.05 / runs) ** 0.5


def _measured(blocks):
    """What a measurement says of block variances: their mean, and the means without each."""
    ends = {"variance_low": math.nan, "variance_high": math.nan, "seed": 0, "replicates": 9}
    without = (blocks.sum() - blocks) / (len(blocks) - 1)
    return ends | {"variance": blocks.mean(), "variance_jackknife": without}


def test_a_variance_of_zero_is_the_best_and_breaks_no_ratio():
    zero = {"variance": 0.0, "variance_low": 0.0, "variance_high": 0.0}
    ranked = ranking(framed([record("toy", "a"), record("toy", "b", **zero)]))
    assert ranked["label"].tolist() == ["b", "a"]
    assert ranked["relative"].tolist() == [1.0, math.inf]


def test_holm_by_hand():
    p = pandas.Series([0.01, 0.04, math.nan, 0.03, 0.005])
    assert holm(p).tolist() == pytest.approx([0.03, 0.06, math.nan, 0.06, 0.02], nan_ok=True)


def test_the_verdict_is_corrected_over_the_whole_report():
    few = [record("toy", "suspect", bias_p=2e-5, bias_verdict="biased")]
    many = few + [record(f"toy-{i}", "fine") for i in range(20)]
    assert framed(few)["biased"].tolist() == [True]
    assert not framed(many)["biased"].any()


def test_of_several_runs_of_a_cell_the_one_with_most_replicates_counts():
    runs = [
        record("toy", "a", variance=1.0, replicates=1_000, budget=1_000),
        record("toy", "a", variance=2.0, replicates=10_000, budget=10_000),
        record("toy", "a", variance=3.0, replicates=100, budget=100),
    ]
    assert framed(runs)["variance"].tolist() == [2.0]


def test_labels_show_the_fields_in_which_configurations_differ():
    configs = ['{"hard": false, "temperature": 0.5}', '{"hard": false, "temperature": 1.0}']
    rows = [record("toy", "gumbel-softmax", config=config) for config in configs]
    labels = framed([*rows, record("toy", "pathwise", config='{"x": 1}')])["label"]
    assert labels.tolist() == [
        "gumbel-softmax (temperature 0.5)",
        "gumbel-softmax (temperature 1.0)",
        "pathwise",
    ]


def test_headline_takes_the_setting_where_most_can_be_compared():
    heads = headline(ranking(framed(suite())))
    assert heads.groupby("problem")["samples"].unique().map(list).tolist() == [[4]] * len(PROBLEMS)


def test_refusals_and_errors_keep_their_reasons():
    frame = framed(suite())
    loo = refusals(frame).query("label == 'reinforce-loo' and problem == 'vae-digits'")
    assert loo["reason"].item() == "Leave-one-out needs two samples or more."
    assert loo["samples"].item() == [1]
    assert errors(frame)[["problem", "label"]].to_numpy().tolist() == [["vae-digits", "implicit"]]
    assert errors(frame)["samples"].item() == [1, 4, 16]


def test_biases_are_relative_to_the_gradient_or_to_the_noise_where_it_vanishes():
    values = {"bias2": 0.25, "bias2_low": 0.16, "bias2_high": 0.36, "bias_p": 0.0}
    rows = biases(
        framed(
            [
                record("toy", "a", gradient_norm=2.0, **values),
                record("toy", "b", gradient_norm=0.0, variance=100.0, **values),
                record("toy", "c"),
            ]
        )
    )
    assert rows["label"].tolist() == ["a", "b"]
    assert rows["relative_bias"].tolist() == pytest.approx([0.25, 0.05])
    assert rows["relative_bias_low"].tolist() == pytest.approx([0.2, 0.04])
    assert rows["of"].tolist() == ["‖g‖", "√variance"]


def test_a_frame_without_identity_or_context_is_ranked_all_the_same():
    bare = pandas.DataFrame(
        {"problem": "toy", "estimator": ["a", "b"], "status": "ok", "variance": [2.0, 1.0]}
    )
    ranked = headline(ranking(bare))
    assert ranked["label"].tolist() == ["b", "a"]
    assert ranked["relative"].tolist() == [1.0, 2.0]
