"""`gradmeter store`: what is wrong is said, what is merged is not overwritten, and it is quick."""

import json
import subprocess
import sys

import pandas
import pytest
from click.testing import CliRunner
from planted_records import record

from benchmarks.store import record_lines
from benchmarks.store.store import Store
from gradmeter import main


def store(*words):
    return CliRunner().invoke(main, ["store", *map(str, words)])


def fill(folder, *rows):
    made = Store(folder)
    for row in rows:
        made.append({key: value for key, value in row.items() if key != "schema"})
    return made


def values(folder):
    return sorted((r["estimator"], r["samples"], r["variance"]) for r in Store(folder))


def test_a_sound_store_verifies(tmp_path):
    fill(tmp_path, record("toy", "a"), record("toy", "b"), record("toy", "b", variance=2.0))
    done = store("verify", tmp_path)
    assert done.exit_code == 0
    assert "3 records of 2 cells, 0 files beside them; nothing is wrong" in done.stdout


INSANE = {
    "variance is -1": {"variance": -1.0, "variance_low": -2.0, "variance_high": 0.0},
    "mse is 3, but variance and bias2 make it 1.5": {"mse": 3.0, "bias2": 0.5},
    "its time is '0001-01-01', when no run was": {"context": {"time": "0001-01-01"}},
    "outside its interval": {"variance_low": 2.0, "variance_high": 3.0},
    "its status is 'fine'": {"status": "fine"},
    "without a reason": {"status": "error", "reason": None},
    "bias_p is 1.5, more than 1": {"bias_p": 1.5},
    "replicates is 0, less": {"replicates": 0},
    "no file parameters/gone.npz": {"per_parameter": "parameters/gone.npz"},
}


@pytest.mark.parametrize("words", INSANE)
def test_what_cannot_have_been_measured_is_named_with_its_line(tmp_path, words):
    made = fill(tmp_path, record("toy", "a"))
    with open(made.path, "ab") as file:  # which `append` would not
        file.write(record_lines.encode(record("toy", "b") | INSANE[words]))
    done = store("verify", tmp_path)
    assert done.exit_code == 3
    assert "records.jsonl line 2: " in done.stdout
    assert words in done.stdout


def test_a_file_beside_with_objects_in_it_is_not_opened(tmp_path):
    made = fill(tmp_path)
    row = record("toy", "a")
    row["per_parameter"] = made.beside(row, {"mean": [1.0]})
    fill(tmp_path, row)
    assert store("verify", tmp_path).exit_code == 0
    (tmp_path / row["per_parameter"]).write_bytes(b"\x80\x04cos\nsystem\n")
    done = store("verify", tmp_path)
    assert done.exit_code == 3
    assert "its checksum does not match" in done.stdout
    (tmp_path / "parameters/old.npz").write_bytes(b"\x80\x04cos\nsystem\n")  # without a checksum
    fill(tmp_path, row | {"per_parameter": "parameters/old.npz"})
    assert "no file of plain arrays" in store("verify", tmp_path).stdout


def test_merging_is_a_union_with_what_lies_beside(tmp_path):
    same, ours, theirs = record("toy", "a"), record("toy", "b"), record("toy", "c")
    made = fill(tmp_path / "two", same | {"context": {"host": "other"}})
    theirs["per_parameter"] = made.beside(theirs, {"mean": [1.0]})
    fill(tmp_path / "two", theirs)
    fill(tmp_path / "one", same, ours)
    done = store("merge", tmp_path / "one", tmp_path / "two", "--to", tmp_path / "to")
    assert done.exit_code == 0, done.output
    assert "3 records of 2 stores" in done.stdout
    assert [r["estimator"] for r in Store(tmp_path / "to")] == ["a", "b", "c"]
    assert Store(tmp_path / "to").arrays(theirs["per_parameter"])["mean"].tolist() == [1.0]
    assert store("verify", tmp_path / "to").exit_code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one", "to", "two"]


def test_conflicts_are_reported_and_both_sides_kept(tmp_path):
    fill(tmp_path / "one", record("toy", "a", variance=1.0), record("toy", "b"))
    fill(tmp_path / "two", record("toy", "a", variance=2.0), record("toy", "c"))
    done = store("merge", tmp_path / "one", tmp_path / "two", "--to", tmp_path / "to")
    assert done.exit_code == 3
    assert "1 cells were measured differently" in done.stderr
    assert [r["estimator"] for r in Store(tmp_path / "to")] == ["b", "c"]
    assert values(tmp_path / "to/conflicts/1") == [("a", 1, 1.0)]
    assert values(tmp_path / "to/conflicts/2") == [("a", 1, 2.0)]
    done = store("merge", tmp_path / "to", tmp_path / "to/conflicts/2", "--to", tmp_path / "chosen")
    assert done.exit_code == 0
    assert ("a", 1, 2.0) in values(tmp_path / "chosen")


def test_a_store_that_went_on_is_no_conflict_with_its_copy(tmp_path):
    rows = [record("toy", "a", variance=v) for v in (1.0, 2.0)]
    fill(tmp_path / "copy", rows[0])
    fill(tmp_path / "whole", *rows)
    for sources in (("copy", "whole"), ("whole", "copy")):
        to = tmp_path / "-".join(sources)
        done = store("merge", *(tmp_path / source for source in sources), "--to", to)
        assert done.exit_code == 0
        assert values(to) == [("a", 1, 1.0), ("a", 1, 2.0)]


