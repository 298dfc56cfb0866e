"""The page and its figures: offline, escaped, the same bytes, and not to be broken by odd data."""

import base64
import math
import re
import subprocess
import sys
from html.parser import HTMLParser
from io import StringIO

import pandas
import pytest
from planted_records import DISCRETE, ESTIMATORS, framed, record, refused, suite

import reports
from reports.figures import matplotlib_files, plots
from reports.figures.style import PAPER, power, styles_of
from reports.frames.summary import findings

FIGURES = [
    plots.variance_by_estimator,
    plots.bias_against_variance,
    plots.variance_against_samples,
    plots.variance_times_seconds,
]
ZERO = {"variance": 0.0, "variance_low": 0.0, "variance_high": 0.0}
ZERO |= {"work_variance": 0.0, "work_variance_low": 0.0, "work_variance_high": 0.0}
ZERO |= {"bias2": 0.0, "bias2_low": 0.0, "bias2_high": 0.0, "variance_jackknife": [0.0] * 32}
NOTHING = dict.fromkeys(
    [name for name in record("toy", "a") if name.split("_")[0] in ("variance", "work", "bias2")],
    math.nan,
) | {"seconds_low": None, "bias_p": None, "gradient_norm": None, "bias_verdict": "no truth"}
PROBLEMS = {"normal-quadratic": 16.0, "bernoulli-quadratic": 0.0159, "vae-digits": 1546.0}
ODD = {
    "refused": [refused("toy", "a"), refused("toy", "b", status="error")],
    "zero": [record("toy", "a", **ZERO)],
    "some zero": [record("toy", "a", k, **ZERO) for k in (1, 4)] + [record("toy", "b", 4)],
    "unknown": [record("toy", "a", **NOTHING), record("toy", "b", **NOTHING)],
    "one": [record("toy", "a")],
    "bare": [{"problem": "toy", "estimator": "a", "samples": 1, "status": "ok", "variance": 1.0}],
    "biased": [record("toy", "a", bias_p=0.0, bias2_low=1e-7, gradient_norm=0.0)],
    "huge": [record("toy", "a", variance=1e300), record("toy", "b", variance=1e-300)],
}


def svg_of(figure):
    return matplotlib_files.to_svg(figure).decode()


class Page(HTMLParser):
    """Links, identities, tags and texts of a page."""

    def __init__(self, text: str):
        super().__init__()
        self.links, self.ids, self.tags, self.texts = [], [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for key, value in attributes if key in ("src", "href")]
        self.ids += [value for key, value in attributes if key == "id"]

    def handle_data(self, data):
        self.texts.append(data)


def planted():
    """A small suite that has everything in it."""
    return framed(suite(PROBLEMS))


def prepared(records):
    """A frame of these records, with or without a context."""
    return framed([{"context": {}} | row for row in records])


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    reports.publish(planted(), folder)
    return folder


def test_the_page_asks_no_network_and_runs_no_script(published):
    text = (published / "index.html").read_text()
    page = Page(text)
    assert len(page.links) > 15
    pages = [link for link in page.links if not link.startswith(("data:", "#"))]
    assert [link for link in pages if not (published / link).is_file()] == []
    assert {link[1:] for link in page.links if link.startswith("#")} <= set(page.ids)
    assert len(page.ids) == len(set(page.ids))
    assert not {"script", "iframe", "object"} & set(page.tags)
    assert not re.search(r"https?://|@import|url\(", text)


def test_pictures_on_the_page_are_whole_and_ask_nothing_either(published):
    images = re.findall(r"svg\+xml;base64,([^\"]+)", (published / "index.html").read_text())
    assert len(images) == 4 * 3
    for image in images:
        svg = base64.b64decode(image).decode()
        assert svg.startswith("<svg")
        assert svg.endswith("</svg>")
        assert not re.findall(r"(?:href|src)=\"(?!#)", svg)


def test_publishing_twice_gives_the_same_bytes(published, tmp_path):
    reports.publish(planted(), tmp_path)
    names = ["biases.csv", "errors.csv", "index.html", "ranking.csv", "refusals.csv", "report.md"]
    assert sorted(p.name for p in tmp_path.iterdir() if p.suffix) == sorted([*names, "matrix.html"])
    for name in names:
        assert (tmp_path / name).read_bytes() == (published / name).read_bytes(), name


def test_page_and_markdown_say_the_findings_the_reasons_and_the_origin(published):
    page = " ".join(Page((published / "index.html").read_text()).texts)
    for text in (page, (published / "report.md").read_text()):
        for said in (
            *findings(planted()),
            "Leave-one-out needs two samples or more.",
            "The cost returned NaN.",
            "AMD EPYC 7B13",
            "2026-11-22 15:47 UTC",
            "10,000",
        ):
            assert said in text


