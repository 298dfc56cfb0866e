"""A problem's version changes with what its file imports and loads, and with nothing else."""

import sys

import numpy as np
import pytest
import torch

from benchmarks import compare
from benchmarks.objective.content import edition
from benchmarks.objective.loading import problem_from

FILE = """
from functools import partial
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
from benchmarks import Problem
import helping_numbers

W = torch.load("w.pt")
names = ["a", "b"]

def weighted(x, by):
    return (x - by).square() * helping_numbers.factor(x)

def made(power):
    def cost(x):
        return weighted(x, W) * power
    return cost
"""
NORMAL = "lambda loc: torch.distributions.Normal(loc, 1.0)"
KINDS = {
    "listed": f"""
import json, os
here = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(here, "numbers.json")) as file:
    labels = json.load(file)
problem = Problem("p", {{"loc": torch.tensor(0.3)}}, {NORMAL}, lambda x: x * sum(labels))
""",
    "plain": f"""
problem = Problem("p", {{"loc": torch.tensor(0.3)}}, {NORMAL}, made(2.0))
""",
    "closure": f"""
held = partial(weighted, by=np.load("v.npy"))
problem = Problem("p", {{"loc": torch.tensor(0.3)}}, {NORMAL}, held)
""",
    "data": f"""
problem = Problem(
    "p", {{"loc": torch.tensor(0.3)}}, {NORMAL}, lambda x, batch: (x - batch[0].mean()) ** 2,
    minibatch=DataLoader(TensorDataset(torch.load("d.pt")), batch_size=2),
)
""",
    "attributes": f"""
import pandas

class Weighted(nn.Module):
    table = torch.load("w.pt")

    def __init__(self):
        super().__init__()
        self.by, self.prices = np.load("v.npy"), pandas.DataFrame(np.load("u.npy"))

    def forward(self, x):
        return x * float(self.by[0]) * self.table * float(self.prices.iloc[0, 0])

problem = Problem("p", {{"loc": torch.tensor(0.3)}}, {NORMAL}, Weighted())
""",
    "network": """
net = nn.Linear(1, 1)
net.load_state_dict(torch.load("n.pt"))
family = lambda net: torch.distributions.Normal(net(torch.ones(1))[..., 0], 1.0)
problem = Problem("p", {"net": net}, family, lambda x: x.square())
""",
}
CHANGES = {
    "plain": ["w.pt", "helping_numbers.py", "deeper_numbers.py"],
    "closure": ["v.npy"],
    "data": ["d.pt"],
    "attributes": ["w.pt", "v.npy", "u.npy"],
    "network": ["n.pt"],
}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    (tmp_path / "helping_numbers.py").write_text("from deeper_numbers import factor\n")
    (tmp_path / "deeper_numbers.py").write_text("def factor(x):\n    return 1.0\n")
    np.save(tmp_path / "v.npy", np.ones(1))
    np.save(tmp_path / "u.npy", np.ones((2, 1)))
    for name, value in (("w.pt", torch.tensor(1.0)), ("d.pt", torch.zeros(4, 1))):
        torch.save(value, tmp_path / name)
    torch.save({"weight": torch.ones(1, 1), "bias": torch.zeros(1)}, tmp_path / "n.pt")
    yield tmp_path
    _forget()


def _forget():
    for name in ("helping_numbers", "deeper_numbers"):
        sys.modules.pop(name, None)


def version(folder, kind):
    _forget()
    (folder / "mine.py").write_text(FILE + KINDS[kind] + "\n")
    return problem_from("mine.py").version


def change(file):
    if file.suffix == ".py":
        return file.write_text(file.read_text() + "# edited\n")
    if file.suffix == ".npy":
        return np.save(file, np.full((2, 1) if file.name == "u.npy" else 1, 5.0))
    value = torch.load(file)
    value = {k: v + 1 for k, v in value.items()} if isinstance(value, dict) else value + 1
    return torch.save(value, file)


@pytest.mark.parametrize(("kind", "name"), [(k, n) for k, names in CHANGES.items() for n in names])
def test_what_is_imported_or_loaded_is_part_of_the_version(folder, kind, name):
    before = version(folder, kind)
    assert version(folder, kind) == before
    change(folder / name)
    after = version(folder, kind)
    assert after != before
    assert edition(after) == edition(before)  # two revisions of a code under test are compared


def test_an_edit_of_the_file_is_another_edition(folder):
    before = version(folder, "plain")
    (folder / "mine.py").write_text(FILE + KINDS["plain"] + "\n# edited\n")
    _forget()
    assert edition(problem_from("mine.py").version) != edition(before)


def test_numbers_count_each_time_and_places_do_not(folder):
    def of(text):
        (folder / "numbers.json").write_text(text)
        return version(folder, "listed")

    before = of("[0, 1, 1, 0, 12, 3]")
    assert of("[0, 1, 1, 0, 12, 3]") == before
    assert of("[0, 1, 0, 1, 12, 3]") != before
    assert of("[0, 1, 1, 0, 1, 23]") != before
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "numbers.json").write_text("[0, 1, 1, 0, 12, 3]")
    (folder / "mine.py").rename(elsewhere / "mine.py")
    _forget()
    assert problem_from(str(elsewhere / "mine.py")).version == before


def test_a_class_in_a_file_or_a_module_is_versioned_and_an_installed_one_is_not(folder):
    text = "import torch\n\nclass Mine(torch.distributions.Normal):\n    pass\n"
    (folder / "deeper_numbers.py").write_text(text)
    found = []
    for place in ("deeper_numbers.py", "deeper_numbers"):
        _forget()
        found.append(problem_from(f"{place}:Mine", ["loc=1", "scale=1"], "quadratic").version)
    assert [edition(version) for version in found] == ["loc=1 scale=1"] * 2
    assert found[0] != "loc=1 scale=1"
    known = problem_from("torch.distributions:Normal", ["loc=1", "scale=1"], "quadratic")
    assert known.version == "loc=1 scale=1"


def test_a_kept_comparison_is_not_that_of_other_code(folder):
    frames = []
    for factor in (1.0, 4.0):
        (folder / "deeper_numbers.py").write_text(f"def factor(x):\n    return {factor}\n")
        version(folder, "plain")
        problem = problem_from("mine.py")
        frames.append(compare(problem, "pathwise", replicates=500, store="kept"))
        _forget()
    one, other = (frame["variance"].iloc[0] for frame in frames)
    assert other == pytest.approx(16 * one)
