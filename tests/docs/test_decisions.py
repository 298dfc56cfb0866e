"""The decision table of README: from its data, and one row measured again."""

import json
import sys
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))

import decisions  # noqa: E402 beside the pages it makes

FOUND = json.loads(decisions.DATA.read_text())


def test_the_tables_are_those_of_the_data():
    table = "\n".join(decisions._table(FOUND))
    assert table in decisions.PAGE.read_text()
    assert decisions._short(table) in decisions.README.read_text()
    assert list(FOUND) == list(decisions.ROWS)


def test_a_row_measured_again_is_inside_its_interval():
    """The variance, not the time, which is the machine's."""
    kept = FOUND["von-mises-cosine"]
    frame = decisions.measured("von-mises-cosine", kept["best"][:1], replicates=1500)
    row = frame.iloc[0]
    _, low, high = kept["variance"]
    assert row["variance_low"] < high
    assert row["variance_high"] > low


def test_nobody_is_named_who_is_biased():
    for row in FOUND.values():
        assert not {*row["best"]} & {*row["biased_but_quieter"]}
        assert row["exact"] or row["bias_limit"] < 0.25
