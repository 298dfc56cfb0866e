"""One line of the store: a record as strict JSON that ends in the checksum of what precedes it.

    {"schema": 2, "problem": …, "context": {…}, "checksum": "crc32:89abcdef"}

A line of schema 1 has no checksum. Standard library only; orjson, where installed, parses faster.
"""

import json
import math
import re
import zlib
from collections.abc import Callable, Mapping
from functools import lru_cache

SCHEMA = 2
MARK = b', "checksum": "crc32:'
CONTEXT = b', "context": {'
TAIL = len(MARK) + len(b'89abcdef"}')
HALVES = re.compile(rb"\\u[dD][89a-fA-F]")  # of surrogate pairs, which may lack the other half


class Damaged(ValueError):
    """Why a line is no record, as the part of a sentence that follows "line 7:"."""


def _checksummed(record: dict) -> dict:
    """Schema 2 differs from 1 in the line only, not in the record."""
    return record


MIGRATIONS: dict[int, Callable[[dict], dict]] = {1: _checksummed}  # from this schema to the next


def encode(record: Mapping) -> bytes:
    """The line of a record, newline included. Non-finite numbers become null: JSON has no NaN."""
    plain = {key: value for key, value in record.items() if key != "schema"}
    body = json.dumps({"schema": SCHEMA, **strict(plain)}, allow_nan=False)[:-1].encode()
    return body + MARK + b'%08x"}\n' % zlib.crc32(body)


def decode(line: bytes) -> dict:
    """The record of a line, brought to the present schema. Raises Damaged with the reason."""
    line = line.strip()
    summed = line[-TAIL:].startswith(MARK)
    if summed:
        body = line[:-TAIL]
        if line[-10:] != b'%08x"}' % zlib.crc32(body):
            raise Damaged("its checksum does not match")
        line = body + b"}"
    record = _parsed(line)
    schema = record.get("schema")
    if type(schema) is not int or schema < 1:
        raise Damaged("it names no schema")
    if schema > SCHEMA:
        raise Damaged(
            f"it has schema {schema}, this gradmeter knows 1 to {SCHEMA}; install a newer one"
        )
    if schema >= 2 and not summed:
        raise Damaged("it has lost its checksum")
    for step in range(schema, SCHEMA):
        record = MIGRATIONS[step](record)
    record["schema"] = SCHEMA
    return record


def _parsed(line: bytes) -> dict:
    try:
        record = _in_parts(line) or loads(line)
    except (ValueError, RecursionError) as mistake:
        raise Damaged("it is not whole JSON") from mistake
    if type(record) is not dict:
        raise Damaged("it is not a JSON object")
    return record


def _in_parts(line: bytes) -> dict | None:
    """The object of a line that ends in a context; None if it does not.

    All records of a run have the same context: it is parsed once, and they share the dictionary.
    Where both parts are objects, they are what the whole would be.
    """
    start, mark, context = line.rpartition(CONTEXT)
    if not mark:
        return None
    try:
        record = loads(start + b"}")
        record["context"] = _context(context)
    except (ValueError, RecursionError, TypeError):
        return None
    return record


@lru_cache(maxsize=64)
def _context(text: bytes) -> dict:
    return loads(b"{" + text[:-1])


def _no_constant(name: str):
    raise ValueError(f"{name} is not JSON")


STRICT = json.JSONDecoder(parse_constant=_no_constant)


def loads_stdlib(line: bytes):
    """What a line of strict JSON holds; ValueError or RecursionError for anything else."""
    found = STRICT.decode(line.decode())
    if HALVES.search(line):
        json.dumps(found, ensure_ascii=False).encode()
    return found


try:
    from orjson import loads  # the same, four times as fast
except ImportError:
    loads = loads_stdlib


def strict(value):
    """`value` with every non-finite float as None."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: strict(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [strict(item) for item in value]
    return value
