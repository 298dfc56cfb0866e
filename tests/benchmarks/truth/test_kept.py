"""Truths kept beside a store: found once, read again, and found anew for whatever differs."""

from dataclasses import replace

import pytest
import torch

from benchmarks import Problem, Truth
from benchmarks.measuring import prepare as door
from benchmarks.truth.kept import fingerprint, keep, kept_truth

TRUTH = Truth(torch.tensor([1.0, 2.0]).double(), torch.full((2,), 0.1).double(), "reference", "{}")


def cost(x):
    return x.square().sum(-1)


def normal(loc=0.0):
    parameters = {"loc": torch.tensor([loc, 1.0])}
    return Problem(
        "normal", parameters,
        lambda loc: torch.distributions.Independent(torch.distributions.Normal(loc, 1.0), 1), cost,
    )  # fmt: skip


def test_what_was_kept_comes_back(tmp_path):
    keep(normal(), TRUTH, tmp_path)
    found = kept_truth(normal(), tmp_path)
    assert torch.equal(found.gradient, TRUTH.gradient)
    assert torch.equal(found.error, TRUTH.error)
    assert (found.method, found.note) == (TRUTH.method, TRUTH.note)


@pytest.mark.parametrize(
    "changed",
    [
        normal(0.5),
        replace(normal(), name="other"),
        replace(normal(), version=2),
        replace(normal(), cost=lambda x: cost(x) + 1),
        replace(normal(), truth=None),
    ],
    ids=["parameters", "name", "version", "cost", "not wanted"],
)
def test_of_another_problem_nothing_is_taken(tmp_path, changed):
    keep(normal(), TRUTH, tmp_path)
    assert kept_truth(changed, tmp_path) is None


def test_a_damaged_file_is_found_again(tmp_path):
    keep(normal(), TRUTH, tmp_path)
    (tmp_path / f"{fingerprint(normal())}.npz").write_bytes(b"PK damaged")
    assert kept_truth(normal(), tmp_path) is None


def test_prepare_finds_it_once(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(door, "agreed_truth", lambda problem: asked.append(problem.name) or TRUTH)
    first, second = (door.prepare(normal(), tmp_path).truth for _ in range(2))
    assert asked == ["normal"]
    assert torch.equal(first.gradient, second.gradient)
    door.prepare(normal(), None)
    assert asked == ["normal", "normal"]


def test_a_problem_written_into_is_prepared_again(monkeypatch):
    problem = Problem("moving", {"logits": torch.tensor(0.3).double()},
                      lambda logits: torch.distributions.Bernoulli(logits=logits),
                      lambda x: (x - 0.45).square())  # fmt: skip
    before = door.prepare(problem).truth.gradient.item()
    assert door.prepare(problem) is door.prepare(problem)
    problem.parameters["logits"].fill_(-2.0)
    assert door.prepare(problem).truth.gradient.item() == pytest.approx(0.010499359)
    assert before != pytest.approx(0.010499359)
