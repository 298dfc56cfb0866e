"""What CONTRIBUTING shows is what happens: its estimator, its family and its table."""

import os
import re
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import estimators
from benchmarks import measure, problems, ratio
from estimators.capabilities import Unsupported
from estimators.families.examples import examples
from estimators.families.offered import offered, registrable, without_example

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "CONTRIBUTING.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
EXAMPLES = examples()


def test_the_estimator_is_measured():
    (block,) = [block for block in BLOCKS if not block.startswith("# ")]
    exec(compile(block, "CONTRIBUTING.md", "exec"), {"__name__": "example"})
    problem = problems.load("bernoulli-quadratic")
    ours = measure(problem, "antithetic-reinforce", samples=2, timed=False)
    plain = measure(problem, "reinforce", samples=2, timed=False)
    assert ours.bias_verdict in {"unbiased", "undetermined"}
    assert ratio(ours, plain).high < 1
    assert measure(problem, "antithetic-reinforce", samples=1).status != "ok"


# ---- the family, in a copy of the package


@pytest.fixture(scope="module")
def copied(tmp_path_factory):
    """A copy of `estimators` with the family in it, its row in the table of examples left out."""
    root = tmp_path_factory.mktemp("contributed")
    shutil.copytree(ROOT / "estimators", root / "estimators", ignore=lambda *_: ["__pycache__"])
    blocks = dict(block.removeprefix("# ").split("\n", 1) for block in BLOCKS if block[0] == "#")
    row = blocks.pop("estimators/families/examples.py")
    for path, code in blocks.items():
        (root / path).write_text(code)
    with (root / "estimators/distributions/__init__.py").open("a") as exports:
        exports.write("from estimators.distributions.rayleigh import Rayleigh\n")
    return root, row


def answer(root, code):
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=root, env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


FORGOTTEN = """
import estimators
from estimators.families.offered import without_example
assert estimators.__file__.startswith({root!r})
print(*without_example())
"""

COMPARED = """
import torch
torch.set_num_threads(1)
import estimators
from benchmarks import Problem, measure
from estimators.families.examples import examples
from estimators.families.offered import offered, without_example
assert not without_example()
example = examples()["Rayleigh"]
assert {"weak_derivatives", "quantile", "cdf", "implicit"} <= set(offered(example()))
truth = {"scale": 4 * example.parameters["scale"]}  # E x² = 2 scale²
problem = Problem("rayleigh", example.parameters, example.family, lambda x: x * x, truth)
for name in estimators.names():
    if estimators.create(name).unsupported(example(), 2) is None:
        told = measure(problem, name, samples=2, replicates=4_000, timed=False)
        print(name, told.status, told.bias_verdict, sep=":")
"""


def test_a_family_without_an_example_is_named(copied):
    root, _ = copied
    assert answer(root, FORGOTTEN.format(root=str(root))) == ["Rayleigh"]


def test_the_family_opens_what_is_said(copied, tmp_path):
    root, row = copied
    shutil.copytree(root, tmp_path, dirs_exist_ok=True)
    table = tmp_path / "estimators" / "families" / "examples.py"
    code = table.read_text().replace("    table = {\n", f"    table = {{\n{row}")
    table.write_text(code.replace("    Delta,\n", "    Delta,\n    Rayleigh,\n"))
    told = dict(line.split(":", 1) for line in answer(tmp_path, COMPARED))
    said = TEXT.partition("which estimators it opens: here")[2].partition("the score functions")[0]
    promised = re.findall(r"`([\w-]+)`", said)
    assert len(promised) >= 6
    for name in (*promised, "reinforce", "reinforce-loo"):
        assert told[name] in ("ok:unbiased", "ok:undetermined"), name
    assert [told[name] for name in promised].count("ok:unbiased") >= 4


def test_every_family_has_an_example():
    assert not without_example()


# ---- the table of capabilities

ROWS = re.findall(r"^\| `(\w+)` \| [^|]+ \| ([\w, ]+) \| ([^|]+) \|$", TEXT, re.MULTILINE)


def test_the_table_has_every_capability():
    assert sorted(name for name, *_ in ROWS) == sorted(registrable())


def twin(family, without=None):
    """The example of a family as a class of its own, which may lack one capability."""
    dist = EXAMPLES[family]()
    cls = type(family, (type(dist),), {"__module__": "taken_away"})
    if without:

        def refuse(dist, *arguments):
            raise Unsupported("This capability was taken away, as the test wants it; do without.")

        registrable()[without].register(cls, refuse)
    whole = object.__new__(cls)
    vars(whole).update(vars(dist))
    return whole


@cache
def accepted(family):
    dist = twin(family)
    return [n for n in estimators.names() if estimators.create(n).unsupported(dist, 2) is None]


@pytest.mark.parametrize(("name", "families", "opens"), ROWS, ids=[name for name, *_ in ROWS])
def test_a_capability_opens_these_estimators(name, families, opens):
    lost = set()
    for family in families.split(", "):
        assert name in offered(EXAMPLES[family]())
        lacking = twin(family, without=name)
        lost |= {n for n in accepted(family) if estimators.create(n).unsupported(lacking, 2)}
    assert set(re.findall(r"`([\w-]+)`", opens)) <= lost
