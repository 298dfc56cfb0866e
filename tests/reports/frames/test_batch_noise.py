"""What is said of the batch's own noise is what the numbers say."""

import pandas
import pytest

from reports.frames.batch_noise import about_batch
from reports.frames.recommendation import recommend

NOISE = 4.9


def rows(variances, noise=NOISE, low=3.0):
    return pandas.DataFrame(
        {
            "label": "mine", "samples": [*variances], "variance": [*variances.values()],
            "data_variance": noise, "data_variance_low": low,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("variances", "says"),
    [
        ({1: 10.0, 4: 2.5, 16: 0.6}, "4 cannot help much: the batch's own noise is 4.9 of 7.4."),
        ({1: 10.0}, "K = 1 can still help: the batch's own noise is 4.9 of 15."),
        ({2: 5.0, 1: 10.0}, "K = 2 can still help: the batch's own noise is 4.9 of 9.9."),
        ({1: 0.0}, "What is left is the batch's own noise, 4.9."),
    ],
    ids=["enough", "not enough", "nearly", "exact"],
)  # fmt: skip
def test_at_which_samples_the_batch_is_most_of_it(variances, says):
    (sentence,) = about_batch(rows(variances), "mine")
    assert sentence.endswith(says)


def test_without_batches_nothing_is_said():
    assert about_batch(rows({1: 1.0}, low=-0.1), "mine") == []
    assert about_batch(rows({1: 1.0}, noise=float("nan"), low=float("nan")), "mine") == []
    assert about_batch(rows({1: 1.0}), "another") == []


def test_it_is_said_of_who_is_recommended():
    cells = [
        {
            "problem": "p", "estimator": name, "samples": 4, "status": "ok", "variance": variance,
            "variance_low": 0.98 * variance, "variance_high": 1.02 * variance, "seconds": 1e-6,
            "work_variance": variance * 1e-6, "work_variance_low": 0.97e-6 * variance,
            "work_variance_high": 1.03e-6 * variance, "bias_p": 0.5, "bias_verdict": "unbiased",
            "data_variance": NOISE, "data_variance_low": 3.0, "data_variance_high": 6.0,
        }
        for name, variance in (("one", 2.5), ("two", 9.0))
    ]  # fmt: skip
    said = recommend(pandas.DataFrame(cells))
    assert said.startswith("Use one (K = 4)")
    assert "More samples than K = 4 cannot help much: the batch's own noise is 4.9 of 7.4." in said
