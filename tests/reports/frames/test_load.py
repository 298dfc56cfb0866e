"""From files to frames: what is read, what is left out, and what is said where there is nothing."""

import json
import sys

import pandas
import pytest
from planted_records import record, refused

from benchmarks.store.store import COLUMNS, Store
from reports.frames.load import CONTEXT, complete, load


def write(path, records):
    path.write_text("".join(json.dumps(row) + "\n" for row in records))


def test_one_row_per_record_with_columns_in_their_types(tmp_path):
    write(tmp_path / "records.jsonl", [record("toy", "a"), refused("toy", "b")])
    frame = load(tmp_path)
    assert list(frame.columns) == [*COLUMNS, *CONTEXT]
    assert frame["estimator"].tolist() == ["a", "b"]
    assert frame["variance"].dtype == "float64"
    assert pandas.isna(frame["variance"].iloc[1])
    assert frame["heavy_tailed"].dtype == "boolean"
    assert frame["heavy_tailed"].isna().tolist() == [False, True]
    assert frame["samples"].dtype == "Int64"
    assert frame["time"].iloc[0] == pandas.Timestamp("2026-11-22T15:47Z")
    assert len(frame["variance_jackknife"].iloc[0]) == 32


def test_what_the_store_wrote_comes_back_to_the_last_bit(tmp_path):
    values = record("toy", "a", variance=0.1 + 0.2)
    Store(tmp_path).append({key: value for key, value in values.items() if key != "schema"})
    assert load(tmp_path)["variance"].item() == 0.1 + 0.2


def test_a_torn_last_line_is_left_out(tmp_path):
    file = tmp_path / "records.jsonl"
    write(file, [record("toy", "a"), record("toy", "b")])
    file.write_text(file.read_text()[:-40])
    damaged = []
    assert load(file, damaged=damaged)["estimator"].tolist() == ["a"]
    assert [(damage.path, damage.line) for damage in damaged] == [(file, 2)]


def test_chunks_are_one_frame(tmp_path, monkeypatch):
    rows = [record("toy", f"e{i}", variance=i + 0.5) for i in range(7)]
    rows[3]["context"] = {**rows[3]["context"], "host": "other", "launch": 5}
    write(tmp_path / "records.jsonl", rows)
    whole = load(tmp_path)
    monkeypatch.setattr(sys.modules["reports.frames.load"], "CHUNK", 2)
    pandas.testing.assert_frame_equal(load(tmp_path), whole)
    assert whole["host"].tolist() == ["bench"] * 3 + ["other"] + ["bench"] * 3
    assert whole["launch"].tolist()[3] == 5
    assert load(tmp_path, lists=False)["variance_jackknife"].isna().all()


def test_the_last_record_of_an_identity_wins(tmp_path):
    first, last = record("toy", "a", variance=1.0), record("toy", "a", variance=2.0)
    write(tmp_path / "records.jsonl", [first, record("toy", "b"), last])
    assert load(tmp_path).set_index("estimator")["variance"].to_dict() == {"a": 2.0, "b": 1.0}
    assert load(tmp_path, latest=False)["variance"].tolist() == [1.0, 1.0, 2.0]


@pytest.mark.parametrize("name", ["", "absent", "absent.jsonl"])
def test_no_store_is_one_sentence_with_the_way_out(tmp_path, name):
    with pytest.raises(FileNotFoundError, match=r"gradmeter run") as caught:
        load(tmp_path / name)
    assert str(tmp_path / name) in str(caught.value)


def test_an_empty_store_is_one_sentence_with_the_way_out(tmp_path):
    (tmp_path / "records.jsonl").write_text('{"torn')
    with pytest.raises(ValueError, match=r"gradmeter run") as caught:
        load(tmp_path)
    assert str(tmp_path) in str(caught.value)


def test_a_frame_without_the_context_is_completed():
    frame = complete(pandas.DataFrame({"problem": ["toy"], "variance": [1], "mine": ["kept"]}))
    assert list(frame.columns) == [*COLUMNS, *CONTEXT, "mine"]
    assert frame["commit"].isna().all()
