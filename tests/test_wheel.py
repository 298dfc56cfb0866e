"""The wheel carries everything: built, unpacked elsewhere, used from an empty directory."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
USE = """
import sys, benchmarks, estimators, reports, gradmeter
homes = {module.__file__ for module in (benchmarks, estimators, reports, gradmeter)}
assert all(home.startswith(sys.argv[1]) for home in homes), homes
sys.argv = ["gradmeter", *sys.argv[2:]]
gradmeter.main()
"""


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    pip = [sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, "wheel", "--no-deps", "--wheel-dir", folder, ROOT], check=True)
    (wheel,) = folder.glob("*.whl")
    subprocess.run([*pip, "install", "--no-deps", "--target", folder / "site", wheel], check=True)
    return folder / "site"


def test_commands_in_an_empty_directory(unpacked, tmp_path):
    for command in (
        ["list", "problems"],
        ["run", "-p", "vae-digits", "-e", "pathwise", "-K", "1", "-R", "200"],
        ["report"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", USE, str(unpacked), *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(unpacked)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr


def test_types_travel(unpacked):
    assert (unpacked / "estimators" / "py.typed").exists()


def test_loops_in_c_travel(unpacked):
    here, there = (folder / "benchmarks/c_loops" for folder in (ROOT, unpacked))
    names = {path.name for path in here.glob("*.[ch]")}
    assert {"sums.c", "sums_of.h"} <= names <= {path.name for path in there.glob("*.[ch]")}
