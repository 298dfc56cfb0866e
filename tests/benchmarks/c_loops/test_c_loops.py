"""Loops are compiled once, kept, and done without where they cannot be."""

import ctypes
import os
import stat
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks import c_loops

if not c_loops.available():
    pytest.skip("there is no C compiler", allow_module_level=True)
REAL = c_loops.compiler()[0]


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """An empty cache, and the function that looks into it, which has no library yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return c_loops._library.__wrapped__


@pytest.fixture
def compilers(tmp_path, monkeypatch):
    """Write a compiler of this name, a shell script, and have CC name it."""

    def write(script, name="cc"):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        monkeypatch.setenv("CC", str(path))
        return path

    return write


def kept(tmp_path):
    return sorted((tmp_path / "cache").rglob("*"))


def test_what_is_compiled_is_kept_for_later_processes(fresh, tmp_path, compilers):
    count = tmp_path / "count"
    compilers(f'echo . >> {count}; exec {REAL} "$@"')
    assert isinstance(fresh(), ctypes.CDLL)
    assert isinstance(fresh(), ctypes.CDLL)
    assert count.read_text() == ".\n"
    folder, library = kept(tmp_path)
    assert library.suffix == ".so"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_another_compiler_or_processor_has_its_own(fresh, tmp_path, compilers, monkeypatch):
    fresh()
    compilers(f'exec {REAL} "$@"')
    fresh()
    monkeypatch.setattr(c_loops, "_processor", lambda: ["flags: of another"])
    fresh()
    assert len(kept(tmp_path)) == 1 + 3


def test_without_a_compiler_there_are_none(fresh, monkeypatch):
    monkeypatch.setenv("CC", "no-such-compiler")
    assert c_loops.compiler() is None
    assert fresh() is None
    monkeypatch.setenv("CC", f"{REAL} 'an open quotation")
    assert c_loops.compiler() is None
    monkeypatch.delenv("CC")
    monkeypatch.setenv("PATH", "")
    assert fresh() is None


def test_options_may_stand_in_cc(monkeypatch):
    monkeypatch.setenv("CC", f"{REAL} -DA='b c'")
    assert c_loops.compiler() == [REAL, "-DA=b c"]


@pytest.mark.parametrize(
    "script", ["exit 1", "exit 0", 'while [ "$1" != -o ]; do shift; done; echo text > "$2"']
)
def test_a_compiler_that_makes_nothing_is_done_without(fresh, tmp_path, compilers, script):
    compilers(script)
    assert fresh() is None
    assert [path for path in kept(tmp_path) if path.is_file()] == []


def test_a_compiler_that_does_not_know_native_is_asked_without(fresh, compilers):
    compilers(f'case "$*" in *native*) exit 1;; esac; exec {REAL} "$@"')
    assert isinstance(fresh(), ctypes.CDLL)


def test_a_compiler_that_hangs_is_not_waited_for(fresh, compilers, monkeypatch):
    monkeypatch.setattr(c_loops, "PATIENCE", 0.2)
    compilers("exec sleep 60")
    assert fresh() is None


@pytest.mark.parametrize("size", [0, 100, 8192, 40_000])
def test_a_torn_library_is_made_again(fresh, tmp_path, size):
    assert fresh()
    library = kept(tmp_path)[-1]
    whole = library.read_bytes()
    library.unlink()
    library.write_bytes(whole[:size])  # what would end the process that loads it
    assert fresh()
    assert kept(tmp_path)[-1].read_bytes() == whole


def test_a_library_without_the_loops_is_none(fresh, tmp_path, compilers):
    (tmp_path / "other.c").write_text("int other;")
    compilers(f'while [ "$1" != -o ]; do shift; done; {REAL} -shared -o $2 {tmp_path}/other.c')
    assert fresh() is None


@pytest.mark.parametrize("more", ["-ffast-math", "-fvisibility=hidden", "-O0"])
def test_options_in_cc_do_not_change_what_loops_find(fresh, monkeypatch, more):
    monkeypatch.setenv("CC", f"{REAL} {more}")
    monkeypatch.setattr(c_loops, "_library", fresh)
    square = torch.tensor([1.0, torch.nan, torch.inf, 0.0, 1e-310], dtype=torch.float64)
    found = torch.empty(4, dtype=torch.float64)
    c_loops.loop("health")(5, square, torch.zeros_like(square), found)
    assert found.tolist() == [2, 1, 0, 0]
    assert float(square[-1:] * 1.0) > 0


def test_where_nothing_can_be_kept_the_process_has_its_own(fresh, tmp_path, monkeypatch):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert isinstance(fresh(), ctypes.CDLL)
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("nobody")))
    assert isinstance(fresh(), ctypes.CDLL)


def test_several_may_compile_at_the_same_time(fresh, tmp_path):
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: fresh(), range(4)))
    assert all(found)
    assert len([path for path in kept(tmp_path) if path.is_file()]) == 1


def test_arguments_are_addresses_and_whole_numbers():
    square, along, found = (
        np.array([1.0, 0.0, 4.0]),
        torch.ones(3).double(),
        torch.empty(4).double(),
    )
    c_loops.loop("health")(np.int64(3), square, along, found)
    assert found.tolist() == [0, 1, 0, 1.5]
    with pytest.raises(TypeError, match="float"):
        c_loops.loop("health")(3.0, square, along, found)
    with pytest.raises(TypeError, match=r"one piece on the CPU, not .* on meta"):
        c_loops.loop("health")(3, square, along.to("meta"), found)
    with pytest.raises(TypeError, match=r"one piece on the CPU, not \(2,\) strides"):
        c_loops.loop("health")(2, square, torch.ones(4, dtype=torch.float64)[::2], found)
    with pytest.raises(TypeError, match="arrays in one piece"):
        c_loops.loop("health")(1, square[::2], along, found)


def test_a_measurement_without_a_compiler_is_the_same(tmp_path):
    code = (
        "from benchmarks import c_loops, measure, problems;"
        "found = measure(problems.load('gamma-quadratic'), 'implicit', 2, 2000, timed=False);"
        "print(c_loops.available(), repr(found.variance), found.bias_verdict)"
    )

    def said(**more):
        done = subprocess.run(
            [sys.executable, "-c", code], env=os.environ | more, capture_output=True, text=True
        )
        assert not done.stderr
        return done.stdout.split()

    with_loops, without = said(), said(CC="no-such-compiler")
    assert [with_loops[0], without[0]] == ["True", "False"]
    assert float(with_loops[1]) == pytest.approx(float(without[1]), rel=1e-12)
    assert with_loops[2] == without[2]
