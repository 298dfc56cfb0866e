"""The compiled table holds what torch's operations put into theirs."""

import pytest
import torch

from benchmarks import c_loops, measure, problems
from benchmarks.measuring import cell
from benchmarks.statistics.compiled_table import CompiledTable
from benchmarks.statistics.moments import Table, compiled_table
from benchmarks.statistics.stopping import Plan
from estimators import create

if not c_loops.available():
    pytest.skip("there is no C compiler", allow_module_level=True)
NAMES = "count", "mean", "m2", "m3", "m4", "q3", "q4"


def gradients(count, parameters):
    generator = torch.Generator().manual_seed(0)
    return 3 + torch.randn(count, parameters, generator=generator).double().exp()


def both(g, block, *size, direction=None):
    """Tables of torch and of the compiled loops, and what each saw of every block."""
    tables = Table(*size), CompiledTable(*size)
    seen = [[table.add(part, direction) for part in g.split(block)] for table in tables]
    return tables, seen


def close(one, other):
    finite = one[one.isfinite()].abs()
    scale = float(finite.max()) if finite.numel() else 0.0
    torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12 * scale, equal_nan=True)


@pytest.mark.parametrize("parameters", [1, 20, 300])
def test_wholes_agree_over_many_blocks(parameters):
    g, way = gradients(5000, parameters), torch.ones(parameters).double()
    tables, seen = both(g, 300, 64, direction=way)
    for pair in zip(*seen, strict=True):
        for one, other in zip(*pair, strict=True):
            close(one, other)
    for name in NAMES:
        close(*(getattr(table.whole(), name) for table in tables))


@pytest.mark.parametrize(("chunk", "limit"), [(1, 64), (16, 8), (16, 7), (64, 64), (256, 1)])
@pytest.mark.parametrize("count", [16, 1000, 5000])
@pytest.mark.parametrize("block", [1, 5])
def test_rows_are_the_same_at_any_time(chunk, limit, count, block):
    for parts in range(1, min(count // (block * chunk), 40) + 1):
        (one, other), _ = both(gradients(parts * block * chunk, 3), block * chunk, chunk, limit)
        assert one.row_size == other.row_size
        for name in ("count", "mean", "m2"):
            close(getattr(one.rows, name), getattr(other.rows, name))


@pytest.mark.parametrize("chunk", [60, 64, 97, 128, 256, 1000])
@pytest.mark.parametrize("parameters", [65, 71, 130, 257, 300, 400, 512, 600])
def test_rows_are_the_same_however_many_parameters_there_are(chunk, parameters):
    (one, other), _ = both(gradients(3 * chunk + 5, parameters), 2 * chunk + 3, chunk)
    for name in ("mean", "m2"):
        close(getattr(one.rows, name), getattr(other.rows, name))


def test_rows_of_equal_gradients_have_no_variance_and_none_below_zero():
    g = torch.rand(64, 1, 5, generator=torch.Generator().manual_seed(0)).double()
    (_, found), _ = both(g.expand(64, 48, 5).reshape(-1, 5), 64 * 48, 48)
    assert 0 <= float(found.rows.m2.min()) <= float(found.rows.m2.max()) < 1e-12


@pytest.mark.parametrize("table", [Table, CompiledTable])
def test_a_direction_may_lie_anywhere(table):
    g, way = gradients(100, 6), torch.tensor([-1.0, 0.5, 2.0, 0.0, 1.0, 3.0]).double()
    known, strided = table(20).add(g, way).along, torch.stack([way, way], 1)[:, 0]
    close(table(20).add(g, strided).along, known)
    close(table(20).add(g, torch._neg_view(-way)).along, known)
    close(table(20).add(torch._neg_view(-g), way).along, known)


def test_a_direction_in_single_precision_is_read_as_it_is():
    g, way = gradients(100, 6), torch.tensor([-1.0, 0.5, 2.0, 0.0, 1.0, 3.0])
    found = [CompiledTable(20).add(g, form).along for form in (way, way.double())]
    assert torch.equal(*found)


def test_equal_gradients_have_no_variance():
    (_, found), _ = both(torch.full((1000, 2), 0.1, dtype=torch.float64), 128, 8)
    assert float(found.whole().m2.max()) <= 1e-28
    assert 0 <= float(found.rows.m2.min()) <= float(found.rows.m2.max()) <= 1e-28


def test_what_is_read_is_not_changed_by_later_blocks():
    (_, found), _ = both(gradients(1000, 2), 100, 8)
    whole, rows = found.whole(), found.rows
    before = [getattr(whole, name).clone() for name in NAMES] + [rows.mean.clone()]
    found.add(gradients(100, 2) + 5)
    after = [getattr(whole, name) for name in NAMES] + [rows.mean]
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def test_health_is_the_same():
    g, way = gradients(400, 3) - 4, torch.ones(3).double()
    g[:3], g[5], g[7:9, 1], g[10] = 0.0, 1e-200, -1e200, 1e160
    _, seen = both(g, 100, 20, direction=way)
    for one, other in zip(*seen, strict=True):
        assert [float(part) for part in one.health()] == pytest.approx(other.health(), rel=1e-12)
    g[20, 1], g[30:33, 0] = torch.nan, -torch.inf
    _, (torchs, compiled) = both(g, 400, 20)
    assert torchs[0].health()[0] == compiled[0].health()[0] == 4


def test_a_measurement_is_the_same(monkeypatch):
    def measured():
        return measure(problems.load("normal-10-quadratic"), "reinforce", 4, 20_000, timed=False)

    compiled = measured()
    monkeypatch.setattr(c_loops, "available", lambda: False)
    plain = measured()
    assert compiled.bias_verdict == plain.bias_verdict
    assert compiled.direction_verdict == plain.direction_verdict
    for name in ("variance", "variance_high", "kurtosis", "bias2", "cosine", "wrong_way", "mse"):
        assert getattr(compiled, name) == pytest.approx(getattr(plain, name), rel=1e-9)


@pytest.mark.parametrize(("there", "device", "kind"), [
    (True, "cpu", CompiledTable), (True, "cuda", Table), (False, "cpu", Table)
])  # fmt: skip
def test_compiled_loops_are_for_the_cpu_where_a_compiler_is(monkeypatch, there, device, kind):
    monkeypatch.setattr(c_loops, "available", lambda: there)
    problem, estimator = problems.load("normal-10-quadratic"), create("pathwise")
    one = cell.Cell(problem, None, estimator, 1, 0, torch.device(device))
    assert type(cell.Replicates.of(one, Plan.of(1000, 10), None).table) is kind
    assert (compiled_table() is CompiledTable) == there
