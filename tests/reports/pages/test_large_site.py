"""A site of many problems: an index that keeps the overview, its data beside it, built anew."""

import json
import re

import browser
import pandas
import pytest
from planted_records import ESTIMATORS, framed, record, suite

import reports
from reports.pages import built

PROBLEMS = [f"normal-{number}" for number in range(8)] + ["gamma-a", "bernoulli-b"]


def planted(problems=PROBLEMS, **changes):
    rows = suite(dict.fromkeys(problems, 16.0), (1, 4))
    for row in rows:
        if (row["problem"], row["estimator"]) == ("gamma-a", "pathwise"):
            row |= changes
    return framed(rows)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    reports.publish(planted(), folder)
    return folder


def data_of(folder):
    text = (folder / "cells.js").read_text()
    return json.loads(text.removeprefix("gradmeterCells(").removesuffix(");\n"))


def test_the_index_keeps_the_overview_and_sends_to_the_pages(published):
    text = (published / "index.html").read_text()
    body = text.partition("<tbody>")[2].partition("</table>")[0]
    for name in PROBLEMS:
        assert f'data-problem="{name}"' in body
        assert text.count(f'href="problems/{name}.html"') == 2
    assert body.count("<td") == len(PROBLEMS) * len(ESTIMATORS)
    assert "Ranking at" not in text
    assert "data:image" not in text
    assert "Quietest at K = 4" in text
    few = reports.publish(planted(PROBLEMS[:8]), published.parent / "few").read_text()
    assert "Ranking at" in few
    assert "<script" not in few
    assert not (published.parent / "few" / "cells.js").exists()


def test_the_file_beside_it_has_every_measured_cell(published):
    data, frame = data_of(published), pandas.read_csv(published / "ranking.csv")
    cells = {(row[0], row[2], row[1].removeprefix("○ ")) for row in data["rows"]}
    names = zip(frame["problem"], frame["samples"].astype(str), frame["label"], strict=True)
    assert cells == {*names}
    assert len(data["rows"]) == len(frame) > 50
    assert all((published / page).is_file() for page in data["pages"].values())


def test_names_stay_text_in_the_file_too(tmp_path):
    evil = "</script><script>alert('1')</script>\u2028"
    rows = [record(f"{evil}{number}", evil) for number in range(9)]
    text = reports.publish(framed(rows), tmp_path).read_text()
    assert text.count("<script") == text.count("</script>") == 1
    assert "alert('1')" not in text
    assert (tmp_path / "cells.js").read_text().isascii()
    assert data_of(tmp_path)["rows"][0][1].startswith("</script>")


def times(folder):
    files = (path for path in folder.rglob("*") if path.suffix in (".html", ".md", ".js"))
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in files}


def test_only_what_has_changed_is_written_again(published, tmp_path):
    reports.publish(planted(), tmp_path)
    before = times(tmp_path)
    reports.publish(planted(), tmp_path)
    assert times(tmp_path) == before
    reports.publish(planted(variance=7.0, variance_low=6.8, variance_high=7.2), tmp_path)
    changed = {path for path, time in times(tmp_path).items() if time != before[path]}
    assert {"problems/gamma-a.html", "index.html", "report.md", "cells.js"} <= changed
    assert "estimators/pathwise.html" in changed
    assert [path for path in changed if path.startswith("problems/")] == ["problems/gamma-a.html"]
    page = (tmp_path / "problems" / "gamma-a.html").read_text()
    assert re.search(r"7\.0+ <i>\[6\.8", page)
    reports.publish(planted(), tmp_path)
    for path in before:
        assert (tmp_path / path).read_bytes() == (published / path).read_bytes(), path


@pytest.mark.parametrize("damage", ["gone", "edited", "record"])
def test_a_page_that_is_not_as_it_was_written_is_written_again(tmp_path, damage):
    page = tmp_path / "problems" / "toy.html"
    frame = framed([record("toy", "a"), record("other", "a")])
    reports.publish(frame, tmp_path)
    whole = page.read_bytes()
    if damage == "gone":
        page.unlink()
    else:
        page.write_bytes(b"something else")
    if damage == "record":
        (tmp_path / built.NAME).write_text('{"problems/toy.html": 1')
    reports.publish(frame, tmp_path)
    assert page.read_bytes() == whole


def test_a_change_of_the_code_writes_every_page_again(tmp_path, monkeypatch):
    frame = framed([record("toy", "a")])
    reports.publish(frame, tmp_path)
    before = times(tmp_path)
    monkeypatch.setattr(built, "_code", lambda: b"another")
    reports.publish(frame, tmp_path)
    assert all(time != before[path] for path, time in times(tmp_path).items())


@pytest.mark.skipif(browser.found() is None, reason="there is no Chromium on this machine")
def test_the_search_filters_and_lists_cells_without_a_network(published, tmp_path):
    with browser.Chromium() as chromium:
        type_in = """(() => { const field = document.querySelector('[name=%s]');
            field.value = '%s'; field.dispatchEvent(new Event('input', {bubbles: true})); })()"""
        visit = chromium.visit(published / "index.html", 390)
        assert (visit.requests, visit.errors, visit.overflow <= 0) == ([], [], True)
        chromium.run(type_in % ("problem", "gamma"))
        chromium.run(type_in % ("estimator", "loo"))
        loaded = """new Promise(kept => { const look = () => document.querySelector('#found tr')
            ? kept(true) : setTimeout(look, 20); look(); })"""
        assert chromium.run(loaded)
        rows = "[...document.querySelectorAll('.matrix tbody tr')].filter(r => !r.hidden).length"
        assert chromium.run(rows) == 1
        heads = """[...document.querySelectorAll('.matrix thead span')].filter(
            s => s.getClientRects().length).map(s => s.textContent)"""
        assert chromium.run(heads) == ["reinforce-loo"]
        found = chromium.run("document.getElementById('found').innerText")
        assert re.search(r"1 measured cells?\.", found)
        assert "gamma-a" in found
        assert chromium.run("document.documentElement.scrollWidth <= innerWidth")
        asked = [event["params"]["request"]["url"] for event in chromium.events
                 if event.get("method") == "Network.requestWillBeSent"]  # fmt: skip
        assert all(url.startswith(("file://", "data:")) for url in asked)
        alone = tmp_path / "index.html"
        alone.write_bytes((published / "index.html").read_bytes())
        chromium.visit(alone, 1280)
        chromium.run(type_in % ("problem", "gamma"))
        said = """new Promise(kept => { const look = () => {
            const text = document.getElementById('found').innerText;
            if (text) kept(text); else setTimeout(look, 20); }; look(); })"""
        assert chromium.run(said) == "cells.js is not beside this page."
