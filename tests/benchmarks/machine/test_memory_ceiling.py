"""A cell that eats memory is refused it and ends as a record; the machine goes on."""

import resource
import subprocess
import sys
import threading

import numpy as np
import pytest
import torch
from torch.distributions import Normal

import estimators
from benchmarks import Problem, problems
from benchmarks.machine import memory, memory_groups
from benchmarks.machine.memory_ceiling import memory_ceiling, want_of_memory
from benchmarks.running.suite import Suite, run
from benchmarks.store.store import Store
from estimators import Estimator, evaluate

FREE = 100 * 10**6  # bytes that the machine is taken to have free
MUCH = 4 * 10**9  # more than earlier tests have freed; zeros that nobody touches take no memory
eaten = []

EATERS = {
    "torch": lambda: eaten.append(torch.zeros(MUCH // 4)),
    "numpy": lambda: eaten.append(np.zeros(MUCH // 8)),
    "one object": lambda: eaten.append(bytearray(MUCH)),
}
MANY_OBJECTS = """
from benchmarks.machine import memory
from benchmarks.machine.memory_ceiling import memory_ceiling, want_of_memory

memory.free_memory = lambda device="cpu": 10**8
eaten = []
try:
    with memory_ceiling():
        eaten.extend(bytes(10**5) for _ in range(2000))
except MemoryError as failure:
    eaten.clear()
    print(want_of_memory(failure))
"""


@pytest.fixture(autouse=True)
def little_is_free(monkeypatch):
    if resource.getrlimit(resource.RLIMIT_DATA)[0] != resource.RLIM_INFINITY:
        pytest.skip("There is a limit already.")
    monkeypatch.setattr(memory, "free_memory", lambda device="cpu": FREE)
    yield
    eaten.clear()


@pytest.mark.parametrize("kind", EATERS)
def test_more_than_is_free_is_refused_at_once(kind):
    before = resource.getrlimit(resource.RLIMIT_DATA)
    with memory_ceiling(), pytest.raises((MemoryError, RuntimeError)) as failure:
        EATERS[kind]()
    assert "more memory than is free" in want_of_memory(failure.value)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before
    eaten.clear()
    EATERS[kind]()  # outside, nothing keeps it


def test_many_objects_are_refused():
    """In a process of their own: they would fit where earlier tests have freed memory."""
    command = [sys.executable, "-c", MANY_OBJECTS]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "more memory than is free" in done.stdout


def test_what_is_free_may_be_taken():
    with memory_ceiling():
        eaten.append(bytearray(FREE // 2))


def test_other_failures_are_not_taken_for_it():
    assert want_of_memory(RuntimeError("The size of tensor a (2) must match")) is None
    assert want_of_memory(ValueError("can't allocate memory")) is None
    assert want_of_memory(memory.OverLimit(10**9)) is None


def test_whoever_leaves_last_puts_the_limit_back():
    """Two threads, of which the first to enter leaves first."""
    before = resource.getrlimit(resource.RLIMIT_DATA)
    first, second = memory_ceiling(), memory_ceiling()
    first.__enter__()
    thread = threading.Thread(target=second.__enter__)
    thread.start(), thread.join()
    first.__exit__(None, None, None)
    assert resource.getrlimit(resource.RLIMIT_DATA) != before
    second.__exit__(None, None, None)
    assert resource.getrlimit(resource.RLIMIT_DATA) == before


@pytest.mark.parametrize("kind", EATERS)
def test_a_cell_that_eats_memory_ends_as_a_record(tmp_path, kind):
    @estimators.register("eats")
    class Eats(Estimator):
        """Pathwise, once it has eaten, what no sizes of tensors tell beforehand."""

        unbiased = True

        def surrogate(self, dist, cost, samples=1):
            if dist.batch_shape[:1] > (2,):  # the memory is measured with two replicates
                EATERS[kind]()
            return evaluate(cost, dist.rsample((samples,)), dist).mean(0)

    problems.register("spare")(
        lambda: Problem(
            "spare", {"loc": torch.tensor(0.5).double()}, lambda loc: Normal(loc, 1.0),
            lambda x: (x - 1).square(), {"loc": torch.tensor(-1.0).double()},
        )
    )  # fmt: skip
    suite = Suite(("spare",), ("eats", "pathwise"), (1,), 500, timed=False)
    ended, other = run(suite, Store(tmp_path))
    assert (ended.status, other.status) == ("error", "ok")
    assert "more memory than is free" in ended.reason


GROUPS = {  # files of groups, in version 2 or 1, and what /proc/self/cgroup says
    "a container's, version 2": ("", "0::/", 2),
    "a unit's, version 2": ("system.slice/job", "0::/system.slice/job", 2),
    "a container's, version 1": ("memory", "4:memory:/docker/abc\n0::/", 1),
    "a job's, version 1": ("memory/slurm/job_1", "3:cpu,memory:/slurm/job_1/step_0", 1),
}


@pytest.mark.parametrize("case", GROUPS)
def test_what_a_group_leaves_is_found(tmp_path, monkeypatch, case):
    place, line, version = GROUPS[case]
    folder = tmp_path / "cgroup" / place
    folder.mkdir(parents=True)
    most, held, kept = memory_groups.VERSIONS[0 if version == 2 else 1]
    (folder / most).write_text("1000\n")
    (folder / held).write_text("700\n")
    (folder / "memory.stat").write_text(f"anon 500\n{kept} 150\n")
    (tmp_path / "own").write_text(line + "\n")
    monkeypatch.setattr(memory_groups, "CGROUP", tmp_path / "cgroup")
    monkeypatch.setattr(memory_groups, "OWN", tmp_path / "own")
    assert memory_groups.left_in_groups() == 450
    (folder / most).write_text("max\n")
    assert memory_groups.left_in_groups() == memory_groups.NONE
