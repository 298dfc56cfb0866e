"""One odd record costs that record and one line, whichever command reads the store."""

import json
import shutil

import numpy as np
import pytest
from click.testing import CliRunner
from planted_records import record, refused

import reports
from benchmarks.store import record_lines
from benchmarks.store.store import Store
from gradmeter import main

ODD = {  # what stands in one record, and what is said of it
    "an unknown status": ({"status": "great"}, "its status is 'great', not ok, refused, error"),
    "a date of year 1": (
        {"context": {"time": "0001-01-01T00:00:00+00:00"}},
        "its time is '0001-01-01T00:00:00+00:00', when no run was",
    ),
    "a date that is none": ({"context": {"time": "last week"}}, "its time is 'last week'"),
    "text where a number belongs": ({"variance": "large"}, "variance is text, not a number"),
    "a number where text belongs": ({"reason": 3}, "reason is a whole number, not text"),
    "a long name": ({"problem": "x" * 9_000}, "problem is longer than 1000 characters"),
    "no name": ({"estimator": ""}, "estimator is shorter than 1 characters"),
    "a negative variance": ({"variance": -1.0}, "variance is -1.0, less than 0"),
    "a share above 1": ({"unhealthy": 7.0}, "unhealthy is 7.0, more than 1"),
    "no samples": ({"samples": 0}, "samples is 0, less than 1"),
    "a dtype that is none": ({"dtype": "float99"}, "its dtype is 'float99'"),
    "a verdict that is none": ({"bias_verdict": "fair"}, "its bias_verdict is 'fair'"),
    "a configuration that is none": ({"config": "]["}, "config is not a JSON object"),
    "a context that is none": ({"context": [1]}, "it is a list, not an object"),
    "many blocks": ({"variance_jackknife": [1.0] * 5_000}, "is longer than 1000 entries"),
    "arrays elsewhere": ({"per_block": "../../x.npz"}, "leads out of the store"),
}


def fill(folder, *odd, seed=0):
    """A sound store of three cells, with an odd record among them."""
    store = Store(folder)
    sound = [record("toy", "a"), record("toy", "b", variance=4.0), refused("toy", "c")]
    for row in sound:
        store.append({k: v for k, v in row.items() if k != "schema"} | {"seed": seed})
    lines = store.path.read_bytes().splitlines(keepends=True)
    lines[1:1] = [record_lines.encode(record("toy", "odd") | one) for one in odd]
    store.path.write_bytes(b"".join(lines))
    return folder


COMMANDS = {  # reading a store at {0}, beside a sound one at {1}
    "report": "report {0} --to {2}/page",
    "history": "history {0}",
    "regress, base": "regress {0} {1} --to {2}/verdict",
    "regress, head": "regress {1} {0} --to {2}/verdict",
    "merge": "store merge {0} {1} --to {2}/merged",
    "export": "store export {0} --to {2}/table.csv",
    "prune": "store prune {0}",
    "run --resume": "run -p normal-linear -e pathwise -K 1 -R 100 --no-timing --resume --out {0}",
}


def command(words, *places):
    return CliRunner().invoke(main, [word.format(*places) for word in words.split()])


@pytest.fixture(scope="module")
def sound_exits(tmp_path_factory):
    """How each command ends where nothing is odd."""
    found = {}
    for number, words in enumerate(COMMANDS.values()):
        here = tmp_path_factory.mktemp(str(number))
        fill(here / "one"), fill(here / "other")
        found[words] = command(words, here / "one", here / "other", here).exit_code
    return found


def cases():
    """Every kind under every command; the reports of the last kinds take long: they are studies."""
    for number, kind in enumerate(ODD):
        for verb in COMMANDS:
            slow = verb == "report" and number >= 4
            yield pytest.param(kind, verb, marks=pytest.mark.study if slow else ())


@pytest.mark.parametrize(("kind", "verb"), list(cases()))
def test_an_odd_record_costs_itself_and_one_line(tmp_path, sound_exits, verb, kind):
    odd, says = ODD[kind]
    fill(tmp_path / "one", odd), fill(tmp_path / "other")
    done = command(COMMANDS[verb], tmp_path / "one", tmp_path / "other", tmp_path)
    assert done.exit_code == sound_exits[COMMANDS[verb]], done.output
    told = [line for line in done.stderr.splitlines() if says in line]
    assert len(told) == 1, done.stderr
    assert "records.jsonl" in told[0]
    assert "line 2" in told[0]
    left = {row["estimator"] for row in Store(tmp_path / "one")}
    assert left >= {"a", "b", "c"}
    if verb == "merge":
        assert {row["estimator"] for row in Store(tmp_path / "merged")} == {"a", "b", "c"}
    if verb == "report":
        assert ">odd<" not in (tmp_path / "page/index.html").read_text()


