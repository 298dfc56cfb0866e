"""docs/house.md has every room, and rooms import only what stands below them in its tables."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
HOUSE = (ROOT / "docs" / "house.md").read_text()
PACKAGES = ("gradmeter", "reports", "benchmarks", "estimators")
DATA = {"__pycache__", "data", "references"}


def rooms(package):
    """The rooms of a package in the order of its table."""
    table = HOUSE.partition(f"## {package}/")[2].partition("\n## ")[0]
    return re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)


def folders(package):
    found = (path.name for path in (ROOT / package).iterdir() if path.is_dir())
    return {name for name in found if name not in DATA}


def imported_rooms(package, room):
    """The other rooms of its package that the files of a room import."""
    for path in (ROOT / package / room).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            else:
                continue
            for parts in (name.split(".") for name in names):
                if parts[0] == package and set(parts[1:2]) & (folders(package) - {room}):
                    yield path, parts[1]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_is_listed_once(package):
    listed = rooms(package)
    assert sorted(listed) == sorted(folders(package))


@pytest.mark.parametrize("package", PACKAGES)
def test_a_room_imports_only_what_stands_below_it(package):
    listed = rooms(package)
    for place, room in enumerate(listed):
        for path, other in imported_rooms(package, room):
            assert other in listed[place:], f"{path} imports {other}, which stands above {room}"


def test_the_glossary_has_each_word_once():
    words = re.findall(r"^\| ([^|]+) \|", (ROOT / "docs" / "glossary.md").read_text(), re.MULTILINE)
    assert len(words) == len(set(words)) >= 30
    for word in ("cell", "block", "replicate", "budget", "interim look", "checkpoint", "effect"):
        assert word in words


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_both_are_linked(page):
    text = (ROOT / page).read_text()
    assert "docs/glossary.md" in text
    assert "docs/house.md" in text
