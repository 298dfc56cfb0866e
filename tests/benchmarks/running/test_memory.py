"""Memory does not grow with the number of replicates."""

import subprocess
import sys
from pathlib import Path

import pytest

linux = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc")

MEASURE = """
import sys, torch
from torch.distributions import Independent, Normal
from benchmarks import Problem, measure

problem = Problem(
    "thousand",
    {"loc": torch.zeros(1000).double()},
    lambda loc: Independent(Normal(loc, 1.0), 1),
    lambda x: (x - 1).square().sum(-1),
    {"loc": torch.full((1000,), -2.0)},
)
measured = measure(problem, "pathwise", replicates=int(sys.argv[1]), timed=False)
assert measured.status == "ok" and abs(measured.variance / 4000 - 1) < 2e-3, measured
print(measured.variance_low, measured.variance, measured.variance_high, file=sys.stderr)
print(next(int(line.split()[1]) // 1024 for line in open("/proc/self/status") if "VmHWM" in line))
"""


def peak(replicates):
    """Peak memory in MiB of a process that measures a problem of 1000 parameters.

    By its own account: what `getrusage` says may be the parent's peak, from before the program.
    """
    command = [sys.executable, "-c", MEASURE, str(replicates)]
    return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@linux
def test_memory_is_bounded():
    small, large = peak(10_000), peak(30_000)
    assert large < 1024
    assert large < small + 64


@pytest.mark.study
@linux
def test_a_million_replicates_of_a_thousand_parameters():
    assert peak(1_000_000) < 1024
