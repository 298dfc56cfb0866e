"""`gradmeter schema` and `gradmeter completion`: what they print is what there is."""

import json
import subprocess

import pytest
from click.testing import CliRunner
from planted_records import record

from benchmarks.store import record_lines
from benchmarks.store.store import Store
from gradmeter import main

TYPES = {"string": str, "integer": int, "number": (int, float), "boolean": bool,
         "null": type(None), "array": list}  # fmt: skip


def matches(value, field):
    """Whether a value has one of the types that its field's schema names."""
    parts = field.get("anyOf", [field])
    kinds = [part["type"] for part in parts if "type" in part]
    return any(value in part.get("enum", ()) for part in parts) or any(
        isinstance(value, TYPES[kind]) and isinstance(value, bool) <= (kind == "boolean")
        for kind in kinds
    )


def test_a_line_of_a_store_is_what_the_schema_says(tmp_path):
    printed = json.loads(CliRunner().invoke(main, ["schema"]).output)
    Store(tmp_path).append(
        {k: v for k, v in record("normal-quadratic", "pathwise").items() if k != "schema"}
    )
    line = json.loads((tmp_path / "records.jsonl").read_text())
    fields = printed["$defs"]["Values"]["properties"]
    assert set(line) <= set(fields)
    assert set(printed["$defs"]["Values"]["required"]) <= set(line)
    wrong = {k: v for k, v in line.items() if k != "context" and not matches(v, fields[k])}
    assert wrong == {}
    assert set(line["context"]) <= set(printed["$defs"]["Context"]["properties"])
    assert fields["variance"]["description"].startswith("trace of the covariance")
    assert line["schema"] == record_lines.SCHEMA


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_is_a_script_of_that_shell(shell):
    done = CliRunner().invoke(main, ["completion", shell])
    assert done.exit_code == 0
    assert "_GRADMETER_COMPLETE" in done.output
    if shell == "bash":
        subprocess.run(["bash", "-n"], input=done.output, text=True, check=True)


def test_an_error_that_nobody_foresaw_is_no_regression(monkeypatch):
    """Status 1 says "a confirmed regression"; a fault of gradmeter's own has another."""
    monkeypatch.setattr("benchmarks.catalogue.rows", lambda kind: {}["nothing"])
    done = CliRunner().invoke(main, ["list", "families"])
    assert done.exit_code == 70
    done = CliRunner().invoke(main, ["--debug", "compare", "nowhere.py"])
    assert done.exit_code == 2
