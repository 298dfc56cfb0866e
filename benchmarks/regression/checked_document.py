"""A verdict document that somebody else's run wrote, taken over field by field, or refused.

What a pull request brings may have written `verdict.json`. Types, words, lengths and counts are
checked, commands are commands of gradmeter's alone, and the sentence is made again of the findings.
"""

import re
import shlex
from collections import Counter
from dataclasses import replace
from pathlib import Path

import msgspec

from benchmarks.regression.schema import EXIT, INTERRUPTED, METRICS, SCHEMA, VERDICTS, Document
from benchmarks.regression.verdict_sentence import Circumstances, sentence

MOST_BYTES = 50_000_000
MOST_FINDINGS = 100_000
LONGEST = 4_000  # characters of a text
DEEPEST = 5  # levels of a setting
REPEATING = ("regress", "audit")  # the subcommands that repeat a cell
COMMIT = re.compile(r"[0-9a-f]{7,64}")


class Unsound(ValueError):
    """Why a file is no verdict document, in one sentence."""


def read_checked(path: Path) -> Document:
    """The document in the file `path`, with nothing in it that was not checked.

    Raises Unsound, with what is wrong; OSError where the file cannot be read.
    """
    size = path.stat().st_size
    if size > MOST_BYTES:
        raise Unsound(f"{path} has {size:,} bytes; a verdict has at most {MOST_BYTES:,}.")
    try:
        document = msgspec.json.decode(path.read_bytes(), type=Document)
        _walk(msgspec.to_builtins(document), "it")
        _check_words(document)
        _check_counts(document)
    except (ValueError, RecursionError) as mistake:
        raise Unsound(f"{path} is no verdict to be published: {mistake}.") from mistake
    return replace(document, sentence=_said_again(document))


def _walk(value: object, name: str, depth: int = 0) -> None:
    """ValueError for a text that is too long, and for what is nested too deep."""
    if isinstance(value, str) and len(value) > LONGEST:
        raise ValueError(f"{name} is longer than {LONGEST} characters")
    if not isinstance(value, dict | list):
        return
    if depth > DEEPEST:
        raise ValueError(f"{name} is nested more than {DEEPEST} deep")
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        _walk(key, f"a name in {name}", depth)
        _walk(item, str(key)[:40] if isinstance(value, dict) else name, depth + 1)


def _check_words(document: Document) -> None:
    """ValueError for a word that is none of the schema's, and for what is no command of ours."""
    if document.schema != SCHEMA:
        raise ValueError(f"it has schema {document.schema}, this gradmeter knows {SCHEMA}")
    if document.verdict not in EXIT:
        raise ValueError(f"its verdict is none of {', '.join(EXIT)}")
    for side in (document.base, document.head):
        if side.commit is not None and not COMMIT.fullmatch(side.commit):
            raise ValueError("a commit is not written in hexadecimal digits")
    for finding in document.cells:
        if finding.metric not in METRICS or finding.verdict not in VERDICTS:
            raise ValueError("a finding has a metric or a verdict that is unknown")
        if finding.reproduce is not None and not _is_ours(finding.reproduce):
            raise ValueError("what reproduces a finding is no command of gradmeter alone")


def _check_counts(document: Document) -> None:
    """ValueError where the parts of a document contradict each other."""
    findings, told = document.cells, document.completeness
    if len(findings) > MOST_FINDINGS:
        raise ValueError(f"it has {len(findings):,} findings")
    counts = Counter(finding.verdict for finding in findings)
    if told["findings"] != len(findings) or +Counter(told["verdicts"]) != counts:
        raise ValueError("its completeness counts other findings than it has")
    if min(told["cells"], told["refused"], *told["verdicts"].values(), 0) < 0:
        raise ValueError("it counts less than nothing")
    if document.exit_status not in (EXIT[document.verdict], INTERRUPTED):
        raise ValueError("its exit status is not that of its verdict")
    worse = any(f.gates for f in findings) or any(entry.expired for entry in document.accepted)
    if worse != (document.verdict == "regressed"):
        raise ValueError("its verdict is not that of its findings")


def _is_ours(command: str) -> bool:
    """Whether a text is one command of gradmeter, as a shell is given it, and nothing else."""
    try:
        words = shlex.split(command)
    except ValueError:
        return False
    if shlex.join(words) != command or words[:1] != ["gradmeter"] or not command.isprintable():
        return False
    rest = words[1:]
    while rest[:1] == ["--with"]:
        rest = rest[2:]
    return rest[:1] != [] and rest[0] in REPEATING


def _said_again(document: Document) -> str:
    """The sentence, made of the findings."""
    without = str(document.settings.get("confirmation", "")).startswith("none")
    circumstances = Circumstances(
        not without, tuple(document.unapplied), document.exit_status == INTERRUPTED
    )
    expired = [entry for entry in document.accepted if entry.expired]
    cells = document.completeness["cells"]
    return sentence(document.verdict, document.cells, expired, cells, circumstances)
