"""The site: a page for everything, complete, linked, escaped, the same bytes; files for papers."""

import re
from html.parser import HTMLParser

import pandas
import pytest
from planted_history import stepped
from planted_records import ESTIMATORS, framed, record, suite
from planted_site import PROBLEMS

import reports
from reports.exports import latex
from reports.frames.rankings import ranking
from reports.pages import index as page
from reports.pages import site
from reports.text.inert import latex as latex_text


class Links(HTMLParser):
    """Where a page points to, and the tags it has."""

    def __init__(self, text: str):
        super().__init__()
        self.links, self.tags = [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for key, value in attributes if key in ("href", "src")]


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    folder = tmp_path_factory.mktemp("site")
    reports.publish(stepped(PROBLEMS), folder, ["pdf", "svg", "png", "tex"])
    return folder


def test_there_is_a_page_for_everything(published):
    pages = {str(path.relative_to(published)) for path in published.rglob("*.html")}
    assert pages == (
        {"index.html", "matrix.html", "trends.html"}
        | {f"problems/{name}.html" for name in PROBLEMS}
        | {f"estimators/{name}.html" for name in ESTIMATORS}
    )


def test_every_link_leads_to_a_file_and_none_to_a_network(published):
    for path in published.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"https?://|@import|url\(", text), path
        for link in Links(text).links:
            if not link.startswith("data:"):
                assert (path.parent / link.partition("#")[0]).exists(), (path, link)


def test_only_the_matrix_has_a_script_and_it_is_complete_without(published):
    for path in published.rglob("*.html"):
        assert ("script" in Links(path.read_text()).tags) == (path.name == "matrix.html")
    body = (published / "matrix.html").read_text().partition("<tbody>")[2].partition("</tbody>")[0]
    assert body.count("<tr ") == 2 * len(PROBLEMS)
    assert body.count("<td") == 2 * len(PROBLEMS) * (1 + len(ESTIMATORS))


def test_an_estimators_page_says_where_it_stands(published):
    page = (published / "estimators" / "gumbel-softmax.html").read_text()
    assert "Measured on 1 of 2 problems: among the quietest on 0, shown to be biased on 1." in page
    assert "gumbel-softmax cannot do normal-quadratic." in page


def test_trends_need_several_commits(published, tmp_path):
    assert "reinforce-loo" in (published / "trends.html").read_text()
    assert "Over commits" in (published / "problems" / "normal-quadratic.html").read_text()
    reports.publish(framed(suite({"normal-quadratic": 16.0}, (1,))), tmp_path)
    assert not (tmp_path / "trends.html").exists()
    assert "trends.html" not in (tmp_path / "index.html").read_text()


def test_the_report_is_of_the_last_record_of_a_cell(published):
    frame = pandas.read_csv(published / "ranking.csv")
    row = frame.query("problem == 'normal-quadratic' and estimator == 'reinforce-loo'").iloc[0]
    assert row["variance"] == pytest.approx(1.2 * 16 * 9 / 4)
    assert frame["commit"].nunique() == 1


def test_figures_and_tables_for_papers(published, tmp_path):
    names = {path.name for path in (published / "figures").iterdir()}
    kinds = ("variance", "work", "bias", "samples")
    wanted = {f"normal-quadratic-{kind}.{end}" for kind in kinds for end in ("pdf", "svg", "png")}
    assert wanted <= names
    assert (published / "figures" / "normal-quadratic-work.pdf").read_bytes().startswith(b"%PDF")
    table = (published / "tables" / "normal-quadratic.tex").read_text()
    assert table.count("\\\\") == 1 + len(ESTIMATORS) - 3
    for rule in ("\\toprule", "\\midrule", "\\bottomrule", "\\begin{tabular}{@{}lrrrr@{}}"):
        assert rule in table
    with pytest.raises(ValueError, match="take pdf, svg, png, tex"):
        reports.publish(stepped({"toy": 1.0}), tmp_path, ["gif"])


def test_publishing_twice_gives_the_same_bytes(tmp_path):
    frame = stepped({"bernoulli-quadratic": 1.0}, (4,))
    for name in ("a", "b"):
        reports.publish(frame, tmp_path / name, ["pdf", "tex"])
    files = [path for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert len(files) > 20
    for path in files:
        other = tmp_path / "b" / path.relative_to(tmp_path / "a")
        assert path.read_bytes() == other.read_bytes(), path.name


def test_names_become_distinct_and_harmless_addresses():
    found = site.addresses(["A b", "a-b", "../../x", "ü", "a-b-2", "é"])
    assert found == {
        "A b": "a-b", "a-b": "a-b-2", "../../x": "x", "ü": "unnamed", "a-b-2": "a-b-2-2",
        "é": "unnamed-2",
    }  # fmt: skip
    long = site.addresses(["9" * 400, "9" * 401])
    assert [len(address) for address in long.values()] == [100, 102]


def test_text_from_the_data_stays_text_on_every_page(tmp_path):
    evil = "<script>alert('1')</script>"
    reports.publish(framed([record(evil, evil, bias_p=0.0)]), tmp_path, ["tex"])
    for path in tmp_path.rglob("*.html"):
        assert "<script>alert" not in path.read_text()
    (table,) = (tmp_path / "tables").glob("*.tex")
    assert "<script>" not in table.read_text().partition("\n")[2]


def test_latex_has_no_sign_of_its_own_from_the_data():
    assert latex_text("a_b & 5 % {x} \\y ~ ^") == (
        r"a\_b \& 5 \% \{x\} \textbackslash{}y \textasciitilde{} \textasciicircum{}"
    )
    frame = framed([record("toy", "a_b", variance=1e-7), record("toy", "b", variance=0.0)])
    (table,) = latex.tables(ranking(frame)).values()
    assert r"a\_b" in table
    rows = table.partition(r"\begin{tabular}")[2]
    assert not re.search(r"(?<!\\)[_%#]", rows)
    assert table.isascii()


def test_a_column_of_a_latex_table_has_one_power_of_ten():
    frame = framed([
        record("toy", "quiet", variance=2e-7, variance_low=1.9e-7, variance_high=2.1e-7),
        record("toy", "loud", variance=3e-4, variance_low=2.9e-4, variance_high=3.1e-4),
    ])  # fmt: skip
    (table,) = latex.tables(ranking(frame)).values()
    assert r"variance $/\,10^{-9}$" in table
    assert "200 [190, 210]" in table
    assert "300000 [290000, 310000]" in table
    assert not re.search(r"\de-\d", table)


def test_problems_are_grouped_by_what_their_names_begin_with():
    names = ["normal-linear", "normal-10-linear", "one-hot-4-linear", "von-mises-cosine", "flow"]
    found = page._families([{"name": name} for name in [*names, "one-hot-linear"]])
    assert list(found) == ["normal", "one-hot", "von-mises", "flow"]
    assert [len(part) for part in found.values()] == [2, 2, 1, 1]


def test_a_problem_says_how_its_truth_was_found():
    known = pandas.DataFrame({"gradient_norm": [float("nan"), 2.0], "truth_method": "quadrature"})
    assert page.truth(known) == "Truth: quadrature, ‖g‖ = 2.00."
    assert page.truth(known.head(1)) == "The exact gradient is not known."
