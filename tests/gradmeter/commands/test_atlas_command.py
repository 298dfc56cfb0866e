"""A small atlas: the command measures, writes its data and its maps, and resumes."""

import pandas
import pytest
from click.testing import CliRunner

from gradmeter.command import main


def atlas(*arguments):
    return CliRunner().invoke(main, ["atlas", *map(str, arguments)])


def test_a_small_atlas_from_the_command(tmp_path):
    pytest.importorskip("pyarrow")
    small = ["--part", "maps", "-p", "atlas-bits[d=1,*", "-p", "atlas-bits[d=2,*", "-R", 100]
    places = ["--store", tmp_path / "store", "--to", tmp_path / "to"]
    done = atlas(*small, *places)
    assert done.exit_code == 0, done.output
    won = pandas.read_csv(tmp_path / "to" / "bits.csv")
    assert len(won) == 8
    assert set(won["d"]) == {1, 2}
    assert "## d independent bits" in (tmp_path / "to" / "index.md").read_text()
    lines = (tmp_path / "store" / "records.jsonl").read_text().count("\n")
    assert lines == 64
    assert atlas(*small, *places).exit_code == 0
    assert (tmp_path / "store" / "records.jsonl").read_text().count("\n") == lines


def test_a_pattern_that_means_nothing_is_named(tmp_path):
    done = atlas("-p", "atlas-bit[*", "--store", tmp_path / "store", "--to", tmp_path)
    assert done.exit_code == 2
    assert "The atlas has no problem 'atlas-bit[*'" in done.output
    assert not (tmp_path / "store").exists()
