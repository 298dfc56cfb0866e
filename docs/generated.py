"""Pages of the documentation that come from the registry: the shelf, the API, a record's columns.

Nothing here is kept in the repository: `conf.py` has it written when the site is built.
"""

import importlib
import inspect
import re
import sys
from pathlib import Path

import measured

import estimators
from benchmarks import catalogue, citation
from benchmarks.store.json_schema import record_schema

API = {
    "estimators": "The estimators and their one interface",
    "estimators.baselines": "Baselines of score functions",
    "estimators.multi_sample": "Objectives of several draws",
    "estimators.distributions": "Distributions that torch lacks",
    "benchmarks": "Problems, measuring and comparing",
    "benchmarks.objective.truth": "Exact gradients",
    "benchmarks.objective.costs": "Costs by name",
    "benchmarks.statistics.intervals": "Intervals",
    "benchmarks.store.store": "The store",
    "reports": "From a store to frames and pages",
    "reports.frames.rankings": "Rankings",
}


def write(docs: Path) -> None:
    """Write every generated page into the folder `docs`."""
    pages = _shelf() | _api() | measured.pages() | {"columns.md": _columns()}
    for name, text in pages.items():
        file = docs / name
        file.parent.mkdir(exist_ok=True)
        if not file.exists() or file.read_text() != text:  # what is unchanged is not read again
            file.write_text(text)


def _shelf() -> dict[str, str]:
    """A page for each estimator: what it does, its source, and on which families it works."""
    matrix = catalogue.matrix()
    rows = catalogue.rows("estimators")
    pages = {f"shelf/{row['name']}.md": _estimator(row, matrix) for row in rows}
    names = "\n".join(row["name"] for row in rows)
    pages["shelf/index.md"] = (
        "# One page each\n\n```{toctree}\n:maxdepth: 1\n\n" + names + "\n```\n"
    )
    return pages


def _estimator(row: dict, matrix: dict) -> str:
    name = row["name"]
    cls = type(estimators.create(name))
    works = [family for family, refusals in matrix.items() if refusals[name] is None]
    refused = {family: refusals[name] for family, refusals in matrix.items() if refusals[name]}
    unbiased = "unbiased" if row["unbiased"] else "biased in general"
    fields = ", ".join(f"`{field}`" for field in row["fields"]) or "none"
    lines = [
        f"# {name}",
        "",
        f"`estimators.create({name!r})` · {unbiased} · {row['suite']} suite · settings: {fields}",
        "",
        *_paragraphs(inspect.cleandoc(cls.__doc__)),
        "",
        f"## Where it works\n\n{len(works)} of {len(matrix)} families with K = "
        f"{catalogue.MATRIX_SAMPLES}: {', '.join(f'`{family}`' for family in works)}.",
        "",
        *_refusals(refused),
        *measured.shown_by(name),
        "",
        *_bibtex(name, row["source"]),
        f"`gradmeter compare torch.distributions:Normal loc=1 scale=1 --cost quadratic -e {name}` "
        "measures it on a law of yours.",
    ]
    return "\n".join(lines) + "\n"


def _bibtex(name: str, source: str) -> list[str]:
    """Its sources as `gradmeter cite` prints them."""
    found = "\n\n".join(map(str, citation.entries(source)))
    entries = ["```bibtex\n" + found + "\n```", ""] if found else []
    return ["## Source", "", *entries, f"`gradmeter cite {name}` prints it.", ""]


def _paragraphs(doc: str) -> list[str]:
    """The docstring; a paragraph that is a formula stands as one."""
    found = []
    for paragraph in doc.split("\n\n"):
        formula = re.match(r"[^\s`]*[ĝ∇]", paragraph) and "=" in paragraph
        found += ["```text\n" + paragraph + "\n```" if formula else _escaped(paragraph), ""]
    return found


def _refusals(refused: dict[str, str]) -> list[str]:
    """Why families are refused, each reason once, shortened names first."""
    by_reason: dict[str, list[str]] = {}
    for family, reason in refused.items():
        by_reason.setdefault(reason.replace(family, "it"), []).append(family)
    if not by_reason:
        return []
    rows = [f"| {_cell(r)} | {', '.join(f)} |" for r, f in by_reason.items()]
    return ["| refused because | families |", "|---|---|", *rows]


def _cell(text: str) -> str:
    return _escaped(text.replace("|", "\\|").replace("\n", " "))


def _escaped(text: str) -> str:
    """Markdown in which what stands outside of code is taken as it is."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else re.sub(r"([*_\[\]<>$])", r"\\\1", p) for p in parts)


def _api() -> dict[str, str]:
    pages = {}
    for module, title in API.items():
        handed_on = [name for name, home in _homes(module).items() if home != module]
        but = f"\n   :exclude-members: {', '.join(handed_on)}" if handed_on else ""
        pages[f"api/{module}.md"] = (
            f"# {title}\n\n```{{eval-rst}}\n.. automodule:: {module}{but}\n```\n"
        )
    names = "\n".join(API)
    pages["api/index.md"] = f"# Python API\n\n```{{toctree}}\n:maxdepth: 1\n\n{names}\n```\n"
    return pages


def _homes(module: str) -> dict[str, str]:
    """The page on which each public name of a module is described: the nearest to its code."""
    names = getattr(importlib.import_module(module), "__all__", [])
    places = {n: getattr(getattr(sys.modules[module], n), "__module__", module) for n in names}
    return {
        name: max((page for page in API if f"{place}.".startswith(f"{page}.")), key=len, default="")
        for name, place in places.items()
    }


def _columns() -> str:
    """The columns of a record, as `gradmeter schema` has them."""
    schema = record_schema()["$defs"]
    lines = ["# A record's columns", "", "`gradmeter schema` prints the JSON schema.", ""]
    for title, group in (("The line", "Values"), ("Its `context`", "Context")):
        lines += [f"## {title}", "", "| field | type | |", "|---|---|---|"]
        for name, field in schema[group]["properties"].items():
            parts = field.get("anyOf", [field])
            kinds = [" or ".join(p["enum"]) if "enum" in p else p.get("type", "any") for p in parts]
            said = _cell(field.get("description", ""))
            lines.append(f"| `{name}` | {' or '.join(kinds)} | {said} |")
        lines.append("")
    return "\n".join(lines)


def as_rst(app, what, name, obj, options, lines) -> None:
    """A docstring, which is Markdown in backticks, as reStructuredText, in place."""
    text = "\n".join(lines)
    parts = re.split(r"(`[^`]*`)", text)
    lines[:] = "".join(map(_rst, parts)).split("\n")


def _rst(part: str) -> str:
    if part.startswith("`"):
        return f"``{part.strip('`')}``" if part.strip("`") else part
    return re.sub(r"([*|\\])", r"\\\1", re.sub(r"(\w)_(?=\W|$)", r"\1\\_", part))
