"""Where a C compiler works there are loops: tests that need them are not left out in silence."""

import subprocess

import pytest

from benchmarks import c_loops


def test_loops_compile_where_a_compiler_works(tmp_path):
    command, source = c_loops.compiler(), tmp_path / "one.c"
    source.write_text("#include <math.h>\ndouble one(double x) { return sqrt(x); }\n")
    shared = ["-shared", "-fPIC", "-o", str(tmp_path / "one.so"), str(source), "-lm"]
    if not command or subprocess.run([*command, *shared]).returncode:
        pytest.skip("no C compiler works here")
    assert c_loops.available()