def test_merging_overwrites_nothing_and_names_damaged_lines(tmp_path):
    made = fill(tmp_path / "one", record("toy", "a"))
    with open(made.path, "a") as file:
        file.write('{"torn')
    assert store("merge", tmp_path / "one", "--to", tmp_path / "one").exit_code == 2
    done = store("merge", tmp_path / "one", "--to", tmp_path / "two")
    assert done.exit_code == 0
    assert "warning: 1 line is no record" in done.stderr


def test_pruning_keeps_the_latest_and_the_old_file(tmp_path):
    rows = [record("toy", name, variance=v) for v in (1.0, 2.0, 3.0) for name in "ab"]
    made = fill(tmp_path, *rows)
    before = made.path.read_bytes()
    done = store("prune", tmp_path, "--dry-run")
    assert "2 records would stay, 4 replaced ones go" in done.stdout
    assert made.path.read_bytes() == before
    assert store("prune", tmp_path).exit_code == 0
    assert values(tmp_path) == [("a", 1, 3.0), ("b", 1, 3.0)]
    assert made.path.read_bytes().splitlines() == before.splitlines()[-2:]
    (old,) = tmp_path.glob("*before-prune*")
    assert old.read_bytes() == before
    assert len(CliRunner().invoke(main, ["store", "prune", str(tmp_path)]).stdout.split("\n")) == 2


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_export_is_one_table(tmp_path, suffix):
    fill(tmp_path, record("toy", "a", variance=1.0), record("toy", "a", variance=0.1 + 0.2))
    to = tmp_path / f"table{suffix}"
    for words, count in (((), 1), (("--all",), 2)):
        assert store("export", tmp_path, "--to", to, *words).exit_code == 0
        table = pandas.read_csv(to) if suffix == ".csv" else pandas.read_parquet(to)
        assert len(table) == count
        assert table["variance"].iloc[-1] == 0.1 + 0.2


def test_whoever_reads_says_which_lines_were_left_out(tmp_path):
    made = fill(tmp_path, record("toy", "a"), record("toy", "b"))
    made.path.write_bytes(made.path.read_bytes()[:-30])
    told = f"warning: 1 line is no record and left out ({made.path} line 2: it is not whole JSON)."
    for words in (
        ["report", tmp_path, "--to", tmp_path / "page"],
        ["store", "export", tmp_path, "--to", tmp_path / "x.csv"],
        ["run", "-p", "normal-linear", "-e", "pathwise", "-K", "1", "-R", "100", "--resume",
         "--no-timing", "--out", tmp_path],
    ):  # fmt: skip
        done = CliRunner().invoke(main, list(map(str, words)))
        assert done.exit_code == 0, done.output
        assert told in done.stderr.replace("\n", "")


LOADED = """
import json, resource, sys, time
sys.path[:0] = json.loads(sys.argv[2])
import reports
from benchmarks.store.verify import verify
with open(sys.argv[1], "rb") as file:
    lines = [line for line, _ in zip(file, range(5000))]
bare = time.process_time()
for line in lines:
    json.loads(line)
bare = (time.process_time() - bare) / len(lines)
reports.load(sys.argv[3])
base = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
cpu = time.process_time()
frame = reports.load(sys.argv[1])
cpu = time.process_time() - cpu
loaded = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
start = time.process_time()
found = verify(sys.argv[1])
print(json.dumps({"rows": len(frame), "seconds": cpu, "cpu": cpu / len(frame) / bare,
                  "kib": (loaded - base) / len(frame), "records": found.records,
                  "verify": (time.process_time() - start) / len(frame) / bare,
                  "wrong": len(found.wrong)}))
"""


def loaded(folder, count):
    """Fill a store with so many records and load it: times relative to `json.loads` of a line."""
    row = record("toy", "a")
    row["context"] = row.pop("context")  # last, as a run writes it
    with open(folder / "records.jsonl", "wb") as file:
        for seed in range(count):
            if seed == 1:
                few = folder / "few.jsonl.part"
                file.flush()
                few.write_bytes((folder / "records.jsonl").read_bytes())
            file.write(record_lines.encode(row | {"seed": seed}))
    command = [sys.executable, "-c", LOADED, str(folder / "records.jsonl"), json.dumps(sys.path)]
    done = subprocess.run([*command, str(few)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_large_store_loads_and_verifies_in_the_time_of_its_parsing(tmp_path):
    found = loaded(tmp_path, 20_000)
    assert found["rows"] == found["records"] == 20_000
    assert found["wrong"] == 0
    assert found["cpu"] < 3  # on a machine that is busy
    assert found["verify"] < 3
    assert found["kib"] < 8


@pytest.mark.study
def test_a_million_records_load_in_twenty_seconds_of_cpu(tmp_path):
    found = loaded(tmp_path, 1_000_000)
    print(found)
    assert found["rows"] == found["records"] == 1_000_000
    assert found["wrong"] == 0
    assert found["seconds"] < 20
    assert found["kib"] < 3
