"""Whatever happens to a run, nothing finished is lost: faults at random, in forked processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "support" / "fault_injection.py"


def sweep(folder, faults, seed):
    command = [sys.executable, SCRIPT, folder, str(faults), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=3600)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def check(found, faults):
    assert found["wrong"] == []
    assert found["faults"] >= faults
    assert found["cells"] == 8
    assert {"0", "3", "130"} <= set(found["statuses"])
    assert {"-14", "-9"} & set(found["statuses"])


def test_random_faults_lose_nothing(tmp_path):
    check(sweep(tmp_path / "runs", 40, 1), 40)


@pytest.mark.study
@pytest.mark.parametrize("seed", [2, 3])
def test_many_random_faults_lose_nothing(tmp_path, seed):
    found = sweep(tmp_path / "runs", 250, seed)
    check(found, 250)
    assert len(found["kinds"]) == 11
