"""No test ends before its assertions: a cell that a test has nothing to say of is no test of it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FILES = sorted(Path(__file__).parent.rglob("test_*.py"))


def own(node: ast.AST) -> Iterator[ast.AST]:
    """What stands under a node, but for the functions inside it."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.Lambda | ast.ClassDef):
            yield child
            yield from own(child)


def early(source: str) -> list[str]:
    """The tests that return somewhere in their middle."""
    tests = [f for f in ast.parse(source).body if getattr(f, "name", "").startswith("test_")]
    return [f.name for f in tests if any(isinstance(node, ast.Return) for node in own(f))]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_test_returns(path):
    assert early(path.read_text()) == []


def test_one_that_returns_is_found():
    source = "def test_a():\n    if refused:\n        return\n    assert True\n"
    assert early(source) == ["test_a"]
    assert early("def test_b():\n    def f():\n        return 1\n    assert f()\n") == []
