"""What the sentences and the numbers say, on planted records and by hand."""

import math

import pytest
from planted_records import DISCRETE, framed, record, refused, suite

from reports.frames.summary import findings
from reports.text.numbers import factor, interval, number, rate, seconds
from reports.text.phrases import listed


def test_findings_say_who_wins_where_it_loses_and_who_is_biased():
    measured, quietest, doubtful = findings(framed(suite()))
    assert measured.startswith("9 estimators on 5 problems at K = 1, 4 and 16: 85 cells measured")
    assert "47 refused with a reason, 3 failed (implicit)" in measured
    assert "pathwise is most often the quietest, alone or tied on 3 of 5 problems" in quietest
    assert "30 times less variance than plain reinforce" in quietest
    assert "it loses to reinforce-optimal on normal-cosine (14 times the variance)." in quietest
    for name in DISCRETE:
        assert f"{name} on 1 of 1 problem" in doubtful
    assert "3 cells heavy-tailed" in doubtful
    assert "(reinforce)" in doubtful


def test_findings_change_with_the_data():
    sick = [record("toy", "a", variance=0.5), record("toy", "b", unhealthy=0.02)]
    _, quietest, doubtful = findings(framed(sick))
    assert "a is most often the quietest" in quietest
    assert "nowhere beaten" in quietest
    assert "No estimator was shown to be biased in 2 tests" in doubtful
    assert "at worst 2.0 % (b on toy)" in doubtful
    sick[1] |= {"unhealthy": 0.3, "status": "error", "reason": "30 % are not finite."}
    assert "at worst 30 % (b on toy)" in findings(framed(sick))[2]


def test_losses_are_gathered_by_who_wins():
    records = [record(f"toy-{i}", "a") for i in range(9)]
    records += [record(f"toy-{i}", "b", variance=0.5 - i / 10) for i in range(3)]
    records += [record("toy-3", "exact", variance=1e-33)]
    _, quietest, _ = findings(framed(records))
    assert "a is most often the quietest, alone or tied on 5 of 9 problems" in quietest
    assert "to b on toy-2 (3.3 times the variance) and 2 more" in quietest
    assert "to exact on toy-3 (no variance there)" in quietest


def test_findings_of_a_report_in_which_all_was_refused():
    sentences = findings(framed([refused("toy", "a"), refused("toy", "b")]))
    assert len(sentences) == 3
    assert "No estimator could be ranked" in sentences[1]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (interval(4.0, 3.88, 4.12), "4.00 [3.88, 4.12]"),
        (interval(11594.2, 11200.3, 12000.7), "11600 [11200, 12000]"),
        (interval(6.25e-4, 6.1e-4, 6.4e-4), "6.25e-4 [6.10e-4, 6.40e-4]"),
        (interval(-1e-6, -3e-6, 1e-6), "−1.0e-6 [−3.0e-6, 1.0e-6]"),
        (interval(0.0, 0.0, 0.0), "0"),
        (interval(2.0, math.nan, math.nan), "2.00"),
        (number(None), "–"),
        (number(math.inf), "∞"),
        (number(-0.01594), "−0.0159"),
        (number(1.5e7), "1.50e7"),
        (seconds(1.98e-6, 1.88e-6, 2.06e-6), "1.98 µs [1.88, 2.06]"),
        (seconds(0.5), "500 ms"),
        (seconds(math.nan), "–"),
        (rate(81_200), "81.2 k"),
        (factor(1.004), "1.00"),
        (factor(31.7), "32"),
        (factor(3e9), ">1e6"),
        (listed(["a"]), "a"),
        (listed(["a", "b"]), "a and b"),
        (listed(list("abcde")), "a, b, c and 2 more"),
    ],
)
def test_numbers_and_lists_in_words(text, expected):
    assert text == expected
