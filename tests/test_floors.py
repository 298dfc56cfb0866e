"""Imports only point down: reports → (the result schema), benchmarks → estimators → torch."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ABOVE = {
    "estimators": {"benchmarks", "reports", "gradmeter", "pandas", "scipy", "matplotlib"},
    "benchmarks": {"reports", "gradmeter", "matplotlib"},
    "reports": {"gradmeter", "estimators", "torch"},
}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


@pytest.mark.parametrize("floor", ABOVE)
def test_no_import_points_up(floor):
    for path in (ROOT / floor).rglob("*.py"):
        found = {name.split(".")[0] for name in imported(path)}
        assert not found & ABOVE[floor], path


@pytest.mark.parametrize(
    ("statement", "absent"),
    [
        ("import reports", {"torch", "estimators"}),
        ("import benchmarks.store.store", {"torch", "numpy", "pandas"}),
        ("import gradmeter", {"torch", "numpy", "pandas", "matplotlib", "rich"}),
        ("import estimators", {"pandas", "scipy", "matplotlib", "benchmarks"}),
    ],
)
def test_nothing_heavy_comes_along(statement, absent):
    shown = f"{statement}; import sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", shown], capture_output=True, text=True, check=True)
    assert not absent & set(done.stdout.split())
