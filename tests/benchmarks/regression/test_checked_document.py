"""A verdict that a stranger's run wrote: its fields are checked, its comment is made of them."""

import json

import pytest
from click.testing import CliRunner
from planted_document import document, finding

from benchmarks.regression.checked_document import Unsound, read_checked
from gradmeter import main
from reports.regression.publish import publish_regression

FOUND = [
    finding(reason="The variance is × 1.1: more."),
    finding("variance", "identical", "enumeration", ratio=1.0, problem_version="3a7f"),
    finding("speed", "regressed", "pathwise", gates=False, ratio=1.15, confirmed=None),
]


def sound(**changes) -> dict:
    """A document as `gradmeter regress` writes it, with changes at paths (cells__0__metric)."""
    made = document(FOUND, accepted=[])
    for path, value in changes.items():
        *way, last = path.split("__")
        place = made
        for step in way:
            place = place[int(step) if step.isdigit() else step]
        place[last] = value
    return made


def checked(tmp_path, made):
    file = tmp_path / "verdict.json"
    file.write_text(made if isinstance(made, str) else json.dumps(made))
    return read_checked(file)


def test_a_sound_verdict_is_taken_over_and_its_sentence_made_again(tmp_path):
    made = sound(sentence="All is well. [Click](http://example.org)")
    found = checked(tmp_path, made)
    assert {**found.to_dict(), "sentence": ""} == {**made, "sentence": ""}
    assert found.sentence == (
        "1 confirmed regression in 12 cells: variance of reinforce-loo on toy, K = 4: "
        "The variance is × 1.1: more."
    )


UNSOUND = {
    "no JSON": ("<html>", "is no verdict to be published"),
    "a list": ([], "Expected `object`"),
    "another schema": (sound(schema=9), "it has schema 9"),
    "an unknown verdict": (sound(verdict="splendid"), "its verdict is none of"),
    "an unknown metric": (sound(cells__0__metric="beauty"), "metric or a verdict"),
    "an unknown finding": (sound(cells__0__verdict="great"), "metric or a verdict"),
    "text for a number": (sound(cells__0__samples="four"), "Expected `int`"),
    "a number for text": (sound(cells__0__estimator=4), "Expected `str`"),
    "a field that is gone": (dict(list(sound().items())[:3]), "missing required"),
    "passed, with a regression": (sound(verdict="passed", exit_status=0), "that of its findings"),
    "regressed, without one": (sound(cells__0__gates=False), "that of its findings"),
    "another exit status": (sound(exit_status=0), "its exit status"),
    "other counts": (sound(completeness__findings=2), "counts other findings"),
    "other verdicts": (sound(completeness__verdicts={"regressed": 3}), "counts other findings"),
    "less than nothing": (sound(completeness__cells=-1), "less than nothing"),
    "a commit that is text": (sound(head__commit="@someone"), "hexadecimal"),
    "a long text": (sound(cells__0__reason="x" * 5_000), "longer than 4000"),
    "a long name": (sound(settings={"x" * 5_000: 1}), "longer than 4000"),
    "a deep setting": (sound(settings={"a": [[[[[[1]]]]]]}), "deep"),
    "another command": (sound(cells__0__reproduce="curl http://x.org"), "gradmeter alone"),
    "two commands": (sound(cells__0__reproduce="gradmeter regress a b; reboot"), "gradmeter alone"),
    "a command in a command": (sound(cells__0__reproduce="gradmeter regress $(reboot) b"), "alone"),
    "two lines": (sound(cells__0__reproduce="gradmeter regress a 'b\nreboot'"), "alone"),
    "another subcommand": (sound(cells__0__reproduce="gradmeter store prune"), "alone"),
}  # fmt: skip


@pytest.mark.parametrize("kind", UNSOUND)
def test_what_is_no_verdict_is_refused_in_a_sentence(tmp_path, kind):
    made, says = UNSOUND[kind]
    with pytest.raises(Unsound, match=says):
        checked(tmp_path, made)
    done = CliRunner().invoke(
        main, ["comment", str(tmp_path / "verdict.json"), "--to", str(tmp_path / "c.md")]
    )
    assert done.exit_code == 2
    assert "is no verdict to be published" in " ".join(done.stderr.split())
    assert not (tmp_path / "c.md").exists()


def test_a_huge_file_is_not_read(tmp_path):
    with open(tmp_path / "verdict.json", "wb") as file:
        file.truncate(60_000_000)
    with pytest.raises(Unsound, match="60,000,000 bytes"):
        read_checked(tmp_path / "verdict.json")


def test_the_comment_is_that_of_the_run_but_for_its_words(tmp_path):
    """What `regress` writes itself is what is made again of its verdict."""
    made = sound()
    made["sentence"] = checked(tmp_path, made).sentence
    publish_regression(made, tmp_path / "own.md")
    done = CliRunner().invoke(
        main, ["comment", str(tmp_path / "verdict.json"), "--to", str(tmp_path / "again.md")]
    )
    assert done.exit_code == 0, done.output
    assert (tmp_path / "again.md").read_text() == (tmp_path / "own.md").read_text()


def test_wrong_usage_is_named(tmp_path):
    done = CliRunner().invoke(main, ["comment", str(tmp_path / "none.json")])
    assert (done.exit_code, "There is no file" in done.stderr) == (2, True)
    done = CliRunner().invoke(main, ["comment", "x.json", "--to", "page.html"])
    assert (done.exit_code, "a comment is Markdown" in done.stderr) == (2, True)
