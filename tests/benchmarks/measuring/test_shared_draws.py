"""One pass for several estimators: what each finds alone, to rounding."""

from dataclasses import dataclass

import pytest
import torch

from benchmarks import problems
from benchmarks.machine.timing import one_thread
from benchmarks.measuring import compiled_blocks, shared_draws
from benchmarks.measuring.measure import measure_together
from benchmarks.measuring.prepare import Prepared, prepare
from benchmarks.measuring.task import Task
from benchmarks.objective.definition import unvalidated
from estimators import Estimator

ALIKE = ("pathwise", "reinforce", "reinforce:baseline=1.0", "reinforce-loo")
R = 5_000
STATISTICS = ("variance", "kurtosis", "bias2", "cosine", "evaluations", "stopped", "replicates")


@pytest.fixture(autouse=True)
def as_while_measuring():
    with one_thread(), unvalidated():
        yield


@pytest.fixture
def compiler(monkeypatch):
    """A quick one, which leaves graphs as they are; those that were asked for."""
    graphs = []

    def keep(graph, *_, **__):
        graphs.append(graph)
        return graph

    monkeypatch.setattr(torch._inductor, "compile", keep)
    monkeypatch.setattr(shared_draws, "quicker", lambda *_: True)
    monkeypatch.setattr(compiled_blocks, "quicker", lambda *_: True)
    monkeypatch.setattr(compiled_blocks, "LEAST_NUMBERS", 0)
    return graphs


def tasks(*estimators: Estimator | str, replicates=R, precision=None) -> list[Task]:
    problem = problems.load("normal-10-quadratic")
    return [
        Task.of(prepare(problem), e, samples=4, replicates=replicates, precision=precision)
        for e in estimators
    ]


def drawn(graph: torch.fx.GraphModule) -> int:
    """How often random numbers are drawn in it."""
    seeded = torch.Tag.nondeterministic_seeded
    return sum(seeded in getattr(node.target, "tags", ()) for node in graph.graph.nodes)


def assert_same(found, alone) -> None:
    assert (found.status, found.reason, found.estimator) == (
        alone.status, alone.reason, alone.estimator,
    )  # fmt: skip
    if alone.status == "ok":
        for name in STATISTICS:
            expected = getattr(alone, name)
            if isinstance(expected, float):
                expected = pytest.approx(expected, rel=1e-9, abs=1e-12)
            assert getattr(found, name) == expected


@dataclass(frozen=True)
class Broken(Estimator):
    """Fails where it is measured."""

    def surrogate(self, dist, cost, samples=1):
        if len(dist.batch_shape) > 0:
            raise ArithmeticError("out of order")
        return cost(dist.rsample((samples,)), dist).mean(0)


def test_those_that_draw_the_same_numbers_are_alike():
    names = (*ALIKE, "measure-valued", "reinforce-ema", "antithetic-pathwise", "reinforce-nvil")
    found = shared_draws.alike(tasks(*names, Broken(), Broken()))
    assert [len(group) for group in found] == [4, 1, 1, 1, 1]


@pytest.mark.filterwarnings("ignore")  # of the compiler
def test_a_compiled_pass_makes_what_each_makes_alone(monkeypatch):
    monkeypatch.setattr(shared_draws, "quicker", lambda *_: True)
    cells = [task.cell for task in tasks(*ALIKE)]
    row = shared_draws.shared(cells, 1024)
    for index in (0, 5):
        ours = shared_draws.alone(cells, index, 1024)
        for (g, counts), (theirs, their_counts) in zip(row(index), ours, strict=True):
            torch.testing.assert_close(g, theirs, rtol=1e-9, atol=1e-9)
            assert counts.evaluations == their_counts.evaluations
            assert float(counts.largest) == pytest.approx(float(their_counts.largest))


def test_the_noise_is_drawn_once(compiler):
    assert shared_draws.shared([task.cell for task in tasks(*ALIKE)], 64) is not None
    assert shared_draws.shared([task.cell for task in tasks(ALIKE[0])], 64) is not None
    shared, single = compiler
    assert drawn(shared) == drawn(single) > 0


@pytest.mark.parametrize("precision", [None, 0.1])
def test_measured_together_they_are_what_they_are_alone(compiler, precision):
    names = ("gumbel-softmax", *ALIKE, Broken(), "reinforce-ema")
    both = [tasks(*names, replicates=R + 77, precision=precision) for _ in range(2)]
    found = list(measure_together(both[0], timed=False))
    assert [m.status for m in found] == ["refused", *["ok"] * 4, "error", "ok"]
    for together, task in zip(found, both[1], strict=True):
        assert_same(together, task.measured(timed=False))
    assert drawn(compiler[0]) > 0


def test_without_a_compiler_each_is_measured_alone(compiler, monkeypatch):
    def broken(*_, **__):
        raise RuntimeError("no C++ compiler")

    monkeypatch.setattr(torch._inductor, "compile", broken)
    assert shared_draws.replicate_together(tasks(*ALIKE)) == {}
    for together, task in zip(
        measure_together(tasks(*ALIKE), timed=False), tasks(*ALIKE), strict=True
    ):
        assert_same(together, task.measured(timed=False))


def test_many_gammas_are_the_same_for_all():
    problem, names = problems.load("gamma-quadratic"), ("pathwise", "implicit", "reinforce-loo")
    made = [Task.of(Prepared(problem, None), e, samples=4, replicates=100_000) for e in names]
    assert [len(group) for group in shared_draws.alike(made)] == [3]
    g = torch.cat([task.cell.block(0, 8192) for task in made[:2]], 1)
    torch.testing.assert_close(*g.chunk(2, 1), rtol=1e-2, atol=1e-2)  # torch's derivative is rough


def test_the_random_state_is_left_as_it_was(compiler):
    before = torch.get_rng_state()
    assert shared_draws.replicate_together(tasks(*ALIKE))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_refusal_that_raises_is_the_end_of_one_cell(compiler):
    @dataclass(frozen=True)
    class Worse(Estimator):
        def surrogate(self, dist, cost, samples=1):
            raise ValueError("boom")

    found = list(measure_together(tasks(ALIKE[0], Worse(), ALIKE[1]), timed=False))
    assert [m.status for m in found] == ["ok", "error", "ok"]


def test_one_that_fails_late_does_not_stop_the_others(compiler):
    @dataclass(frozen=True)
    class Late(Estimator):
        def surrogate(self, dist, cost, samples=1):
            if dist.batch_shape == (77,):  # the last block
                raise ArithmeticError("out of order")
            return cost(dist.rsample((samples,)), dist).mean(0)

    found = list(measure_together(tasks(*ALIKE, Late(), replicates=8192 + 77), timed=False))
    assert [m.status for m in found] == ["ok"] * 4 + ["error"]


def test_other_numbers_are_not_taken(compiler, monkeypatch):
    def off(graph, *_, **__):
        return lambda: [1.001 * number for number in graph()]

    monkeypatch.setattr(torch._inductor, "compile", off)
    assert shared_draws.replicate_together(tasks(*ALIKE)) == {}
