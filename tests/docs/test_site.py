"""The documentation's site: every page is reached, every link holds, and it builds and opens."""

import json
import re
import subprocess
import sys
from pathlib import Path

import browser
import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("*.md"))
GENERATED = ("shelf/index", "api/index", "columns", "measured/index", "measured/matrix",
             "examples/index")  # fmt: skip
ATLAS = ("atlas/index", "atlas/datasheet")
OPENED = ("index", "decisions", "estimators", "matrix", "shelf/disarm", "api/benchmarks", "columns",
          "your-own-distribution", "regression", "search", "atlas/index", "atlas/datasheet",
          "measured/matrix", "measured/normal-cosine", "examples/index", "claims")  # fmt: skip


def trees() -> list[str]:
    blocks = re.findall(r"```{toctree}\n(.*?)```", (DOCS / "index.md").read_text(), re.DOTALL)
    return [line for block in blocks for line in block.split("\n") if line and line[0] != ":"]


def test_every_page_is_in_the_contents_once():
    named = [name for name in trees() if name not in (*GENERATED, *ATLAS)]
    assert sorted(named) == [p.stem for p in PAGES if p.stem not in ("index", *GENERATED)]
    assert {*GENERATED, *ATLAS} <= set(trees())


def anchors(page: Path) -> set[str]:
    """The headings of a page, as they stand in links: small letters, hyphens, no punctuation."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    headings = re.findall(r"^#+ (.*)", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *PAGES],
                         ids=lambda page: page.name)  # fmt: skip
def test_links_lead_to_files_and_headings(page):
    text = re.sub(r"`[^`]*`", "", page.read_text())
    for place, heading in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?", text):
        if "://" in place or place == "columns.md":  # which is made while the site is built
            continue
        target = page.parent / place if place else page
        assert target.exists(), place
        if heading and target.suffix == ".md":
            assert heading in anchors(target), f"{place}#{heading}"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    pytest.importorskip("sphinx")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html"]
    done = subprocess.run([*command, DOCS, folder], text=True, capture_output=True)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.mark.study
def test_it_builds_without_a_warning_and_can_be_searched(site):
    index = (site / "searchindex.js").read_text()
    titles = json.loads(index[index.index("(") + 1 : index.rindex(")")])["alltitles"]
    assert {"disarm", "Which estimator?", "A record\u2019s columns"} <= {*titles} | {
        title.replace("'", "\u2019") for title in titles
    }


@pytest.mark.study
@pytest.mark.skipif(browser.found() is None, reason="no Chromium here")
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("dark", [False, True])
def test_pages_open_without_a_request_or_a_cut(site, width, dark):
    with browser.Chromium() as chromium:
        for name in OPENED:
            visit = chromium.visit(site / f"{name}.html", width=width, dark=dark)
            outside = [r for r in visit.requests if not r.startswith("file:")]
            assert (name, visit.errors, outside) == (name, [], [])
            assert visit.overflow <= 0, name


@pytest.mark.study
@pytest.mark.skipif(browser.found() is None, reason="no Chromium here")
def test_the_matrix_sorts_and_filters(site):
    rows = "[...document.querySelectorAll('#atlas-matrix tbody tr')]"
    column = "[...document.querySelectorAll('#atlas-matrix thead th')].findIndex(h => h.textContent"
    with browser.Chromium() as chromium:
        chromium.visit(site / "measured" / "matrix.html")
        chromium.run(f"window.at = {column} === 'reinforce-loo')")
        chromium.run("document.querySelectorAll('#atlas-matrix thead button')[at].click()")
        values = chromium.run(f"{rows}.map(r => Number(r.cells[at].dataset.value ?? Infinity))"
                              ".filter(Number.isFinite)")  # fmt: skip
        assert values == sorted(values)
        assert len(set(values)) > 5
        chromium.run("{const f = document.getElementById('matrix-rows'); f.value = 'gamma';"
                     "f.dispatchEvent(new Event('input'))}")  # fmt: skip
        shown = chromium.run(f"{rows}.filter(r => !r.hidden).map(r => r.cells[0].textContent)")
        assert shown
        assert all("gamma" in name for name in shown)


@pytest.mark.study
@pytest.mark.skipif(browser.found() is None, reason="no Chromium here")
def test_the_search_works_offline(site):
    found = """new Promise(done => { let left = 100; const look = () => {
        const n = document.querySelectorAll('#search-results li').length;
        n || !left-- ? done(n) : setTimeout(look, 100); }; look(); })"""
    with browser.Chromium() as chromium:
        chromium.visit(site / "search.html")
        chromium.run(
            f"location.assign({json.dumps((site / 'search.html').as_uri() + '?q=disarm')})"
        )
        chromium._until(lambda reply: reply.get("method") == "Page.loadEventFired")
        assert chromium.run(found) > 0
