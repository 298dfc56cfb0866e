"""BibTeX of estimators, from the sources that stand in the registry, and of this software.

An entry has what the registry says and nothing else: authors by surname, year, arXiv number, a
title in quotation marks. A journal or a book is its `note`; remarks of ours (which equation, what
was read) are its `annote`, which no bibliography prints.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, field
from importlib.metadata import metadata

import estimators

PAPER = re.compile(
    r"(?P<authors>[^\d;:]*?[^\d;:\s]) (?P<year>(?:19|20)\d\d)\b[,.:]?\s*(?P<rest>.*)"
)
NEXT = re.compile(r"(?:;|, and) (?=[^;]*? (?:19|20)\d\d\b)")
ARXIV = re.compile(r"\(?\barXiv:(\d{4}\.\d{4,5})\)?")
QUOTED = re.compile(r'"([^"]+?),?"')
REMARK = re.compile(
    r"\b(read|memory|code|section|sections|equation|algorithm|proposition|theorem|version|for|with|"
    r"without|whose|of which|rewards|U2G|ReinMax)\b"
)
RELEASED = 2026
SIGNS = {"&": r"\&", "%": r"\%", "_": r"\_", "#": r"\#", "α": r"$\alpha$", "β": r"$\beta$",
         "γ": r"$\gamma$", "ζ": r"$\zeta$", "ε": r"$\varepsilon$", "η": r"$\eta$"}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A paper: its key, the kind of entry, its fields in order, and who stems from it."""

    key: str
    kind: str
    fields: dict[str, str]
    names: tuple[str, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        used = f"% {', '.join(self.names)}\n" if self.names else ""
        lines = "".join(f"  {name} = {{{value}}},\n" for name, value in self.fields.items())
        return f"{used}@{self.kind}{{{self.key},\n{lines}}}"


def software() -> Entry:
    """This software, from the metadata of its installation."""
    known = metadata("gradmeter")
    return Entry(
        "gradmeter",
        "software",
        {
            "author": "{The gradmeter founders}",
            "title": f"gradmeter: {known['Summary']}",
            "version": known["Version"],
            "year": str(RELEASED),
            "license": known["License-Expression"],
        },
    )


def bibliography(names: Iterable[str]) -> str:
    """BibTeX of the sources of estimators, each paper once, and last of this software.

    `names` are of the registry; a source that names no paper becomes a comment.
    ValueError for an unknown name.
    """
    papers: dict[str, Entry] = {}
    comments = []
    for name in names:
        source = estimators.about(name)["source"]
        found = list(entries(source))
        if not found:
            comments.append(f"% {name}: {source}")
        for entry in found:
            _add(papers, entry, name)
    return "\n\n".join([*comments, *map(str, papers.values()), str(software())])


def entries(source: str) -> Iterable[Entry]:
    """The papers that the source of an estimator names."""
    for part in NEXT.split(source.strip().rstrip(".")):
        match = PAPER.match(part.rpartition(": ")[2] if _is_remark(part) else part.strip())
        if match is None:
            continue
        authors, rest = _authors(match["authors"]), match["rest"]
        fields = {"author": authors, "year": match["year"]}
        if quoted := QUOTED.search(rest):
            fields["title"] = _plain(quoted[1])
            rest = rest.replace(quoted[0], "")
        if eprint := ARXIV.search(rest):
            fields |= {"eprint": eprint[1], "archiveprefix": "arXiv"}
            rest = rest.replace(eprint[0], "")
        fields |= _notes(re.sub(r"\s+", " ", rest))
        surname = _ascii(authors.split(" and ")[0].split()[-1])
        yield Entry(f"{surname.lower()}{match['year']}", "misc", fields)


def _notes(rest: str) -> dict[str, str]:
    """Where it appeared, up to the first remark, and the remarks."""
    pieces = [piece for piece in re.split(r"[,;:] |,$", rest.strip(" ,;:")) if piece.strip(" ,")]
    first = next((n for n, piece in enumerate(pieces) if REMARK.search(piece)), len(pieces))
    parts = {"note": ", ".join(pieces[:first]), "annote": ", ".join(pieces[first:])}
    return {name: _plain(text.strip(" ,")) for name, text in parts.items() if text}


def _is_remark(part: str) -> bool:
    """Whether words and a colon stand before the authors, as in "leave-one-out: Kool …"."""
    head, colon, rest = part.partition(": ")
    return bool(colon) and not re.search(r"\d{4}", head) and bool(re.search(r"\d{4}", rest))


def _ascii(text: str) -> str:
    """Its letters without accents, for a key."""
    return re.sub(r"[^A-Za-z]", "", unicodedata.normalize("NFKD", text))


def _authors(text: str) -> str:
    """Surnames as BibTeX has them: joined by "and", with its "others"."""
    text = re.sub(r",? et al\.?$", " & others", text.strip(" ,("))
    return " and ".join(_plain(name.strip()) for name in re.split(r", (?!and )| & |, and ", text))


def _add(papers: dict[str, Entry], entry: Entry, name: str) -> None:
    """A paper that is there already stems one more; another one of that key gets a letter."""
    for letter in ("", *"abcdefgh"):
        key = entry.key + letter
        held = papers.get(key)
        if held is None or _same(held, entry):
            known = [*([held] if held else ()), entry]
            fullest = max(known, key=lambda each: len(each.fields["author"]))
            names = (*held.names, name) if held else (name,)
            papers[key] = Entry(key, entry.kind, fullest.fields, names)
            return


def _same(held: Entry, other: Entry) -> bool:
    """Whether two entries of one year and first author are one paper."""
    numbers = held.fields.get("eprint"), other.fields.get("eprint")
    if any(numbers):
        return numbers[0] == numbers[1]
    return held.fields["author"] == other.fields["author"]


def _plain(text: str) -> str:
    """Text as BibTeX takes it."""
    return "".join(SIGNS.get(sign, sign) for sign in text.replace("{", "(").replace("}", ")"))
