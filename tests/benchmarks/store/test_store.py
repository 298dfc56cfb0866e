"""The store: whole records or none, strict JSON, checksums, old schemas, several writers."""

import errno
import json
import math
import multiprocessing
import os
import random
import threading
from pathlib import Path

import numpy
import pandas
import pytest

import reports
from benchmarks.store import atomic_files
from benchmarks.store.record_lines import encode
from benchmarks.store.store import COLUMNS, IDENTITY, SCHEMA, Store, identity, read, say_damaged
from reports.pages.publish import write

RESULTS = Path(__file__).parents[3] / "docs" / "results.md"


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
    writers = [spawn.Process(target=write_many, args=(tmp_path, s)) for s in (1, 1001)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert sorted(r["samples"] for r in read(tmp_path / "records.jsonl")) == [
        *range(1, 51),
        *range(1001, 1051),
    ]


def test_pandas_reads_it_with_one_call(tmp_path):
    store = Store(tmp_path)
    store.append(record(samples=2, variance=0.5) | {"context": {"host": "h"}})
    frame = pandas.read_json(store.path, lines=True, precise_float=True)
    assert frame.loc[0, "variance"] == 0.5
    assert frame.loc[0, "context"] == {"host": "h"}


def test_what_a_user_reads_back_is_what_was_written(tmp_path):
    """Every digit, by the page's two lines and by a CSV; a status that pandas reads as text."""
    store, choose = Store(tmp_path), random.Random(3)
    wanted = [choose.random() * 10.0 ** choose.randint(-30, 30) for _ in range(500)]
    for samples, value in enumerate(wanted, 1):
        store.append(record(samples=samples, variance=value, status="refused", reason="no"))
    lines = RESULTS.read_text().partition("## What a record says")[2].splitlines()
    found = [line for line in lines if line.startswith("frame = ")][:2]
    assert len(found) == 2
    for line in found:
        known = {"pandas": pandas, "reports": reports}
        exec(line.replace("results", str(tmp_path), 1), known)
        assert known["frame"]["variance"].tolist() == wanted
    write(reports.load(tmp_path), tmp_path / "all.csv")
    back = pandas.read_csv(tmp_path / "all.csv")
    assert back["variance"].tolist() == wanted
    assert set(back["status"]) == {"refused"}


def test_every_column_stands_once():
    assert len(set(COLUMNS)) == len(COLUMNS)


def three(folder):
    store = Store(folder)
    for samples in (1, 2, 3):
        store.append(record(samples=samples, variance=0.1 * samples, context={"host": "h"}))
    return store


def test_every_single_flipped_bit_loses_its_line_and_no_other(tmp_path):
    store = three(tmp_path)
    whole = store.path.read_bytes()
    second = whole.index(b"\n") + 1
    for place in range(second, whole.index(b"\n", second)):
        flipped = bytearray(whole)
        flipped[place] ^= 1 << place % 7
        if b"\n" not in flipped[second:][: place - second + 1]:
            store.path.write_bytes(flipped)
            assert [r["samples"] for r in store] == [1, 3], place
            assert [damage.line for damage in store.damaged] == [2]


def test_a_file_cut_off_anywhere_loses_the_last_line_only_and_says_so(tmp_path):
    store = three(tmp_path)
    whole = store.path.read_bytes()
    for cut in range(2, len(whole) - whole.rindex(b"\n", 0, -1) - 1, 7):
        store.path.write_bytes(whole[:-cut])
        assert [r["samples"] for r in store] == [1, 2]
        assert "1 line is no record and left out" in say_damaged(store.damaged)
        assert f"{store.path} line 3: " in say_damaged(store.damaged)


def test_a_line_without_its_newline_is_whole(tmp_path):
    store = three(tmp_path)
    store.path.write_bytes(store.path.read_bytes()[:-1])
    assert [r["samples"] for r in store] == [1, 2, 3]
    assert store.damaged == []


def test_schema_1_which_had_no_checksum_still_loads(tmp_path):
    old = {"schema": 1, **record(samples=4, variance=0.3)}
    (tmp_path / "records.jsonl").write_text(json.dumps(old) + "\n")
    (back,) = Store(tmp_path)
    known = {name: value for name, value in back.items() if value is not None}
    assert known == old | {"schema": SCHEMA}


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (
            {"schema": 7, **record(variance="new")},
            "schema 7, this gradmeter knows 1 to 2; install a newer one",
        ),
        ({"schema": 2, **record()}, "lost its checksum"),
        ({"schema": "2", **record()}, "names no schema"),
        (record(), "names no schema"),
        ([1, 2], "it is a list, not an object"),
        ({"schema": 1, "problem": "p"}, "it has no `estimator`"),
        ({"schema": 1, **record(samples="4")}, "samples is text, not a whole number"),
        ({"schema": 1, **record(samples=1.5)}, "samples is a number, not a whole number"),
        (
            {"schema": 1, **record(samples=2**70)},
            "samples is 1180591620717411303424, more than 9223372036854775807",
        ),
        ({"schema": 1, **record(variance=10**400)}, "Number out of range - at `$.variance`"),
        ({"schema": 1, **record(estimator=None)}, "estimator is null, not text"),
        ({"schema": 1, **record(variance={})}, "variance is an object, not a number"),
        (
            {"schema": 1, **record(variance_jackknife=[1.0, "x"])},
            "variance_jackknife[1] is text, not a number",
        ),
        ({"schema": 1, **record(config="][")}, "config is not a JSON object"),
        ({"schema": 1, **record(per_parameter="../../secret.npz")}, "leads out of the store"),
        ({"schema": 1, **record(per_block="/etc/secret.npz")}, "leads out of the store"),
        (
            {"schema": 1, **record(context={"threads": "two"})},
            "threads is text, not a whole number",
        ),
    ],
)
def test_what_is_no_record_is_left_out_with_the_reason(tmp_path, line, words):
    store = three(tmp_path)
    with open(store.path, "a") as file:
        file.write(json.dumps(line) + "\n")
    assert len(list(store)) == 3
    (damage,) = store.damaged
    assert words in damage.reason
    assert damage.line == 4


