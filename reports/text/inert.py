"""Text from outside in the languages of reports: Markdown, CSV and LaTeX in which it does nothing.

HTML is escaped by the templates, terminals by `benchmarks.store.inert_text`.
"""

import re

import pandas

from benchmarks.store.inert_text import one_line, visible

JOINER = "\u2060"  # a sign that is not seen, and that no name, number or address has inside
# What GitHub and others make a link of in plain text, whatever is escaped: joiners go behind it.
REFERENCES = re.compile(
    r"\#|\bGH-(?=\d)|:(?=//)|\bwww(?=\.)|\b(?:mailto|xmpp):|:(?=[\w+-]+:)", re.IGNORECASE
)
COMMIT = re.compile(r"(?<![^\W_])[0-9a-f]{7,}", re.IGNORECASE)
SHORT = 6  # digits that are no commit
MARKUP = re.compile(r"([\\`*_\[\]|~#!$^{}])")
BLOCKS = re.compile(r"^(?=[-+=])|(?<=^\d)(?=[.)])|(?<=^\d\d)(?=[.)])")  # at the start of a line
FORMULA = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠", "|", "%")
_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    '"': "''",  # active in some languages of babel
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{sign: "\\" + sign for sign in "&%$#_"},
    "∞": r"$\infty$",
    "−": "$-$",
    "–": "--",
    "×": r"$\times$",
    "µ": r"\textmu{}",
    "√": r"$\surd$",
    "‖": r"$\|$",
    "²": r"\textsuperscript{2}",
    "○": r"$\circ$",
    "<": r"$<$",
    ">": r"$>$",
    "≤": r"$\le$",
}


def markdown(text: object) -> str:
    """`text` as one line or cell of Markdown, with nothing in it that is markup or notifies.

    Backslashes keep it from being markup. A word joiner in addresses, mentions, numbers of issues
    and commits, and names of emoji keeps those that read the finished page from linking them.
    """
    text = REFERENCES.sub(lambda found: found[0] + JOINER, one_line(text))
    text = COMMIT.sub(_apart, text.replace("@", f"{JOINER}@{JOINER}"))
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;")):
        text = text.replace(plain, escaped)
    return BLOCKS.sub(r"\\", MARKUP.sub(r"\\\1", text))


def _apart(found: re.Match) -> str:
    """A run of hexadecimal digits, no part of which is long enough to be a commit."""
    digits = found[0]
    return JOINER.join(digits[at : at + SHORT] for at in range(0, len(digits), SHORT))


def markdown_number(text: object) -> str:
    """A number of ours, such as `4.00 [3.88, 4.12]`, as a cell of a Markdown table."""
    return visible(text).replace("|", "\\|").replace("\n", " ")


def latex(text: object) -> str:
    """`text` with every sign that LaTeX would read as a command written out."""
    text = one_line(text)
    start = "{}" if text[:1] in ("[", "*") else ""  # which would be an argument of \\ before it
    return start + "".join(_LATEX.get(sign, sign) for sign in text)


def csv(frame: pandas.DataFrame) -> str:
    """`frame` as CSV. A text that a spreadsheet would calculate starts with an apostrophe."""
    texts = frame.select_dtypes(include=["object", "string"]).columns
    safe = frame.assign(**{name: frame[name].map(_cell) for name in texts if _is_name(name)})
    return safe.rename(columns=_cell).to_csv(index=False, lineterminator="\n")


def _is_name(name: object) -> bool:
    return isinstance(name, str)


def _cell(value: object) -> object:
    """A value as it stands in a CSV: numbers as they are, texts with nothing that acts."""
    if not isinstance(value, str):
        return value
    text = visible(value)
    return f"'{text}" if text.lstrip(" \n").startswith(FORMULA) else text
