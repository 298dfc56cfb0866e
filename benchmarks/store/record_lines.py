"""One line of the store: a record as strict JSON that ends in the checksum of what precedes it.

    {"schema": 2, "problem": …, "context": {…}, "checksum": "crc32:89abcdef"}

A line of schema 1 has no checksum and is otherwise the same.
"""

import json
import math
import re
import zlib
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import lru_cache

from msgspec import ValidationError
from msgspec.json import Decoder

from benchmarks.store.schema import WORDS, Context, Record

SCHEMA = 2
MARK = b', "checksum": "crc32:'
TAIL = len(MARK) + len(b'89abcdef"}')
# What msgspec says of a value of another type, one out of bounds, a text too long, an unknown word.
WRONG = re.compile(r"Expected `(\w+)[^`]*`, got `(\w+)`(?: - at `\$\.(.+)`)?")
BEYOND = re.compile(r"Expected `\w+` ([<>])= (\S+) - at `\$\.(.+)`")
LENGTH = re.compile(r"Expected `(\w+)` of length ([<>])= (\d+) - at `\$\.(.+)`")
UNKNOWN = re.compile(r"Invalid enum value .* - at `\$\.(\w+)`", re.DOTALL)
SHOWN = 40  # characters of a value
YEARS = range(1970, 2200)  # in which a run can have been
TYPES = {"str": "text", "int": "a whole number", "float": "a number", "bool": "true or false"}
TYPES |= {"null": "null", "array": "a list", "object": "an object"}
_record, _object = Decoder(Record).decode, Decoder(dict[str, object]).decode
_known, _scalars = (
    Decoder(Context | None).decode,
    Decoder(dict[str, str | int | float | bool | None] | None).decode,
)


class Damaged(ValueError):
    """Why a line is no record, as the part of a sentence that follows "line 7:"."""


def encode(record: Mapping) -> bytes:
    """The line of a record, newline included. Non-finite numbers become null: JSON has no NaN."""
    plain = {key: value for key, value in record.items() if key != "schema"}
    body = json.dumps({"schema": SCHEMA, **strict(plain)}, allow_nan=False)[:-1].encode()
    return body + MARK + b'%08x"}\n' % zlib.crc32(body)


def decode(line: bytes) -> Record:
    """The record of a line, its context as a dictionary. Raises Damaged with the reason.

    Records of one run share their context: do not change it.
    """
    line = line.strip()
    summed = line[-TAIL:].startswith(MARK)
    if summed and line[-10:] != b'%08x"}' % zlib.crc32(memoryview(line)[:-TAIL]):
        raise Damaged("its checksum does not match")
    try:
        record = _parsed(_record, line)
    except Damaged:
        _check_schema(_parsed(_object, line).get("schema"), summed)  # a later one explains it
        raise
    _check_schema(record.schema, summed)
    _check_config(record.config)
    for name in (record.per_parameter, record.per_block):
        if name and (name.startswith("/") or ".." in name or "\0" in name):
            raise Damaged(f"{name[:40]!r} leads out of the store")
    if record.status == "n/a":
        record.status = "refused"
    record.schema, record.context = SCHEMA, _context(bytes(record.context))
    return record


def _parsed(parse: Callable, text: bytes | str):
    try:
        return parse(text)
    except ValidationError as mistake:
        raise Damaged(_sentence(str(mistake), text)) from mistake
    except (ValueError, RecursionError) as mistake:
        raise Damaged("it is not whole JSON") from mistake


def _sentence(mistake: str, text: bytes | str) -> str:
    """What is wrong with a line, from what msgspec says of it."""
    if found := WRONG.fullmatch(mistake):
        wanted, got, name = found.groups(default="it")
        return f"{name} is {TYPES[got]}, not {TYPES[wanted]}"
    if found := BEYOND.fullmatch(mistake):
        sign, bound, name = found.groups()
        beyond = "less than" if sign == ">" else "more than"
        return f"{name} is {_shown(text, name)}, {beyond} {bound.removesuffix('.0')}"
    if found := LENGTH.fullmatch(mistake):
        kind, sign, bound, name = found.groups()
        beyond = "shorter" if sign == ">" else "longer"
        what = "characters" if kind == "str" else "entries"
        return f"{name} is {beyond} than {bound} {what}"
    if found := UNKNOWN.fullmatch(mistake):
        known = ", ".join(WORDS[found[1]])
        return f"its {found[1]} is {_shown(text, found[1])}, not {known}"
    return mistake.replace("Object missing required field", "it has no")


def _shown(text: bytes | str, path: str) -> str:
    """The value at a path such as `variance_jackknife[3]` of a line, as it stands in a sentence."""
    name, _, index = path.partition("[")
    try:
        value = _object(text)[name]
        value = value[int(index.rstrip("]"))] if index else value
    except (ValueError, KeyError, TypeError, IndexError, RecursionError):
        return "something else"
    shown = ascii(value)
    return shown if len(shown) <= SHOWN else f"{shown[:SHOWN]}…"


def _check_schema(schema: object, summed: bool) -> None:
    if type(schema) is not int or schema < 1:
        raise Damaged("it names no schema")
    if schema > SCHEMA:
        raise Damaged(
            f"it has schema {schema}, this gradmeter knows 1 to {SCHEMA}; install a newer one"
        )
    if schema >= 2 and not summed:
        raise Damaged("it has lost its checksum")


@lru_cache(maxsize=1024)
def _check_config(config: str | None) -> None:
    try:
        _object("{}" if config is None else config)
    except (ValueError, RecursionError) as mistake:
        raise Damaged("config is not a JSON object") from mistake


@lru_cache(maxsize=64)
def _context(text: bytes) -> dict | None:
    known = _parsed(_known, text)
    if known is not None and known.time is not None:
        _check_time(known.time)
    return _parsed(_scalars, text)


def _check_time(text: str) -> None:
    try:
        year = datetime.fromisoformat(text).astimezone(UTC).year
    except (ValueError, OverflowError):
        year = None
    if year not in YEARS:
        raise Damaged(f"its time is {text[:SHOWN]!a}, when no run was") from None


def strict(value):
    """`value` with every non-finite float as None, and texts that are Unicode."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):  # half of a pair that stands for one sign is none
        return value if value.isascii() else value.encode("utf-8", "replace").decode()
    if isinstance(value, Mapping):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    return value
