"""What a cell does to the process, to its problem or to the run ends with the cell."""

import gc
import os
import signal
import sys
import warnings
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import Normal

import estimators
from benchmarks import Problem, problems
from benchmarks.machine.process_settings import settings_kept
from benchmarks.measuring.measure import measure
from benchmarks.measuring.prepare import prepare
from benchmarks.running.child_process import Child, ChildDied
from benchmarks.running.suite import Suite, run
from benchmarks.store.store import Store
from estimators import Estimator, evaluate
from estimators.configuration import plain


def estimator_that(acts):
    """An estimator of a user that does something beside its work."""

    class Acting(Estimator):
        """Pathwise, and more."""

        unbiased = True

        def surrogate(self, dist, cost, samples=1):
            acts(dist)
            return evaluate(cost, dist.rsample((samples,)), dist).mean(0)

    return Acting


def leaves(reason):
    raise SystemExit(reason)


def fails(dist):
    raise RuntimeError("the user's own mistake")


@pytest.fixture
def suite():
    problems.register("shifted")(
        lambda: Problem(
            "shifted",
            {"loc": torch.tensor(0.5).double()},
            lambda loc: Normal(loc, 1.0),
            lambda x: (x - 1).square(),
            {"loc": torch.tensor(-1.0).double()},
        )
    )

    def of(*names):
        return Suite(("shifted",), names, (1,), 100, timed=False)

    return of


def test_a_cell_that_changes_the_folder_does_not_move_the_store(tmp_path, monkeypatch, suite):
    monkeypatch.chdir(tmp_path)
    estimators.register("moves")(estimator_that(lambda dist: os.chdir("/")))
    found = list(run(suite("moves", "pathwise"), Store("out")))
    assert [one.status for one in found] == ["ok", "ok"]
    assert Path.cwd() == tmp_path
    assert len(Store(tmp_path / "out").latest()) == 2


@pytest.mark.parametrize(
    ("acts", "says"),
    [
        (lambda dist: leaves(7), "sys.exit(7)"),
        (lambda dist: leaves("goodbye\n"), "sys.exit('goodbye\\n')"),
        (fails, "RuntimeError: the user's own mistake"),
        (lambda dist: torch.ones(2) @ torch.ones(3), "RuntimeError: inconsistent tensor size"),
    ],
    ids=["exit", "exit with words", "RuntimeError", "RuntimeError by torch's hand"],
)
def test_a_cell_that_ends_does_not_end_the_run(tmp_path, suite, acts, says):
    estimators.register("ends")(estimator_that(acts))
    ended, other = run(suite("ends", "pathwise"), Store(tmp_path))
    assert (ended.status, other.status) == ("error", "ok")
    assert says in ended.reason


def test_a_problem_that_exits_is_an_error_of_its_cells(tmp_path, suite):
    problems.register("exits")(lambda: sys.exit(3))
    both = replace(suite("pathwise"), problems=("exits", "shifted"))
    ended, other = run(both, Store(tmp_path))
    assert (ended.status, other.status) == ("error", "ok")


def test_a_field_that_is_no_plain_value_is_an_error_of_its_cell(tmp_path, suite):
    @estimators.register("weighted", weight=torch.tensor(2.0))
    @dataclass(frozen=True)
    class Weighted(Estimator):
        """Weighted."""

        weight: object = None

        def surrogate(self, dist, cost, samples=1):
            return self.weight * evaluate(cost, dist.rsample((samples,)), dist).mean(0)

    ended, other = run(suite("weighted", "pathwise"), Store(tmp_path))
    assert (ended.status, other.status) == ("error", "ok")
    assert "The field 'weight' of weighted is a Tensor" in ended.reason
    whole = run(suite("weighted:weight=Infinity"), Store(tmp_path / "infinite"))
    assert [one.status for one in whole] == ["error"]  # gradients of an infinite weight
    assert (
        next(iter(Store(tmp_path / "infinite").latest().values()))["config"] == '{"weight": "inf"}'
    )


def set_everything(dist=None):
    torch.set_default_dtype(torch.float64)
    torch.set_default_device("meta")
    torch.set_num_threads(3)
    torch.set_float32_matmul_precision("medium")
    os.environ["LEFT_BEHIND"] = "yes"
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    np.seterr(all="raise")
    os.umask(0o777)
    sys.setrecursionlimit(300)
    warnings.simplefilter("error", FutureWarning)
    gc.disable()
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def everything():
    return (
        torch.get_default_dtype(),
        torch.empty(1).device.type,
        torch.get_num_threads(),
        torch.get_float32_matmul_precision(),
        os.environ.get("LEFT_BEHIND"),
        signal.getsignal(signal.SIGTERM),
        np.geterr(),
        os.umask(0o022),
        sys.getrecursionlimit(),
        list(warnings.filters),
        gc.isenabled(),
        os.sched_getaffinity(0),
    )


