"""Damage to stores, with dice, and every command that reads one; says what it found.

`python store_faults.py FOLDER SEED ODD ARRAYS` prints one JSON object: ODD records of each kind for
every command, and so many damaged ARRAYS.
"""

import io
import json
import random
import shutil
import sys
from pathlib import Path

import numpy as np
from click.testing import CliRunner
from planted_records import record, refused

from benchmarks.store import record_lines
from benchmarks.store.schema import BESIDE, COLUMNS, COUNTS, FLAGS, LISTS, NUMBERS, WORDS
from benchmarks.store.store import Store
from gradmeter import main

AMOUNTS = ("variance", "gradient_norm", "seconds", "evaluations")
KINDS = {  # a record's field and value; what is said of it
    "unknown status": lambda d: ({"status": d.choice(["great", "OK", "failed"])}, "its status is"),
    "odd date": lambda d: (
        {"context": {"time": d.choice(["0001-01-01", "9999-12-31T23:59:59-14:00", "now", ""])}},
        "when no run was",
    ),
    "text for a number": lambda d: ({_of(d, NUMBERS): "large"}, "is text, not a number"),
    "text for a count": lambda d: ({_of(d, COUNTS): "4"}, "is text, not a whole number"),
    "a list for text": lambda d: ({"reason": [1]}, "reason is a list, not text"),
    "long name": lambda d: ({_of(d, {"problem", "estimator"}): "x" * d.randint(1001, 10**5)},
                            "is longer than 1000 characters"),
    "less than nothing": lambda d: ({d.choice(AMOUNTS): -d.random()}, "less than 0"),
    "unknown word": lambda d: ({_of(d, set(WORDS) - {"status"}): "@someone"}, "'@someone', not"),
    "no configuration": lambda d: ({"config": d.choice(["][", "3", '"a"'])}, "config is not"),
    "odd context": lambda d: ({"context": d.choice([[1], "x", 3])}, "not an object"),
    "way out": lambda d: ({_of(d, {*BESIDE}): d.choice(["/etc/passwd", "a/../b"])},
                          "leads out of the store"),
    "text for a flag": lambda d: ({_of(d, FLAGS): "no"}, "is text, not true or false"),
    "many entries": lambda d: ({_of(d, LISTS): [0.5] * 5_000}, "longer than 1000 entries"),
    "damaged line": None,
}  # fmt: skip
COMMANDS = {  # reading a store at {0}, beside a sound one at {1}
    "verify": "store verify {0}",
    "report": "report {0} --to {2}/page",
    "history": "history {0}",
    "regress, base": "regress {0} {1} --to {2}/verdict.md",
    "regress, head": "regress {1} {0} --to {2}/verdict.md",
    "merge": "store merge {0} {1} --to {2}/merged",
    "export": "store export {0} --to {2}/table.csv",
    "prune": "store prune {0}",
    "run --resume": "run -p normal-linear -e pathwise -K 1 -R 100 --no-timing --resume --out {0}",
}


def _of(dice, names):
    """One of the names that stand in a record itself, and not in its context."""
    return dice.choice(sorted(set(names) & set(COLUMNS)))


def sound_rows(seed=0):
    rows = [record("toy", "a"), record("toy", "b", variance=4.0), refused("toy", "c")]
    return [{k: v for k, v in row.items() if k != "schema"} | {"seed": seed} for row in rows]


def odd_line(kind, dice):
    """A line that is no record, and what is said of it."""
    if KINDS[kind] is not None:
        values, says = KINDS[kind](dice)
        return record_lines.encode(record("toy", "odd") | values), says
    line = bytearray(record_lines.encode(record("toy", "odd")))
    at = dice.randrange(len(line) - 20)
    if dice.random() < 0.5:
        return bytes(line[: at + 1]) + b"\n", "it is not whole JSON"
    line[at] ^= 1 << dice.randrange(7)
    return bytes(line), ""


def command(words, *places):
    return CliRunner().invoke(main, [word.format(*places) for word in words.split()])


def _crashed(done):
    failed = done.exception is not None and not isinstance(done.exception, SystemExit)
    return failed or "Traceback" in done.output


def one_odd(here, kind, verb, dice, expected):
    """Sentences about what is wrong after one command on a store with one odd record."""
    store, other = Store(here / "one"), Store(here / "other")
    for made in (store, other):
        for row in sound_rows():
            made.append(row)
    line, says = odd_line(kind, dice)
    lines = store.path.read_bytes().splitlines(keepends=True)
    at = dice.randint(0, len(lines))
    lines[at:at] = [line]
    store.path.write_bytes(b"".join(lines))
    done = command(COMMANDS[verb], here / "one", here / "other", here)
    name = f"{kind}, {verb}"
    if "Traceback" in done.output or (
        done.exception and not isinstance(done.exception, SystemExit)
    ):
        yield f"crashed: {name}: {done.output} {done.exception!r}"
    if done.exit_code != (3 if verb == "verify" else expected[verb]):
        yield f"status {done.exit_code}: {name}: {done.output}"
    told = [line for line in done.output.splitlines() if f"line {at + 1}" in line]
    if len(told) != 1 or says not in told[0]:
        yield f"unexplained: {name}: {done.output}"
    left = {row["estimator"] for row in Store(here / "one")}
    if not left >= {"a", "b", "c"}:
        yield f"lost: {name}: {left}"
    if verb == "merge" and len(list(Store(here / "merged"))) != 3:
        yield f"changed: {name}"


