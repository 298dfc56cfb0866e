"""BibTeX says what the registry's sources say, and nothing else."""

import re
import tomllib
from pathlib import Path

import pytest

import estimators
from benchmarks.citation import RELEASED, bibliography, entries, software

ROOT = Path(__file__).parents[2]


def fields(source):
    return [entry.fields for entry in entries(source)]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Yin & Zhou 2019, arXiv:1807.11143.",
         [{"author": "Yin and Zhou", "year": "2019", "eprint": "1807.11143",
           "archiveprefix": "arXiv"}]),
        ('Williams 1992, Machine Learning 8; baseline: Kool, van Hoof & Welling 2019, "Buy 4".',
         [{"author": "Williams", "year": "1992", "note": "Machine Learning 8"},
          {"author": "Kool and van Hoof and Welling", "year": "2019", "title": "Buy 4"}]),
        ("Owen 1995, and L'Ecuyer & Lemieux 2002, for the digital shift",
         [{"author": "Owen", "year": "1995"},
          {"author": "L'Ecuyer and Lemieux", "year": "2002", "annote": "for the digital shift"}]),
        ("van den Oord et al. 2017, arXiv:1711.00937, section 3.",
         [{"author": "van den Oord and others", "year": "2017", "eprint": "1711.00937",
           "archiveprefix": "arXiv", "annote": "section 3"}]),
        ("the definition of an expectation.", []),
    ],
)  # fmt: skip
def test_fields_of_a_source(source, expected):
    assert fields(source) == expected


@pytest.mark.parametrize("name", estimators.names())
def test_nothing_is_invented(name):
    """Every word of an entry stands in the source; every number of arXiv there is in an entry."""
    source = estimators.about(name)["source"]
    found = fields(source)
    plain = re.sub(r"\W+", " ", source)
    for entry in found:
        words = {n: v for n, v in entry.items() if n not in ("archiveprefix", "annote", "note")}
        said = " ".join(words.values()).replace(" and ", " ").replace(" others", " ")
        for word in re.findall(r"\w+", said):
            assert word in plain, (name, word)
    numbers = re.findall(r"arXiv:(\d+\.\d+)", source)
    assert {entry.get("eprint") for entry in found} - {None} == set(numbers)


def test_a_paper_stands_once_under_its_fullest_authors():
    text = bibliography(["smoothed-perturbation", "stochastic-triples", "enumeration"])
    assert text.count("2210.08572") == 1
    assert "Arya and Schauer and Schäfer and Rackauckas" in text
    assert "% smoothed-perturbation, stochastic-triples" in text
    assert "% enumeration: the definition of an expectation." in text


def test_keys_are_distinct_and_braces_close():
    text = bibliography(estimators.names())
    keys = re.findall(r"^@\w+{([\w-]+),$", text, re.MULTILINE)
    assert len(keys) == len(set(keys)) > 60
    assert text.count("{") == text.count("}")


def test_the_software_is_that_of_the_repository():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    known = software().fields
    assert known["version"] == project["version"]
    assert known["license"] == project["license"]
    told = (ROOT / "CITATION.cff").read_text()
    assert f"version: {project['version']}\n" in told
    assert re.findall(r"^date-released: (\d+)", told, re.MULTILINE) in ([], [str(RELEASED)])


def test_an_unknown_name_is_named():
    with pytest.raises(ValueError, match=r"no estimator 'disarmed'\. Did you mean 'disarm'"):
        bibliography(["disarmed"])