def test_a_record_with_a_wrong_type_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="variance is text, not a number"):
        Store(tmp_path).append(record(variance="1.0"))
    assert not (tmp_path / "records.jsonl").exists()


def test_fields_of_later_versions_are_skipped(tmp_path):
    store = three(tmp_path)
    more = {"schema": SCHEMA, **record(samples=4), "more": {"a": [1]}, "context": {"launch": 5}}
    store.path.write_bytes(store.path.read_bytes() + encode(more))
    (*_, back) = store
    assert "more" not in back
    assert back["context"] == {"launch": 5}


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path, monkeypatch):
    store = three(tmp_path)
    before = store.path.read_bytes()

    def full(descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic_files.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        store.append(record(samples=4))
    assert store.path.read_bytes() == before


def test_appending_waits_for_the_lock_and_goes_to_the_file_that_took_its_place(tmp_path):
    store = three(tmp_path)
    writer = threading.Thread(target=store.append, args=(record(samples=4),))
    with atomic_files.locked(store.path):
        writer.start()
        writer.join(0.2)
        assert writer.is_alive()
        atomic_files.write_lines(store.path, [encode(record(samples=9))])
    writer.join()
    assert [r["samples"] for r in store] == [9, 4]


def test_arrays_come_from_inside_the_folder_and_are_numbers_only(tmp_path):
    store = three(tmp_path / "store")
    name = store.beside(record(samples=1), {"mean": numpy.arange(3.0)})
    assert store.arrays(name)["mean"].tolist() == [0, 1, 2]
    assert oct(os.stat(store.path.parent / name).st_mode)[-3:] == "644"
    numpy.savez(tmp_path / "outside.npz", a=1)
    (store.path.parent / "link.npz").symlink_to(tmp_path / "outside.npz")
    for path in ("../outside.npz", str(tmp_path / "outside.npz"), "link.npz"):
        with pytest.raises(ValueError, match="leads out of"):
            store.arrays(path)
    numpy.savez(store.path.parent / "objects.npz", a=numpy.array([print], dtype=object))
    with pytest.raises(ValueError, match="no file of plain arrays"):
        store.arrays("objects.npz")
    with pytest.raises(FileNotFoundError, match=r"no file absent\.npz"):
        store.arrays("absent.npz")
