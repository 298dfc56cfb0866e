"""Regression reports: every finding once, in order, escaped, and a comment that GitHub takes."""

import json
import math
import re
from html.parser import HTMLParser

import pandas
import pytest
from planted_document import EVIL, FINDINGS, document, finding
from planted_history import at, scaled, stored
from planted_records import record

from benchmarks.regression.schema import Acceptance, Finding, Side
from reports.frames import commit_series
from reports.regression import forest
from reports.regression.comment import INLINE, MARK, MOST
from reports.regression.publish import publish_regression


class Text(HTMLParser):
    """Tags and texts of a page, the latter in order."""

    def __init__(self, page: str):
        super().__init__()
        self.tags, self.texts, self.links = [], [], []
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for key, value in attributes if key in ("src", "href")]

    def handle_data(self, data):
        self.texts.append(data)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("regression")
    assert publish_regression(document(), folder) == folder / "index.html"
    return folder


def test_all_files_are_written_and_hold_the_document(published):
    names = {"index.html", "comment.md", "verdict.json", "findings.csv"}
    assert {path.name for path in published.iterdir()} == names
    assert json.loads((published / "verdict.json").read_text()) == document()
    frame = pandas.read_csv(published / "findings.csv")
    assert list(frame["estimator"]) == [one.estimator for one in FINDINGS]
    assert frame["ratio"][2] == 1.107


def test_the_page_needs_nothing_and_says_everything_in_order(published):
    page = (published / "index.html").read_text()
    assert not re.search(r"https?://|@import|url\(", page)
    parsed = Text(page)
    assert [link for link in parsed.links if not link.startswith("data:")] == []
    assert "script" not in parsed.tags
    text = " ".join(" ".join(parsed.texts).split())
    said = [
        "3 confirmed regressions in 12 cells.",
        "12 comparisons in 12 cells, 11 of them decided; 7 cells refused on both sides.",
        "Confirmed regressions",
        "ok → error",
        "moved by 2.0 % of ‖g‖",
        "× 1.107 [1.092, 1.123]",
        "gradmeter regress main HEAD -p toy -e reinforce-loo -K 4",
        "Validity",
        "error → ok",
        "Improvements",
        "× 0.550 [0.540, 0.560]",
        "Undecided",
        "R = 160,000 would decide.",
        "Speed and memory",
        "1.10 µs → 1.27 µs",
        "wall clock × 1.16",
        "2.00 MiB → 4.00 MiB",
        "Acknowledged",
        "On purpose.",
        "2027-01-01: expired",
        "False alarms",
        "240 comparisons of unchanged code with itself",
        "History",
        "Method",
        "Different environments",
        "2.9.1",
        "What could have been found",
        "The report’s A/A self-check holds",
    ]
    places = [text.find(sentence) for sentence in said]
    assert -1 not in places, said[places.index(-1)]
    assert places == sorted(places)


def test_the_comment_begins_with_the_verdict_and_folds_all_but_five(tmp_path):
    many = [finding(estimator=f"e{number}") for number in range(12)]
    text = publish_regression(document(many), tmp_path / "comment.md").read_text()
    assert text.startswith("**3 confirmed regressions in 12 cells.**\n")
    assert MARK in text
    inline = text.partition("<details>")[0]
    assert re.findall(r"\| e\d+ \|", inline) == [f"| e{number} |" for number in range(INLINE)]
    assert "7 more regressions" in text
    assert text.count("<details>") == text.count("</details>")
    assert all(f"| e{number} |" in text for number in range(12))


@pytest.mark.parametrize("count", [0, 5, 6, 40, 1_500])
@pytest.mark.parametrize("word", ["short", "&<|@" * 500])
def test_the_comment_is_never_too_long(tmp_path, count, word):
    cells = [
        finding(metric, verdict, estimator=f"{word}{number}", reason=word * 3, reproduce=word * 9,
                base_value=None, head_value=None)
        for number in range(count)
        for metric, verdict in (("variance", "regressed"), ("variance", "unstable"))
    ]  # fmt: skip
    whole = document(cells, sentence=word * 50)
    text = publish_regression(whole, tmp_path / "comment.md").read_text()
    assert len(text) < MOST
    assert text.count("<details>") == text.count("</details>")
    assert text.rstrip().endswith(MARK)
    if count == 1_500 and word == "short":
        assert len(text) > MOST / 2
        assert "more in the full report" in text