def odd(folder, seed, rounds):
    """Every kind under every command, so many times."""
    dice, faults, wrong = random.Random(seed), 0, []
    expected = {}
    for verb, words in COMMANDS.items():
        here = folder / f"sound-{verb}"
        for side in ("one", "other"):
            for row in sound_rows():
                Store(here / side).append(row)
        expected[verb] = command(words, here / "one", here / "other", here).exit_code
    for _ in range(rounds):
        for kind in KINDS:
            for verb in COMMANDS:
                here = folder / str(faults)
                wrong += one_odd(here, kind, verb, dice, expected)
                shutil.rmtree(here)
                faults += 1
    return faults, wrong


def measured(store, name, seed):
    """A record with blocks that make its numbers, appended."""
    draws = np.random.default_rng(seed).normal(1.0, 1.0, (32, 16, 3))
    mean = draws.mean(1)
    m2 = np.square(draws - mean[:, None]).sum((1, 2))
    without = [np.delete(draws, b, 0).reshape(-1, 3).var(0, ddof=1).sum() for b in range(32)]
    whole = float(draws.reshape(-1, 3).var(0, ddof=1).sum())
    row = record("toy", name, variance=whole, replicates=512, bias2=0.0, mse=None)
    row = {k: v for k, v in row.items() if k != "schema"} | {"variance_jackknife": without}
    row |= {"work_variance": None, "seconds": None, "gradients_per_second": None}
    row |= {"variance_low": whole * 0.9, "variance_high": whole * 1.1}
    row["per_block"] = store.beside(
        row, {"count": np.full(32, 16), "mean": mean, "m2": m2}, "blocks"
    )
    store.append(row)
    return row


DAMAGES = ["swapped", "cut", "longer", "a byte", "gone", "a folder", "a link", "of another cell",
           "changed and summed", "objects", "other shapes"]  # fmt: skip


def damage(store, rows, dice):
    """Damage the arrays of the first row in some way; what it was."""
    path, second = (store.path.parent / row["per_block"] for row in rows)
    whole = path.read_bytes()
    arrays = dict(np.load(io.BytesIO(whole)))
    kind = dice.choice(DAMAGES)
    if kind == "swapped":
        path.write_bytes(second.read_bytes()), second.write_bytes(whole)
    elif kind == "cut":
        path.write_bytes(whole[: dice.randrange(len(whole))])
    elif kind == "longer":
        path.write_bytes(whole + b"\0" * dice.randint(1, 99))
    elif kind == "a byte":
        at = dice.randrange(len(whole))
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1 :])
    elif kind in ("gone", "a folder", "a link"):
        path.unlink()
        if kind == "a folder":
            path.mkdir()
        elif kind == "a link":
            path.symlink_to("/etc/passwd")
    elif kind == "of another cell":
        store.append(rows[0] | {"per_block": rows[1]["per_block"]})
    else:  # whoever writes the sum can write it for other arrays
        if kind == "changed and summed":
            name = dice.choice(sorted(arrays))
            arrays[name] = arrays[name] * dice.choice([1.001, 1.5, 0.0])  # × −1 has its variance
        elif kind == "objects":
            arrays["mean"] = np.array([{"a": 1}], dtype=object)
        else:
            arrays["mean"] = arrays["mean"][: dice.randrange(32)]
        store.append(rows[0] | {"per_block": store.beside(rows[0], arrays, "blocks")})
    return kind


def arrays(folder, seed, rounds):
    """Damaged arrays, each looked at by `verify`, `regress`, `merge` and `report`."""
    dice, faults, wrong, kinds = random.Random(seed), 0, [], {}
    for number in range(rounds):
        here = folder / f"arrays-{number}"
        store = Store(here / "one")
        rows = [measured(store, name, (seed, number, n)) for n, name in enumerate("ab")]
        shutil.copytree(here / "one", here / "other")
        kind = damage(store, rows, dice)
        faults += 1
        kinds[kind] = kinds.get(kind, 0) + 1
        for verb in ("verify", dice.choice(["regress, base", "regress, head"]),
                     dice.choice(["merge", "history", "export"])):  # fmt: skip
            done = command(COMMANDS[verb], here / "one", here / "other", here)
            if _crashed(done):
                wrong.append(f"crashed: {kind}, {verb}: {done.exception!r}")
            if verb == "verify" and (done.exit_code, "line" in done.output) != (3, True):
                wrong.append(f"not found: {kind}: {done.output}")
            if verb.startswith("regress") and "toy · a · K=" not in done.output:
                wrong.append(f"not named: {kind}, {verb}: {done.output}")
        if len(list(Store(here / "one"))) < 2:
            wrong.append(f"lost: {kind}")
        shutil.rmtree(here)
    return faults, wrong, kinds


if __name__ == "__main__":
    place, seed, odd_rounds, array_rounds = Path(sys.argv[1]), *map(int, sys.argv[2:])
    first, second = odd(place, seed, odd_rounds), arrays(place, seed, array_rounds)
    found = {"odd": first[0], "arrays": second[0], "kinds": second[2]}
    print(json.dumps(found | {"wrong": [*first[1], *second[1]]}))