def test_the_tables_are_there_as_numbers(published):
    ranking = pandas.read_csv(published / "ranking.csv")
    assert len(ranking) == 51
    row = ranking.query("problem == 'normal-quadratic' and estimator == 'reinforce-loo'").iloc[0]
    assert row["variance"] == 16.0 * 9 / 4
    assert set(pandas.read_csv(published / "biases.csv")["estimator"]) == set(DISCRETE)


def test_text_from_the_data_stays_text(tmp_path):
    evil = "<script>alert('1')</script>"
    records = [
        record(evil, evil, bias_p=0.0),
        refused(evil, "b", reason=f"a | b {evil}"),
    ]
    text = reports.publish(framed(records), tmp_path).read_text()
    assert "script" not in Page(text).tags
    assert "&lt;script&gt;" in text
    markdown = (tmp_path / "report.md").read_text()
    assert "<script" not in markdown
    assert r"a \| b" in markdown


@pytest.mark.parametrize("name", ODD)
def test_odd_data_breaks_no_page(tmp_path, name):
    text = reports.publish(prepared(ODD[name]), tmp_path).read_text()
    words = re.findall(r"\w+", StringIO(" ".join(Page(text).texts)).read())
    assert not {"nan", "NaN", "NA", "None", "NaT"} & set(words)


@pytest.mark.parametrize("draw", FIGURES)
@pytest.mark.parametrize("name", ODD)
def test_odd_data_breaks_no_figure(draw, name):
    assert matplotlib_files.to_svg(draw(prepared(ODD[name]))).endswith(b"</svg>")


def test_an_empty_frame_is_one_sentence(tmp_path):
    with pytest.raises(ValueError, match="gradmeter run"):
        reports.publish(planted().head(0), tmp_path)


@pytest.mark.parametrize("draw", FIGURES)
def test_a_figure_shows_every_measured_estimator(draw):
    svg = matplotlib_files.to_svg(draw(framed(suite({"normal-quadratic": 16.0})))).decode()
    shown = {name for name in ESTIMATORS if f">{name}<" in svg}
    assert shown == set(ESTIMATORS) - set(DISCRETE)
    assert matplotlib_files.to_png(draw(framed(suite({"toy": 1.0})))).startswith(b"\x89PNG")


def test_biased_ones_are_hollow_and_zero_is_written():
    color = styles_of(["a"])["a"].color

    def drawn(records):
        return svg_of(plots.variance_by_estimator(framed(records)))

    biased, sound = drawn([record("toy", "a", bias_p=0.0)]), drawn([record("toy", "a")])
    assert f'"fill: {PAPER}; stroke: {color}' in biased
    assert f'"fill: {color}; stroke: {color}' not in biased
    assert f'"fill: {color}; stroke: {color}' in sound
    assert ">0<" not in sound
    assert drawn([record("toy", "a", **ZERO), record("toy", "b")]).count(">0<") == 1


@pytest.mark.parametrize("draw", FIGURES)
def test_what_is_drawn_stays_within_the_figure(draw):
    figure = draw(framed(suite({"normal-quadratic": 16.0})))
    size = [float(end) for end in re.findall(r'viewBox="0 0 (\S+) (\S+)"', svg_of(figure))[0]]
    for path in re.findall(r' d="([^"]+)"', svg_of(figure)):
        places = re.findall(r"(-?[\d.]+) (-?[\d.]+)(?=\s|$)", path)
        assert all(0 <= float(x) <= size[0] and 0 <= float(y) <= size[1] for x, y in places)


def test_rounding_the_file_leaves_the_ticks_alone():
    rows = [record("toy", name, variance=v) for name, v in (("a", 1e-3), ("b", 0.5))]
    assert ">0.001<" in matplotlib_files.to_svg(plots.variance_by_estimator(framed(rows))).decode()


def test_styles_are_distinct_and_stay_with_the_name():
    names = [f"estimator-{i}" for i in range(60)]
    assert len(set(styles_of(names).values())) == 60
    assert styles_of(["pathwise"]) == styles_of(["pathwise", "pathwise"])
    assert styles_of(names)["estimator-0"] == styles_of(names[::-1])["estimator-0"]


@pytest.mark.parametrize(
    ("value", "text"), [(0.02, "0.02"), (500, "500"), (1e-7, "10⁻⁷"), (2e8, "2·10⁸")]
)
def test_ticks_are_read_without_mathematics_mode(value, text):
    assert power(value) == text


def test_reports_import_neither_torch_nor_pyplot():
    code = "import reports, sys; sys.exit(any(m in sys.modules for m in sys.argv[1:]))"
    modules = ["torch", "estimators", "matplotlib.pyplot", "scipy.stats"]
    assert subprocess.run([sys.executable, "-c", code, *modules], check=False).returncode == 0
