"""Thirty strings that are live somewhere, through every output: none comes alive.

The strings are harmless; what reads the outputs are parsers of Markdown, CSV and LaTeX, and a
terminal.
"""

import csv
import io
import json
import re

import pytest
from click.testing import CliRunner
from planted_document import document, finding
from planted_records import record, refused

import reports
from benchmarks.regression.schema import Acceptance, Side
from benchmarks.store.inert_text import visible
from benchmarks.store.store import Store
from gradmeter import main
from reports import terminal
from reports.regression.publish import publish_regression
from reports.text.inert import JOINER, latex, markdown

LIVE = [
    "[link](http://example.org)", "![image](http://example.org/i.png)", "<http://example.org>",
    "http://example.org", "www.example.org", "someone@example.org", "@someone", "@org/team", "#12",
    "GH-12", "org/repo#12", "0123456789abcdef0123456789abcdef01234567", ":tada:", "$x^2$",
    "**bold** _it_ ~~gone~~", "`code`", "a | b", "- [ ] task", "1. one", "# title", "[^1] [x]: /y",
    "<b>bold</b> &copy; <!-- comment -->", "=1+1", "+1+1", "-1+1", "@SUM(1)", "\t=1+1",
    "\\input{nothing} \\\\[1em] $y$ % # & ~ ^", "[1em] \"x\" {y} *",
    "\x1b[31mred\x1b[0m \x1b]0;title\x07 \x1b]8;;http://example.org\x1b\\x\x1b]8;;\x1b\\",
    "\x9b31m \x07 \b\b\b \x7f", "a\u202eb\u2066c", "line\n\n# two\r\x0b",
    "[red]x[/red] [link=y]z[/link]",
]  # fmt: skip
EACH = 12  # names of estimators on one problem
PLAIN = [f"name{number}" for number in range(len(LIVE))]


