"""Every kind of page in a real browser: silent, offline, and not wider than the screen.

Pictures are kept in the folder that GRADMETER_SCREENSHOTS names, so that CI can keep them.
"""

import os
from pathlib import Path

import browser
import pytest
from planted_document import document
from planted_history import stepped
from planted_site import PROBLEMS

import reports
from reports.regression.publish import publish_regression

pytestmark = pytest.mark.skipif(
    browser.found() is None, reason=f"there is no {' or '.join(browser.NAMES)} on this machine"
)
PAGES = {
    "index": "site/index.html",
    "matrix": "site/matrix.html",
    "trends": "site/trends.html",
    "problem": "site/problems/normal-quadratic.html",
    "estimator": "site/estimators/reinforce-loo.html",
    "regression": "regression/index.html",
}
NOISY = """<!doctype html><title>noisy</title><link rel="icon" href="data:,">
<img src="http://127.0.0.1:9/pixel.png"><p style="width:2000px">wide</p>
<script>console.error("spoken"); throw new Error("thrown")</script>"""


@pytest.fixture(scope="module")
def chromium():
    with browser.Chromium() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    reports.publish(stepped(PROBLEMS), folder / "site")
    publish_regression(document(), folder / "regression")
    return folder


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_silent_offline_and_fits(chromium, published, name, width, scheme):
    visit = chromium.visit(published / PAGES[name], width, dark=scheme == "dark")
    if folder := os.environ.get("GRADMETER_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{name}-{width}-{scheme}.png").write_bytes(visit.picture)
    assert visit.requests == []
    assert visit.errors == []
    assert visit.overflow <= 0
    assert visit.picture.startswith(b"\x89PNG")
    paper = chromium.run("getComputedStyle(document.body).backgroundColor")
    assert paper == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(21, 24, 28)")
    broken = "[...document.images].filter(i => i.complete && !i.naturalWidth).length"
    assert chromium.run(broken) == 0


def test_the_matrix_sorts_and_is_whole_without_scripts(chromium, published):
    column = """[...document.querySelectorAll("tbody tr")].map(
        row => row.cells[%d].textContent.trim())"""
    chromium.visit(published / PAGES["matrix"], scripts=False)
    assert chromium.run("document.querySelectorAll('thead button').length") == 0
    before = chromium.run(column % 0)
    chromium.visit(published / PAGES["matrix"])
    assert chromium.run(column % 0) == before
    press = "document.querySelectorAll('thead button')[%d].click()"
    chromium.run(press % 0)
    assert chromium.run(column % 0) == sorted(before)
    chromium.run(press % 0)
    assert chromium.run(column % 0) == sorted(before, reverse=True)
    titles = chromium.run("[...document.querySelectorAll('thead th span')].map(t => t.textContent)")
    place = 2 + titles.index("reinforce")
    chromium.run(press % place)
    texts = chromium.run(column % place)
    numbers = [float(text) for text in texts if text[0].isdigit()]
    assert numbers == sorted(numbers)
    assert len(numbers) > 3
    assert len(texts) == len(before)


def test_links_between_pages_lead_to_pages(chromium, published):
    for name in ("index", "problem", "estimator", "matrix", "trends"):
        chromium.visit(published / PAGES[name])
        links = chromium.run("[...document.links].map(link => link.href)")
        files = {link.partition("#")[0].removeprefix("file://") for link in links}
        assert len(files) >= 2
        assert [file for file in files if not Path(file).exists()] == []


def test_the_browser_would_see_a_request_an_error_and_a_page_too_wide(chromium, tmp_path):
    page = tmp_path / "noisy.html"
    page.write_text(NOISY)
    visit = chromium.visit(page, 390)
    assert visit.requests == ["http://127.0.0.1:9/pixel.png"]
    assert any("spoken" in error for error in visit.errors)
    assert any("thrown" in error for error in visit.errors)
    assert visit.overflow > 1000
