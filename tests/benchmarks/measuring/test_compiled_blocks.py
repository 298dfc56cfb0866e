"""The compiled loop: the same gradients to rounding, or none at all."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import pytest
import torch

from benchmarks import measure, problems
from benchmarks.measuring import compiled_blocks, shared_draws
from benchmarks.measuring.cell import Cell
from benchmarks.objective.definition import unvalidated
from estimators import Estimator, create

R = 2048


@pytest.fixture
def cell() -> Cell:
    problem = problems.load("normal-10-quadratic").to("cpu", torch.float64)
    return Cell(problem, None, create("reinforce-loo"), 4, 0, torch.device("cpu"))


def block(cell: Cell, index: int) -> torch.Tensor:
    with unvalidated():
        return cell.counted(index, R)[0]


def instead(monkeypatch, change) -> None:
    """Have the compiler bring change(graph): what is called for gradients and counts, in a list."""
    monkeypatch.setattr(torch._inductor, "compile", lambda graph, *_, **__: change(graph))


@pytest.mark.filterwarnings("ignore")  # of the compiler
def test_compiled_gradients_are_the_same_to_rounding(cell, monkeypatch):
    monkeypatch.setattr(compiled_blocks, "quicker", lambda *_: True)
    fast, seconds = compiled_blocks.compiled(cell, block)
    assert fast is not cell
    assert seconds > 0
    with unvalidated():
        for index in (0, 3):
            ours, counts = cell.counted(index, R)
            theirs, their_counts = fast.counted(index, R)
            torch.testing.assert_close(theirs, ours, rtol=1e-9, atol=1e-9)
            assert their_counts.evaluations == counts.evaluations
            assert float(their_counts.largest) == pytest.approx(float(counts.largest))
        torch.testing.assert_close(fast.block(1, 100), cell.block(1, 100))  # another size


def test_without_a_compiler_the_cell_stays_as_it_is(cell, monkeypatch):
    def broken(graph):
        raise RuntimeError("no C++ compiler")

    instead(monkeypatch, broken)
    assert compiled_blocks.compiled(cell, block)[0] is cell


def test_other_gradients_are_not_taken(cell, monkeypatch):
    def off(graph):
        def run():
            gradients, *counts = graph()
            return 1.001 * gradients, *counts

        return run

    instead(monkeypatch, off)
    monkeypatch.setattr(compiled_blocks, "quicker", lambda *_: True)
    assert compiled_blocks.compiled(cell, block)[0] is cell


def test_random_numbers_that_a_graph_would_repeat_are_not_taken(cell, monkeypatch):
    @dataclass(frozen=True)
    class Outside(Estimator):
        def surrogate(self, dist, cost, samples=1):
            noise = torch.from_numpy(torch.randn(samples, *dist.batch_shape, 10).numpy())
            return cost(dist.mean + dist.stddev * noise, dist).mean(0)

    instead(monkeypatch, lambda graph: graph)
    monkeypatch.setattr(compiled_blocks, "quicker", lambda *_: True)
    assert compiled_blocks.compiled(cell, block)[0] is not cell
    outside = replace(cell, estimator=Outside())
    assert compiled_blocks.compiled(outside, block)[0] is outside


def test_a_branch_on_what_was_drawn_is_not_taken(cell, monkeypatch):
    def cost(x, dist):
        f = x.square().sum(-1)
        return torch.where(f > 80, 1000 * f, f) if len((f > 80).nonzero()) else f

    instead(monkeypatch, lambda graph: graph)
    monkeypatch.setattr(compiled_blocks, "quicker", lambda *_: True)
    branching = replace(cell, problem=replace(cell.problem, cost=cost))
    assert compiled_blocks.compiled(branching, block)[0] is branching


def keeping() -> tuple[Callable[..., torch.Tensor], Callable[[], torch.Tensor]]:
    """A cost that keeps a tensor of its first call, as a table, and that tensor."""

    @cache
    def kept():
        return torch.linspace(-1, 1, 10, dtype=torch.float64).exp()

    return (lambda x: (x * kept()).square().sum(-1)), kept


@pytest.mark.filterwarnings("ignore")  # of the compiler
def test_what_is_kept_from_a_first_call_holds_numbers(cell, monkeypatch):
    monkeypatch.setattr(compiled_blocks, "quicker", lambda *_: True)
    monkeypatch.setattr(shared_draws, "quicker", lambda *_: True)
    instead(monkeypatch, lambda graph: graph)
    cost, kept = keeping()
    assert compiled_blocks.compiled(replace(cell, problem=replace(cell.problem, cost=cost)), block)
    assert type(kept()) is torch.Tensor
    cost, kept = keeping()
    with unvalidated():
        assert shared_draws.shared([replace(cell, problem=replace(cell.problem, cost=cost))] * 2, R)
    assert type(kept()) is torch.Tensor


class Averaging:
    """A cost that keeps a running mean of what it returns."""

    mean = torch.zeros((), dtype=torch.float64)

    def __call__(self, x):
        f = x.square().sum(-1)
        self.mean = 0.9 * self.mean + 0.1 * f.detach().mean()
        return f


@pytest.mark.filterwarnings("ignore")  # of the compiler
def test_what_changes_with_each_call_holds_numbers(cell, monkeypatch):
    monkeypatch.setattr(compiled_blocks, "quicker", lambda *_: True)
    monkeypatch.setattr(shared_draws, "quicker", lambda *_: True)
    instead(monkeypatch, lambda graph: graph)
    cost = Averaging()
    averaging = replace(cell, problem=replace(cell.problem, cost=cost))
    assert compiled_blocks.compiled(averaging, block)[0] is not averaging
    assert float(cost.mean) > 0
    with unvalidated():
        assert shared_draws.shared([averaging] * 2, R)
    assert float(cost.mean) > 0


@pytest.mark.filterwarnings("ignore")  # of the compiler
def test_what_differs_from_block_to_block_is_not_taken(cell, monkeypatch):
    at, stream = [0], Cell.stream

    def noted(cell, index):
        at[0] = index
        return stream(cell, index)

    def cost(x):
        return x.square().sum(-1) * (1 + at[0])

    monkeypatch.setattr(Cell, "stream", noted)
    monkeypatch.setattr(compiled_blocks, "quicker", lambda *_: True)
    monkeypatch.setattr(shared_draws, "quicker", lambda *_: True)
    instead(monkeypatch, lambda graph: graph)
    seeded = replace(cell, problem=replace(cell.problem, cost=cost))
    assert compiled_blocks.compiled(seeded, block)[0] is seeded
    with unvalidated():
        assert shared_draws.shared([seeded] * 2, R) is None


def test_a_cost_that_fails_in_one_block_fails_where_it_is_measured(cell):
    def failing(cell, index):
        if index == 1:
            raise ValueError("not this one")
        return block(cell, index)

    assert compiled_blocks.compiled(cell, failing)[0] is cell


def test_zeros_and_what_never_moves_have_to_agree():
    ours = torch.randn(100, 3, dtype=torch.float64)
    ours[:50], ours[:, 1] = 0.0, 2.0
    ours[:50, 1] = 0.0
    assert compiled_blocks.agree(ours, ours * (1 + 1e-15))
    assert not compiled_blocks.agree(ours, ours.where(ours != 0, 1e-14))
    still = torch.ones(100, 2, dtype=torch.float64)
    assert not compiled_blocks.agree(still, still + 1e-15 * torch.arange(200).view(100, 2))


@pytest.mark.parametrize("off", [1e-9, float("inf"), float("nan")])
def test_agreement_is_asked_of_each_parameter(off):
    torch.manual_seed(0)
    ours = torch.randn(100, 3, dtype=torch.float64) * torch.tensor([1.0, 1e-9, 1.0])
    assert compiled_blocks.agree(ours, ours * (1 + 1e-12))
    theirs = ours.clone()
    theirs[7, 1] += off
    assert not compiled_blocks.agree(ours, theirs)
    ours[3, 0] = theirs[3, 0] = float("inf")
    assert not compiled_blocks.agree(ours, theirs)


def test_a_slower_loop_is_not_taken(cell, monkeypatch):
    def slow(graph):
        return lambda: [graph() for _ in range(30)][-1]

    instead(monkeypatch, slow)
    assert compiled_blocks.compiled(cell, block)[0] is cell


def test_small_cells_do_not_pay():
    assert not compiled_blocks.pays(numbers=10, replicates=10_000)
    assert compiled_blocks.pays(numbers=16_000, replicates=100_000)


@pytest.mark.parametrize("quicker", [True, False])
def test_a_record_says_what_compiling_took(quicker, monkeypatch):
    instead(monkeypatch, lambda graph: graph)
    monkeypatch.setattr(compiled_blocks, "quicker", lambda *_: quicker)
    problem = problems.load("bernoulli-quadratic")
    found = measure(problem, "reinforce-loo", 4, 200, compiled=True)
    assert (found.compile_seconds > 0) == quicker
    assert found.variance == measure(problem, "reinforce-loo", 4, 200, timed=False).variance


def test_all_of_a_large_cell_is_compiled(monkeypatch):
    def counting(graph):
        return lambda: (calls.append(1), graph())[1]

    calls = []
    instead(monkeypatch, counting)
    monkeypatch.setattr(compiled_blocks, "quicker", lambda *_: True)
    problem = problems.load("bernoulli-quadratic")
    measure(problem, "reinforce-loo", 4, 200, timed=False, compiled=True)
    assert not calls
    monkeypatch.setattr(compiled_blocks, "LEAST_NUMBERS", 0)
    measure(problem, "reinforce-loo", 4, 200, timed=False, compiled=True)
    assert len(calls) > 1


def test_a_cell_that_learns_anew_for_each_block_is_not_compiled(monkeypatch):
    asked = []
    instead(monkeypatch, lambda graph: asked.append(graph) or graph)
    monkeypatch.setattr(compiled_blocks, "LEAST_NUMBERS", 0)
    problem = problems.load("bernoulli-quadratic")
    for estimator, graphs in {"reinforce-ema": 0, "reinforce-loo": 1}.items():
        asked.clear()
        measure(problem, estimator, 4, 200, timed=False, compiled=True)
        assert len(asked) == graphs
