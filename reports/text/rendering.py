"""Templates and whole files: what every page, in HTML, Markdown or LaTeX, is written with."""

import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import jinja2

_LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
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


def render(template: str, data: dict) -> str:
    """The text of a template; values are escaped in the way that the page's language needs."""
    return _environment().get_template(template).render(data)


def markdown(text: str) -> str:
    """`text` as one cell of a Markdown table, with nothing in it that is markup or notifies.

    A word joiner behind @ keeps GitHub from calling people by that name.
    """
    text = " ".join(str(text).split())
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("@", "@\u2060")):
        text = text.replace(plain, escaped)
    return re.sub(r"([\\`*_\[\]|~#!])", r"\\\1", text)


def latex(text: str) -> str:
    """`text` with every sign that LaTeX would read as a command written out."""
    return "".join(_LATEX.get(sign, sign) for sign in str(text))


def write_whole(path: Path, content: str | bytes) -> Path:
    """Write the whole file or leave the old one; make its folder. Returns the path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = content.encode() if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}")
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    os.chmod(name, 0o644)
    os.replace(name, path)
    return path


def check_format(path: Path, formats: Sequence[str]) -> None:
    """Raise ValueError unless `path` ends in one of `formats`, such as (".html", ".csv")."""
    if path.suffix not in formats:
        *others, last = formats
        raise ValueError(f"{path} has no known format; end it in {', '.join(others)} or {last}.")


def write_as(path: Path, subject, formats: Mapping[str, Callable[..., str | bytes]]) -> Path:
    """Write `subject` as the ending of `path` says, whole or not at all. Returns the path.

    `formats` has by each ending the function that makes the content of `subject`.
    Raises ValueError for another ending.
    """
    check_format(path, tuple(formats))
    return write_whole(path, formats[path.suffix](subject))


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports"),
        autoescape=lambda name: name is not None and ".html" in name,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["cell"] = _cell
    environment.filters["md"] = markdown
    environment.filters["latex"] = latex
    return environment


def _cell(text: str) -> str:
    """`text` as one cell of a Markdown table, with nothing in it that is markup."""
    for plain, escaped in (("&", "&amp;"), ("<", "&lt;"), ("|", "\\|"), ("\n", " ")):
        text = text.replace(plain, escaped)
    return text