def test_nothing_from_the_data_becomes_markup(tmp_path):
    evil = finding(estimator=EVIL, problem=EVIL, config=EVIL, reason=EVIL, reproduce=EVIL,
                   accepted=None, dtype=EVIL)  # fmt: skip
    evils = [evil, finding("status", "fixed", EVIL, base_value=EVIL, head_value=EVIL)]
    evils[1:] = [Finding(**{**vars(evils[1]), "config": "{}"})]
    evils[0] = Finding(**{**vars(evil), "config": "{}"})
    whole = document(
        evils,
        sentence=EVIL,
        base=Side(EVIL, EVIL, {}),
        accepted=[Acceptance(EVIL, EVIL, EVIL, EVIL, EVIL)],
        environment=[{"field": EVIL, "base": EVIL, "head": EVIL}],
        settings={EVIL: EVIL},
    )
    publish_regression(whole, tmp_path)
    parsed = Text((tmp_path / "index.html").read_text())
    assert [link for link in parsed.links if not link.startswith("data:")] == []
    assert "onerror=alert(1)" in " ".join(parsed.texts)
    comment = (tmp_path / "comment.md").read_text()
    fenced = re.compile(r"^(`{3,})sh\n.*?^\1$", re.MULTILINE | re.DOTALL)
    assert len(fenced.findall(comment)) == 1
    outside = fenced.sub("", comment)
    assert "<img" not in outside
    assert "@someone" not in outside
    assert not re.search(r"(?<!\\)`|(?<!\\)\[c", outside)
    rows = [line for line in outside.splitlines() if line.startswith("| ")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows[:3]} == {9}  # no words: 8 columns
    closed = len(re.findall(r"^</details>$", outside, re.MULTILINE))
    assert closed == comment.count("<details>")


@pytest.mark.parametrize("verdict", ["passed", "failed", "undecided"])
def test_an_empty_report_says_what_there_is_not(tmp_path, verdict):
    bare = document([], verdict=verdict, sentence="Nothing.", minimum_effect={}, self_check={},
                    environment=[], settings={}, accepted=[])  # fmt: skip
    page = publish_regression(bare, tmp_path).read_text()
    assert "There is none." in page
    assert "Both sides were measured in the same environment." in page
    assert "self-check</b> was not made" in page
    words = re.findall(r"\w+", " ".join(Text(page).texts))
    assert not {"nan", "None", "NaN"} & set(words)


def test_a_self_check_that_fails_is_said(tmp_path):
    for check in (
        {"tests": 1_000, "below_0.05": 0.09},
        {"tests": 1_000, "below_0.05": 0.05, "below_0.001": 0.01},
    ):
        page = publish_regression(document(self_check=check), tmp_path / "a.html").read_text()
        assert "self-check</b> fails" in page
    holds = {"tests": 692, "below_0.05": 0.055, "below_0.01": 0.013, "below_0.001": 1 / 692}
    page = publish_regression(document(self_check=holds), tmp_path / "a.html").read_text()
    assert "self-check</b> holds" in page


def test_configurations_of_one_name_are_told_apart(tmp_path):
    hot, cold = ('{"temperature": 1.0}', '{"temperature": 0.1}')
    cells = [finding(config=config) for config in (hot, cold)]
    text = publish_regression(document(cells), tmp_path / "c.md").read_text()
    assert "reinforce-loo (temperature 0.1)" in text


def test_earlier_steps_of_a_regressed_cell_are_its_history(tmp_path):
    row = record("toy", "reinforce-loo", 4)
    found = commit_series.series(stored([at(row, 0), at(scaled(row, 1.3, 1e-4), 1)]))
    page = publish_regression(document(), tmp_path / "a.html", found)
    assert "variance × 1.3" in page.read_text()


def test_a_reason_that_repeats_the_change_is_left_out(tmp_path):
    cells = [
        finding(reason="Variance +10.7 % (+9.2 to +12.3 %)."),
        finding("bias", change=0.02, base_value=0.0, head_value=0.02,
                reason="Unbiased at the base, biased at the head: E ĝ has moved by 2.0 % of ‖g‖."),
        finding("variance", "unstable", reason="Too noisy."),
    ]  # fmt: skip
    text = publish_regression(document(cells), tmp_path / "a.html").read_text()
    assert "+9.2 to" not in text
    assert "Unbiased at the base, biased at the head." in text
    assert "E ĝ has moved" not in text
    assert "Too noisy." in text


def test_what_all_rows_of_the_forest_share_is_said_once():
    rows = [vars(finding(estimator=name)) for name in ("a", "b")]
    assert forest._names(rows) == (["a", "b"], "toy, K = 4, variance: ")
    assert forest._names(rows[:1]) == (["toy · a · K = 4 · variance"], "")


def test_many_findings_are_folded_after_the_first(tmp_path):
    cells = [finding(estimator=f"e{number}") for number in range(20)]
    text = publish_regression(document(cells), tmp_path / "a.html").read_text()
    shown, _, folded = text.partition("<summary>The others <small>8</small>")
    assert shown.count("<code>gradmeter regress") == 12
    assert folded.count("<code>gradmeter regress") == 8


def test_the_same_document_gives_the_same_bytes(published, tmp_path):
    publish_regression(document(), tmp_path)
    for path in published.iterdir():
        assert path.read_bytes() == (tmp_path / path.name).read_bytes(), path.name


def test_unknown_endings_verdicts_and_numbers_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"name a folder or end in"):
        publish_regression(document(), tmp_path / "a.pdf")
    with pytest.raises(ValueError, match="it is one of passed"):
        publish_regression(document() | {"verdict": "green"}, tmp_path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        publish_regression(document() | {"sentence": math.nan}, tmp_path / "a.json")