def test_settings_of_the_process_are_as_before():
    before = everything()
    with settings_kept():
        set_everything()
        during = everything()
    assert everything() == before
    changed = [a != b for a, b in zip(before, during, strict=True)]
    assert changed[:-1] == [True] * 11  # there may be one processor only


def test_a_cell_leaves_no_setting_behind(tmp_path, suite):
    estimators.register("sets")(estimator_that(set_everything))
    before = everything()
    list(run(suite("sets"), Store(tmp_path)))
    assert everything() == before
    problems.register("sets")(lambda: set_everything() or problems.load("shifted"))
    list(run(replace(suite("pathwise"), problems=("sets",)), Store(tmp_path)))
    assert everything() == before


@pytest.mark.parametrize("where", ["parameters", "cost", "data"])
def test_a_cell_that_writes_into_its_problem_is_an_error_and_undone(where):
    target = torch.tensor(1.0).double()
    problem = Problem(
        "kept", {"loc": torch.tensor(0.5).double()}, lambda loc: Normal(loc, 1.0),
        lambda x: (x - target).square(), {"loc": torch.tensor(-1.0).double()},
    )  # fmt: skip
    whole = measure(problem, "pathwise", replicates=200, timed=False)
    written = {"parameters": problem.parameters["loc"], "cost": target, "data": target.data}[where]
    writing = estimator_that(lambda dist: written.add_(1.0))(name="writing")
    found = measure(problem, writing, replicates=200, timed=False)
    assert found.status == "error"
    assert "was written into while it was measured" in found.reason
    assert (problem.parameters["loc"], target) == (0.5, 1.0)
    assert measure(problem, "pathwise", replicates=200, timed=False).variance == whole.variance


def test_buffers_of_a_module_may_count():
    norm = torch.nn.BatchNorm1d(1, affine=False).double()
    problem = Problem(
        "counting", {"loc": torch.tensor([0.5]).double()},
        lambda loc: torch.distributions.Independent(Normal(loc, 1.0), 1),
        lambda x: (norm(x.reshape(-1, 1)).reshape(x.shape) * 0 + x.square()).sum(-1), None,
    )  # fmt: skip
    prepare(problem)
    before = int(norm.num_batches_tracked)
    assert before > 0
    assert measure(problem, "reinforce", replicates=200, timed=False).status == "ok"
    assert int(norm.num_batches_tracked) == before


def scaled(factor):
    return lambda dist: dist.mean * factor


def test_functions_in_fields_tell_configurations_apart():
    made = [scaled(1.0), scaled(2.0), lambda dist: dist.mean, lambda dist: dist.variance]
    configs = {estimators.create("reinforce-exact-mean", mean=f).config_json for f in made}
    assert len(configs) == 4
    again = estimators.create("reinforce-exact-mean", mean=scaled(2.0)).config_json
    assert again in configs
    assert plain(scaled(torch.ones(2))) != plain(scaled(torch.zeros(2)))
    assert plain(leaves) == f"{__name__}.leaves"


def test_our_own_configurations_are_those_of_older_stores():
    known = '{"baseline": {"type": "Constant", "value": 0.0}}'
    assert estimators.create("reinforce").config_json == known


IGNORES_THE_ALARM = """
import signal
signal.signal(signal.SIGALRM, signal.SIG_IGN)
while True:
    signal.pause()
"""


def test_a_child_that_ignores_the_alarm_is_killed():
    child = Child((), 0.2)
    with pytest.raises(ChildDied, match="longer than 0"):
        child.call(exec, IGNORES_THE_ALARM)
    assert child.process is None


def test_a_cell_that_writes_into_another_problem_is_an_error_and_undone(tmp_path, suite):
    loc = torch.tensor(0.5).double()
    other = Problem(
        "other", {"loc": loc}, lambda loc: Normal(loc, 1.0),
        lambda x: x.square(), {"loc": torch.tensor(1.0).double()},
    )  # fmt: skip
    whole = measure(other, "pathwise", replicates=200, timed=False)
    estimators.register("reaches")(
        estimator_that(lambda dist: other.parameters["loc"].data.add_(1))
    )
    (ended,) = run(suite("reaches"), Store(tmp_path))
    assert ended.status == "error"
    assert "of problem 'other' was written into while 'shifted' was measured" in ended.reason
    assert loc == 0.5
    assert measure(other, "pathwise", replicates=200, timed=False).variance == whole.variance
