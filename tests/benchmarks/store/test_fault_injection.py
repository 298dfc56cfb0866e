"""Whatever happens to a run or a store, nothing finished is lost: faults at random.

Together the studies are more than 900: of runs 500, of what cells do 120 and 14 under
`--cell-timeout`, of odd records 252, of arrays 60.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import cell_faults
import pytest

from benchmarks.store.store import Store

SUPPORT = Path(__file__).parents[2] / "support"
OF_RUNS = 11  # kinds


def script(name, *arguments):
    """What a script of tests/support prints last."""
    command = [sys.executable, SUPPORT / name, *map(str, arguments)]
    alone = os.environ | {"OMP_NUM_THREADS": "1"}  # a fork of OpenMP's threads would wait forever
    done = subprocess.run(command, capture_output=True, text=True, timeout=7200, env=alone)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def sweep(folder, faults, seed, *kinds):
    return script("fault_injection.py", folder, faults, seed, *kinds)


def check(found, faults):
    assert found["wrong"] == []
    assert found["faults"] >= faults
    assert found["cells"] == 8


def test_random_faults_lose_nothing(tmp_path):
    check(sweep(tmp_path / "runs", 10, 1), 10)


@pytest.mark.study
@pytest.mark.parametrize("seed", [2, 3])
def test_many_random_faults_lose_nothing(tmp_path, seed):
    found = sweep(tmp_path / "runs", 250, seed)
    check(found, 250)
    assert {"0", "3", "130"} <= set(found["statuses"])
    assert {"-14", "-9"} & set(found["statuses"])
    assert len(found["kinds"]) == OF_RUNS + len(cell_faults.ACTS)


@pytest.mark.study
def test_what_cells_do_beside_their_work_changes_nothing_else(tmp_path):
    found = sweep(tmp_path / "runs", 120, 4, *cell_faults.ACTS)
    assert found["wrong"] == []
    assert found["faults"] >= 120
    assert set(found["kinds"]) == set(cell_faults.ACTS)


def test_functions_that_differ_tell_configurations_apart():
    told, wrong = cell_faults.identities(seed=5, rounds=5)
    assert wrong == []
    assert told == 100


@pytest.mark.study
def test_cells_that_hear_no_signal_end_as_records(tmp_path):
    """Under --cell-timeout; each is an error with a reason, and what comes after is measured."""
    (tmp_path / "deaf.py").write_text(cell_faults.DEAF)
    command = [sys.executable, "-m", "gradmeter", "--with", "deaf.py", "run", "-p", "normal-linear"]
    names = cell_faults.deaf_names()
    command += [word for name in [*names, "pathwise"] for word in ("-e", name)]
    command += ["-K", "1", "-R", "100", "--no-timing", "--cell-timeout", "15", "--out", "out"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=1800)
    assert done.returncode == 3, done.stderr
    found = {row["estimator"]: row for row in Store(tmp_path / "out")}
    assert found.pop("pathwise")["status"] == "ok"
    assert set(found) == set(names)
    assert {name for name, row in found.items() if row["status"] != "error"} == set()
    assert all(row["reason"].startswith(("The cell took", "The process")) for row in found.values())


@pytest.mark.study
def test_odd_records_and_damaged_arrays_cost_themselves_under_every_command(tmp_path):
    found = script("store_faults.py", tmp_path / "stores", 6, 2, 60)
    assert found["wrong"] == []
    assert found["odd"] >= 250
    assert found["arrays"] == 60
    assert len(found["kinds"]) >= 8
