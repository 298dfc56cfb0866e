"""Checkouts with a fault in one estimator, for tests of regression reports."""

import shutil
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEADER = '''\
"""A planted fault."""
import os
import sys
import time
from dataclasses import replace

import torch

from estimators.core import evaluate
from estimators.pathwise import Pathwise
from estimators.reinforce import Reinforce


def plant(cls, name, surrogate):
    original = cls.surrogate

    def planted(self, dist, cost, samples=1):
        if self.name != name:
            return original(self, dist, cost, samples)
        return surrogate(original, self, dist, cost, samples)

    cls.surrogate = planted


def planted(original, self, dist, cost, samples):
'''
FAULTS = {
    "worse baseline": (
        "Reinforce",
        "reinforce-loo",
        """
    loo = self.baseline
    return original(replace(self, baseline=lambda f: 0.587 * loo(f)), dist, cost, samples)
""",
    ),
    "bias 2 %": (
        "Reinforce",
        "reinforce-loo",
        """
    s = original(self, dist, cost, samples)
    return s.detach() + 1.02 * (s - s.detach())
""",
    ),
    "a sample drawn twice": (
        "Pathwise",
        "pathwise",
        """
    x = dist.rsample((max(1, samples // 2),))
    return evaluate(cost, torch.cat([x, x])[:samples], dist).mean(0)
""",
    ),
    "15 % slower": (
        "Pathwise",
        "pathwise",
        """
    problem = sys.modules["benchmarks.objective.definition"].Problem
    if not hasattr(problem.gradients, "planted"):
        problem.gradients = slower(problem.gradients)
    return original(self, dist, cost, samples)


def slower(gradients):
    def slow(problem, estimator, *rest):
        start = time.process_time()
        found = gradients(problem, estimator, *rest)
        if estimator.name == "pathwise":
            end = time.process_time() + 0.15 * (time.process_time() - start)
            while time.process_time() < end:
                pass
        return found

    slow.planted = True
    return slow
""",
    ),
    "fails": (
        "Pathwise",
        "pathwise",
        """
    raise RuntimeError("planted")
""",
    ),
    "is killed": (
        "Pathwise",
        "pathwise",
        """
    os.kill(os.getpid(), 9)
""",
    ),
    "has a mistake": (
        "Pathwise",
        "pathwise",
        """
    return dist.nothing
""",
    ),
    "float32 forwards": (
        "Reinforce",
        "reinforce-loo",
        """
    single = type(dist)(dist.loc.float(), dist.scale.float())
    x = single.sample((samples,))
    f = cost(x, single)
    log_p = single.log_prob(x)  # the scores are summed over samples in their order, in float32
    advantage = (f - self.baseline(f)).detach()
    return (f + advantage * (log_p - log_p.detach())).mean(0).to(dist.loc.dtype)
""",
    ),
}
FAULTS["float32 backwards"] = (
    *FAULTS["float32 forwards"][:2],
    FAULTS["float32 forwards"][2].replace("sample((samples,))", "sample((samples,)).flip(0)"),
)


def checkout(folder: Path) -> Path:
    """A copy of the packages under test, as a git repository with one commit."""
    for package in ("estimators", "benchmarks"):
        shutil.copytree(
            ROOT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__")
        )
    git(folder, "init", "-q", "-b", "main")
    return commit(folder)


def plant(folder: Path, fault: str | None) -> Path:
    """Commit a fault to the repository in `folder`; None takes it out again."""
    file = folder / "estimators" / "zz_planted.py"
    if fault is None:
        file.unlink(missing_ok=True)
    else:
        cls, name, body = FAULTS[fault]
        file.write_text(HEADER + body.strip("\n") + f'\n\n\nplant({cls}, "{name}", planted)\n')
    return commit(folder)


def commit(folder: Path) -> Path:
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "--allow-empty", "-m", "a state")
    return folder


def git(folder: Path, *arguments: str) -> str:
    who = ("-c", "user.name=test", "-c", "user.email=test@example.org", "-c", "gc.auto=0")
    done = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
    )
    return done.stdout.strip()
