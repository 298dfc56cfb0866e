"""A few classes of packages that need not be installed, and the page that is made of them."""

import re
from pathlib import Path

import pytest
import torch

from benchmarks.peers import wild
from benchmarks.peers.wild_rows import quadratic_of, row

DOCUMENT = Path(__file__).parents[3] / "docs" / "wild.md"
IMPORTS = {"pyro-ppl": "pyro", "zuko": "zuko", "torchrl": "torchrl", "gpytorch": "gpytorch"}
MEASURED = [
    ("zuko", "BoxUniform", "refused"),  # the support moves: no score
    ("pyro-ppl", "SoftLaplace", "undetermined"),
    ("gpytorch", "UniformPrior", "refused"),
]


@pytest.mark.parametrize(("library", "name", "score"), MEASURED)
@pytest.mark.filterwarnings("ignore")  # of the packages
def test_a_class_is_measured_beside_its_exact_gradient(library, name, score, monkeypatch):
    pytest.importorskip(IMPORTS[library])
    monkeypatch.setattr(wild, "REPLICATES", 1000)
    (chosen,) = [row for row in wild.LIBRARIES[library]() if row.name == name]
    found = wild.outcome(library, chosen)
    assert not found.refusal
    assert found.method == "closed form"
    assert not found.wrong
    assert found.verdicts[wild.ESTIMATORS.index("reinforce-loo")] == score


def normal(loc):
    return torch.distributions.Normal(loc, 1.0)


def test_a_closed_form_that_is_wrong_is_called_so(monkeypatch):
    """The same class with an expectation 10 % off."""
    monkeypatch.setattr(wild, "ESTIMATORS", ("pathwise",))
    right = row("right", normal, expected=lambda loc: quadratic_of(loc, 1.0), loc=2.0)
    off = row("off", normal, expected=lambda loc: 1.1 * quadratic_of(loc, 1.0), loc=2.0)
    assert wild.outcome("mine", right).wrong == ()
    assert wild.outcome("mine", off).wrong == ("pathwise",)


def test_a_class_that_cannot_be_measured_is_a_sentence_in_its_row():
    broken = row("broken", lambda loc: loc.no_such_thing, loc=0.0)
    found = wild.outcome("mine", broken)
    assert "raises AttributeError" in found.refusal
    assert found.line.startswith("| broken | refused: ")


def test_the_document_has_at_least_sixty_classes_and_no_verdict_against_a_truth():
    text = DOCUMENT.read_text()
    rows = [line for line in text.splitlines() if re.match(r"\| (?!class)[\w, ]+ \|", line)]
    assert len(rows) >= 60
    biased = [line for line in rows if "| biased |" in line]
    # straight-through is biased by design, a difference by its step where there is no noise
    assert all("StraightThrough" in line or "TanhDelta" in line for line in biased)
    assert "Traceback" not in text
    assert {line.removeprefix("## ") for line in text.splitlines() if line.startswith("## ")} == {
        *wild.LIBRARIES
    }
