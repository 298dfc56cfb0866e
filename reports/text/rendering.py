"""Templates and whole files: what every page, in HTML, Markdown or LaTeX, is written with."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from pathlib import Path

import jinja2
from markupsafe import Markup, escape

from benchmarks.store.inert_text import visible
from reports.text.inert import markdown, markdown_number


def render(template: str, data: dict) -> str:
    """The text of a template; values are escaped in the way that the page's language needs."""
    return _environment().get_template(template).render(data)


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


def _seen(value: object) -> object:
    """A value as a page may show it; markup of ours as it is."""
    return visible(value) if type(value) is str else value


def cells(row: Sequence[str], table) -> Markup:
    """The cells of one row of a `text_tables.Table`; intervals stand back behind their numbers.

    Here and not in a template: a site has some hundred thousand of them.
    """
    written = []
    for place, text in enumerate(row):
        kind = table.notes.get(place)
        value, bracket, rest = text, "", ""
        if not table.is_text(place):
            value, bracket, rest = text.partition(" [")
        interval = f" <i>[{escape(visible(rest))}</i>" if bracket else ""
        name = f' class="{kind}"' if kind else ""
        written.append(f"<td{name}>{escape(visible(value))}{interval}")
    return Markup("".join(written))


def shades(row: Sequence[Mapping[str, str]]) -> Markup:
    """The cells of one row of the overview or the matrix, each with its text, kind and title."""
    written = []
    for cell in row:
        kind = f' class="{cell["kind"]}"' if cell["kind"] else ""
        title = f' title="{escape(visible(cell["title"]))}"' if cell["title"] else ""
        written.append(f"<td{kind}{title}>{escape(visible(cell['text']))}")
    return Markup("".join(written))


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("reports"),
        autoescape=lambda name: name is not None and ".html" in name,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"cells": cells, "shades": shades}
    environment.filters["md"] = markdown
    environment.filters["number"] = markdown_number
    environment.finalize = _seen
    return environment
