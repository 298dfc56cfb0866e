"""The page on installing and the files of a release agree with pyproject.toml."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PAGE = (ROOT / "docs" / "installing.md").read_text()


def test_every_extra_has_a_row():
    rows = dict(re.findall(r"^\| `?\(?(\w+)\)?`? \|.*\| (.*) \|$", PAGE, re.MULTILINE))
    assert set(PROJECT["optional-dependencies"]) <= set(rows)
    for extra in ("parquet", "distributed", "asv", "jax", "wild"):
        first = PROJECT["optional-dependencies"][extra][0]
        assert re.split(r"[><=]", first)[0] in rows[extra]


def test_the_version_is_the_same_everywhere():
    version = PROJECT["version"]
    assert f"\nversion: {version}\n" in (ROOT / "CITATION.cff").read_text()
    (newest, *_) = re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest == version


def test_the_first_line_that_is_shown_is_the_one_for_a_cpu():
    line = "pip install torch --index-url https://download.pytorch.org/whl/cpu"
    for text in (PAGE, (ROOT / "README.md").read_text(), (ROOT / "docs" / "index.md").read_text()):
        (first, *_) = re.findall(r"^pip install .*", text, re.MULTILINE)
        assert first.startswith(line)