def fill(folder, names):
    """A store in which every text is one of the names."""
    store = Store(folder)
    for number, name in enumerate(names):
        problem = " ".join(names[number // EACH :: EACH])
        whole = record(problem, name) | {"stopped": name, "truth_method": name}
        whole |= {"truth_note": name, "context": whole["context"] | {"host": name, "cpu": name}}
        other = refused(problem, f"{name} ", reason=name)
        wrong = refused(problem, f"{name}  ", status="error", reason=name)
        for row in (whole, other, wrong):
            store.append({k: v for k, v in row.items() if k != "schema"})
    return folder


def planted(names):
    cells = []
    for number, name in enumerate(names):
        cells.append(
            finding(
                estimator=name, problem=f"{number} {name}", reason=name, reproduce=None,
                unreproducible=name, config=json.dumps({"f": name}),
            )
        )  # fmt: skip
    acceptances = [Acceptance(name, "variance", name, name, name) for name in names]
    where = [{"field": name, "base": name, "head": name} for name in names]
    return document(
        cells, sentence=names[0], base=Side(names[1], names[2], {}), head=Side(names[3], None, {}),
        accepted=acceptances, environment=where, settings={name: name for name in names},
    )  # fmt: skip


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """The files of every output, from live names and from plain ones."""
    made = {}
    for kind, names in (("live", LIVE), ("plain", PLAIN)):
        folder = tmp_path_factory.mktemp(kind)
        store = fill(folder / "store", names)
        reports.publish(reports.load(store), folder / "report", formats=["tex"])
        publish_regression(planted(names), folder / "regression")
        said = CliRunner().invoke(
            main, ["store", "export", str(store), "--to", str(folder / "all.csv")]
        )
        assert said.exit_code == 0, said.output
        made[kind] = folder
    return made


def files(written, pattern):
    return [
        (path, path.relative_to(written["live"])) for path in sorted(written["live"].rglob(pattern))
    ]


def parsed(text):
    """Tokens as (type, level) of the text, and what a reader sees of it."""
    markdown_it = pytest.importorskip("markdown_it")
    parser = markdown_it.MarkdownIt("gfm-like")
    parser.linkify.set({"fuzzy_link": False})  # GitHub links no bare names of hosts
    tokens = parser.parse(text)
    flat = [inner for token in tokens for inner in (token.children or [token])]
    kinds = [
        token.type for token in flat if token.type not in ("text", "text_special", "softbreak")
    ]
    seen = "".join(token.content for token in flat if token.type in ("text", "text_special"))
    return kinds, seen


REFERENCES = (  # that the readers of finished Markdown make links of
    r"(?<![\w/])@[a-z\d]", r"\w@\w", r"#\d", r"GH-\d", r"://", r"\bwww\.", r"\b[0-9a-f]{7,40}\b",
    r":[\w+-]+:",
)  # fmt: skip


def test_no_markdown_has_a_token_more_than_that_of_plain_names(written):
    found = files(written, "*.md")
    assert len(found) == 2
    for path, name in found:
        kinds, _ = parsed(path.read_text())
        expected, _ = parsed((written["plain"] / name).read_text())
        assert {*kinds} == {*expected}, name
        assert not {"link_open", "image", "code_inline", "html_inline"} & {*kinds} - {*expected}


@pytest.mark.parametrize("text", LIVE)
def test_a_text_in_markdown_is_read_and_nothing_more(text):
    for before in ("", "x ", "| . |\n| --- |\n| "):
        kinds, seen = parsed(f"{before}{markdown(text)}")
        expected, _ = parsed(f"{before}plain")
        assert kinds == expected
        for reference in REFERENCES:
            assert not re.search(reference, seen), (text, reference)
        plain = " ".join(visible(" ".join(text.split())).split())
        assert seen.replace(JOINER, "").endswith(plain)


def test_no_spreadsheet_calculates_a_cell(written):
    found = files(written, "*.csv")
    assert len(found) >= 5
    for path, name in found:
        rows = list(csv.reader(io.StringIO(path.read_text(), newline="")))
        plain = list(csv.reader(io.StringIO((written["plain"] / name).read_text(), newline="")))
        assert [len(row) for row in rows] == [len(row) for row in plain]
        for cell in (cell for row in rows for cell in row):
            number = re.fullmatch(r"[-+]?[\d.]+(e[-+]?\d+)?", cell)
            assert number or not cell.lstrip(" \n").startswith(("=", "+", "-", "@", "\t", "\r")), (
                cell
            )
            assert cell == visible(cell)
    texts = [name for name in LIVE if name.startswith("=")]
    exported = (written["live"] / "all.csv").read_text()
    assert all(f"'{name}" in exported for name in texts)


MACROS = {"toprule", "midrule", "bottomrule", "begin", "end", "footnotesize", "setlength",
          "tabcolsep", "textbackslash", "textasciitilde", "textasciicircum", "infty",
          "times", "textmu", "surd",
          "textsuperscript", "circ", "le", "mu", "|", ",", "\\", *"{}&%$#_"}  # fmt: skip


def macros(text):
    walker = pytest.importorskip("pylatexenc.latexwalker").LatexWalker(text)
    nodes, _, length = walker.get_latex_nodes()
    assert length == len(text)

    def inside(each):
        for node in each or ():
            kind = type(node).__name__
            if kind == "LatexMacroNode":
                yield node.macroname
            if kind == "LatexEnvironmentNode":
                yield f"environment {node.environmentname}"
            if kind == "LatexCommentNode":
                yield "comment"
            yield from inside(getattr(node, "nodelist", None))

    return list(inside(nodes))


def test_no_table_of_a_paper_runs_a_command(written):
    found = files(written, "*.tex")
    assert len(found) >= len(LIVE) // EACH
    for path, _ in found:
        text = path.read_text()
        head, _, body = text.partition("\n")
        assert head.startswith("% ")
        assert {*macros(body)} <= MACROS | {"environment tabular", "comment"}
        assert macros(body).count("comment") <= 1  # the end of a line of ours
        assert not re.search(r"\\\\\s*[\[*]", body), text


@pytest.mark.parametrize("text", LIVE)
def test_a_text_in_latex_is_read_and_nothing_more(text):
    from pylatexenc.latex2text import LatexNodes2Text

    assert {*macros(latex(text))} <= MACROS
    assert "comment" not in macros(latex(text))
    seen = LatexNodes2Text().latex_to_text(latex(text))
    plain = visible(" ".join(text.split())).replace('"', "''").replace("''", "”")
    for shown, sign in (("ˆ", "^"), ("–", "--")):
        seen, plain = seen.replace(shown, sign), plain.replace(shown, sign)
    assert "".join(seen.split()) == "".join(plain.split())


def test_no_page_shows_more_than_text(written):
    for path, name in files(written, "*.html"):
        tags = re.findall(r"<(\w+)", path.read_text())
        plain = written["plain"] / name
        if plain.exists():  # names of files are made of names
            assert {*tags} == {*re.findall(r"<(\w+)", plain.read_text())}
        assert path.read_text() == visible(path.read_text())


def on_terminal(text):
    """The screen after a text, with what it did beside writing."""
    pyte = pytest.importorskip("pyte")

    class Screen(pyte.Screen):
        did = ()

        def set_title(self, *_):
            self.did += ("title",)

        def bell(self, *_):
            self.did += ("bell",)

        def select_graphic_rendition(self, *_, **__):
            self.did += ("style",)

        def backspace(self):
            self.did += ("backspace",)

    screen = Screen(400, 4000)
    pyte.Stream(screen).feed(text.replace("\n", "\r\n"))
    return screen


def test_no_command_does_more_than_write(written, tmp_path):
    store = str(written["live"] / "store")
    for words in (
        ["store", "verify", store], ["history", store], ["report", store, "--to", str(tmp_path)],
        ["store", "export", store, "--to", str(tmp_path / "x.csv")],
        ["regress", store, store, "--to", str(tmp_path / "r.md")],
        ["run", "-p", LIVE[29]], ["compare", LIVE[29]], ["run", "--device", LIVE[30]],
    ):  # fmt: skip
        done = CliRunner().invoke(main, words)
        assert "Traceback" not in done.output
        assert done.output == visible(done.output), words
        assert on_terminal(done.output).did == ()


def test_no_table_on_a_terminal_does_more_than_write(capsys):
    rows = []
    for number, name in enumerate(LIVE):
        rows += [record("toy", f"{number} {name}", variance=1.0 + number, reason=name)]
        rows += [refused("toy", f"{number} {name} ", reason=name)]
        rows += [refused("toy", f"{number} {name}  ", status="error", reason=name)]
    terminal.print_ranking(rows)
    terminal.print_comparison(rows)
    terminal.print_rows([{"name": name, "fields": {"a": name}} for name in LIVE], LIVE[29])
    out = capsys.readouterr().out
    assert out == visible(out)
    assert on_terminal(out).did == ()
    assert "[red]x[/red]" in out
    assert ":tada:" in out
