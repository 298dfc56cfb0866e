"""The store: whole records or none, strict JSON, several writers."""

import json
import math
import multiprocessing

import pandas
import pytest

from benchmarks.results import COLUMNS, IDENTITY, Store, identity, read


def record(**values):
    return {"problem": "p", "estimator": "e", "status": "ok", **values}


def test_records_come_back_exactly(tmp_path):
    store = Store(tmp_path)
    value = 0.1 + 0.2
    store.append(record(variance=value, samples=4))
    (back,) = store
    assert back["variance"] == value
    assert back["samples"] == 4


def test_nothing_but_strict_json_is_written(tmp_path):
    store = Store(tmp_path)
    store.append(record(variance=math.nan, bias2=math.inf, variance_jackknife=[1.0, math.nan]))
    line = json.loads(store.path.read_text(), parse_constant=pytest.fail)
    assert line["variance"] is None
    assert line["bias2"] is None
    assert line["variance_jackknife"] == [1.0, None]


@pytest.mark.parametrize("cut", [2, 20, 40])
def test_a_torn_last_line_loses_only_itself(tmp_path, cut):
    store = Store(tmp_path)
    store.append(record(samples=1))
    store.append(record(samples=2))
    store.path.write_bytes(store.path.read_bytes()[:-cut])
    assert [r["samples"] for r in store] == [1]
    store.append(record(samples=3))
    assert [r["samples"] for r in store] == [1, 3]


def test_unknown_fields_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no field varience"):
        Store(tmp_path).append(record(varience=1.0))


def test_the_last_of_an_identity_wins(tmp_path):
    store = Store(tmp_path)
    for variance in (1.0, 2.0):
        store.append(record(variance=variance))
    store.append(record(samples=2, variance=3.0))
    assert sorted(r["variance"] for r in store.latest().values()) == [2.0, 3.0]
    assert identity(record())[0] == "p"
    assert len(identity(record())) == len(IDENTITY)


def write_many(folder, start):
    for i in range(50):
        Store(folder).append(record(samples=start + i, reason="x" * 2000))


def test_two_writers_do_not_damage_each_other(tmp_path):
    spawn = multiprocessing.get_context("spawn")
    writers = [spawn.Process(target=write_many, args=(tmp_path, s)) for s in (0, 1000)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(r["samples"] for r in read(tmp_path / "records.jsonl")) == [
        *range(50),
        *range(1000, 1050),
    ]


def test_pandas_reads_it_with_one_call(tmp_path):
    store = Store(tmp_path)
    store.append(record(samples=2, variance=0.5) | {"context": {"host": "h"}})
    frame = pandas.read_json(store.path, lines=True)
    assert frame.loc[0, "variance"] == 0.5
    assert frame.loc[0, "context"] == {"host": "h"}


def test_every_column_stands_once():
    assert len(set(COLUMNS)) == len(COLUMNS)