@pytest.mark.parametrize("kind", ODD)
def test_verify_names_an_odd_record_alone(tmp_path, kind):
    odd, says = ODD[kind]
    done = command("store verify {0}", fill(tmp_path, odd))
    assert done.exit_code == 3
    (told,) = [line for line in done.stdout.splitlines() if "line 2: " in line]
    assert says in told
    assert "3 records of 3 cells" in done.stdout
    assert "1 thing is wrong" in done.stdout


def test_all_of_them_at_once_leave_the_rest(tmp_path):
    fill(tmp_path, *(odd for odd, _ in ODD.values()))
    assert set(reports.load(tmp_path)["estimator"]) == {"a", "b", "c"}


def test_records_from_before_the_word_refused_still_load(tmp_path):
    old = {**refused("toy", "c"), "status": "n/a", "schema": 1}
    (tmp_path / "records.jsonl").write_text(json.dumps(old) + "\n")
    (row,) = Store(tmp_path)
    assert row["status"] == "refused"
    assert reports.load(tmp_path)["status"].tolist() == ["refused"]


def measured(folder, name, shift):
    """A record with blocks that make its numbers."""
    draws = np.random.default_rng([7, shift]).normal(shift, 1.0, (64, 32, 3))
    mean = draws.mean(1)
    blocks = {
        "count": np.full(64, 32),
        "mean": mean,
        "m2": np.square(draws - mean[:, None]).sum((1, 2)),
    }
    flat = draws.reshape(-1, 3)
    without = [
        np.delete(draws, block, 0).reshape(-1, 3).var(0, ddof=1).sum() for block in range(64)
    ]
    row = record("toy", name, variance=float(flat.var(0, ddof=1).sum()), replicates=len(flat))
    row |= {"variance_jackknife": without}
    row = {k: v for k, v in row.items() if k != "schema"}
    store = Store(folder)
    row["per_block"] = store.beside(row, blocks, "blocks")
    store.append(row)
    return row


def swapped(store, first, second):
    a, b = (store / row["per_block"] for row in (first, second))
    a_bytes = a.read_bytes()
    a.write_bytes(b.read_bytes())
    b.write_bytes(a_bytes)


def cut(store, first, second):
    path = store / first["per_block"]
    path.write_bytes(path.read_bytes()[:-100])


def gone(store, first, second):
    (store / first["per_block"]).unlink()


def of_another_cell(store, first, second):
    Store(store).append(first | {"per_block": second["per_block"]})


def swapped_without_checksums(store, first, second):
    """As in stores from before 0.2, whose files are named by the cell alone."""
    names = {}
    for row in (first, second):
        names[row["estimator"]] = f"blocks/{row['estimator'] * 20}.npz"
        shutil.move(store / row["per_block"], store / names[row["estimator"]])
    Store(store).append(first | {"per_block": names["b"]})
    Store(store).append(second | {"per_block": names["a"]})


DAMAGE = {
    swapped: "its checksum does not match",
    cut: "its checksum does not match",
    gone: "There is no file blocks/",
    of_another_cell: "is of another cell",
    swapped_without_checksums: "not those of the record",
}


@pytest.mark.parametrize("damage", DAMAGE, ids=lambda damage: damage.__name__)
def test_arrays_that_are_not_a_records_own_are_found_and_named(tmp_path, damage):
    rows = [measured(tmp_path / "one", name, shift) for name, shift in (("a", 1), ("b", 2))]
    shutil.copytree(tmp_path / "one", tmp_path / "other")
    assert command("store verify {0}", tmp_path / "one").exit_code == 0
    damage(tmp_path / "one", *rows)
    done = command("store verify {0}", tmp_path / "one")
    assert done.exit_code == 3
    assert DAMAGE[damage] in done.stdout
    words = "regress {0} {1} --to {2}/verdict"
    sound = command(words, tmp_path / "other", tmp_path / "other", tmp_path)
    assert "warning" not in sound.stderr
    done = command(words, tmp_path / "one", tmp_path / "other", tmp_path)
    assert done.exit_code == 0
    assert DAMAGE[damage] in done.stderr
    assert "toy · a · K=1" in done.stderr


def test_another_measurement_of_a_cell_leaves_the_arrays_of_the_first(tmp_path):
    store = Store(tmp_path)
    rows = [record("toy", "a", variance=v) for v in (1.0, 2.0)]
    names = [store.beside(row, {"mean": [row["variance"]]}) for row in rows]
    assert [store.arrays(name)["mean"].tolist() for name in names] == [[1.0], [2.0]]
