"""The JSON schema of one record, with the words of `schema` beside each field."""

import inspect
import re

import msgspec

from benchmarks.store import schema

FIELD = re.compile(r"^    (\w+): .*?  # (.+)$", re.MULTILINE)


def record_schema() -> dict:
    """The JSON schema of a line of records.jsonl, as plain values."""
    said = dict(FIELD.findall(inspect.getsource(schema)))
    (record, context), definitions = msgspec.json.schema_components(
        [schema.Values, schema.Context], ref_template="#/$defs/{name}"
    )
    definitions["Values"]["properties"] |= {
        "context": context | {"description": "where and when it was measured, and with what"},
        "schema": {"type": "integer", "description": "of the store, by which older ones are read"},
        "checksum": {"type": "string", "description": "of the line without it"},
    }
    for definition in definitions.values():
        for name, field in definition["properties"].items():
            if name in said:
                field["description"] = said[name]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A gradmeter record: one line of records.jsonl",
        **record,
        "$defs": definitions,
    }
