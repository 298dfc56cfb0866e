"""The direction of a mean, in words."""

import pytest

from reports.frames.ranking_tables import direction


def told(verdict, high, **more):
    return direction({"direction_verdict": verdict, "direction_bias": 0.0,
                      "direction_bias_high": high, **more})  # fmt: skip


@pytest.mark.parametrize(
    ("high", "words"), [(0.057, "off by < 5.7 %"), (1.0, "undetermined"), (None, "undetermined")]
)
def test_what_is_not_excluded_is_said(high, words):
    assert told("undetermined", high) == words


def test_a_single_parameter_has_no_angle_to_be_below():
    """Its sign is right or wrong: what is not shown stays undetermined, and never "< 0 %"."""
    assert told("undetermined", 0.0) == "undetermined"
    assert told("parallel", 0.0) == "right"
