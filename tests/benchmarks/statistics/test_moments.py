import numpy as np
import pytest
import torch

from benchmarks.calibration import bit_identity
from benchmarks.statistics import block_sums
from benchmarks.statistics.moments import Table
from benchmarks.statistics.stopping import FEWEST, Plan

NAMES = ("mean", "m2", "m3", "m4", "q3", "q4")


def table(x, size, chunk=16, limit=64):
    found = Table(chunk, limit)
    for block in x.split(size):
        found.add(block)
    return found


def gradients(count, parameters, mean=0.0, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.exponential(size=(count, parameters)) @ rng.normal(size=(parameters, parameters))
    return torch.from_numpy(mean + x)


def direct(x):
    x = x.numpy().astype(np.longdouble)
    d = x - x.mean(0)
    norm2 = (d**2).sum(1, keepdims=True)
    sums = {f"m{k}": (d**k).sum(0) for k in (2, 3, 4)}
    return {"mean": x.mean(0), **sums, "q3": (norm2 * d).sum(0), "q4": (norm2**2).sum()}


@pytest.mark.parametrize("mean", [0.0, 1.0, 1e6])
@pytest.mark.parametrize("parameters", [1, 3])
def test_one_block_is_exact(parameters, mean):
    x = gradients(1000, parameters, mean)
    whole = table(x, 1000).whole()
    for name, value in direct(x).items():
        assert getattr(whole, name)[0].numpy() == pytest.approx(value.astype(float), rel=1e-10)


@pytest.mark.parametrize("size", [1, 16, 128, 300])
def test_merged_blocks_are_exact_for_one_parameter(size):
    x = gradients(1000, 1, 1e6)
    whole = table(x, size).whole()
    for name, value in direct(x).items():
        assert getattr(whole, name)[0].numpy() == pytest.approx(value.astype(float), rel=1e-10)


def test_fourth_moment_of_the_norm_is_close_for_dependent_parameters():
    x = gradients(10_000, 4)
    q4 = float(table(x, 64).whole().q4[0])
    assert q4 == pytest.approx(float(direct(x)["q4"]), rel=5e-3)


def test_merge_error_at_mean_a_million_spreads():
    assert bit_identity.merge_error(1) <= 1e-10


def test_float32_gradients_are_summed_in_float64():
    x = (100 + gradients(20_000, 2)).float()
    assert table(x, 512).whole().m4[0].numpy() == pytest.approx(
        direct(x.double())["m4"].astype(float), rel=1e-10
    )


@pytest.mark.parametrize("count", [100, 999, 1000, 4096, 5000, 10_007])
@pytest.mark.parametrize("size", [16, 64, 1024])
def test_rows_are_equally_filled_and_hold_almost_everything(count, size):
    x = gradients(count, 2)
    found = table(x, size, chunk=4, limit=64)
    rows = found.rows
    assert set(rows.count.tolist()) == {found.row_size}
    assert len(rows) <= 64
    assert count - int(rows.count.sum()) < found.row_size + found.chunk
    for i in range(len(rows)):
        part = x[i * found.row_size : (i + 1) * found.row_size]
        torch.testing.assert_close(rows.mean[i], part.mean(0), rtol=1e-12, atol=1e-14)
        torch.testing.assert_close(rows.m2[i], part.var(0) * (len(part) - 1), rtol=1e-10, atol=0.0)


def test_equal_gradients_have_no_variance():
    x = torch.full((1000, 2), 0.1, dtype=torch.float64)
    found = table(x, 128)
    assert float(found.whole().m2.max()) <= 1e-28
    assert float(found.rows.m2.max()) <= 1e-28


@pytest.mark.parametrize("count", [100, 130, 1000, 10_000, 12_345])
def test_a_plan_gives_enough_rows_for_any_r(count):
    for numbers in (1, 20, 16_000):
        plan = Plan.of(count, numbers)
        assert sum(plan.sizes()) == count
        found = Table(plan.chunk)
        for size in plan.sizes():
            found.add(torch.randn(size, 1))
        assert 32 <= len(found.rows) <= 64
        assert plan.block % plan.chunk == 0


def test_too_few_replicates_are_refused():
    with pytest.raises(ValueError, match="too few"):
        Plan.of(FEWEST - 1, 1)


def test_memory_does_not_grow_with_replicates():
    def held(blocks):
        found = Table(32)
        x = torch.randn(32, 300)
        for _ in range(blocks):
            found.add(x)
        parts = [*vars(found._rows).values(), *vars(found._whole).values()]
        return sum(part.numel() for part in parts)

    assert max(held(blocks) for blocks in (64, 300, 1000)) <= 2 * 65 * 300 + 10_000


@pytest.mark.parametrize("size", [300, 4096])
def test_pieces_have_the_bits_of_the_whole(size):
    """Workers send whole blocks, and whoever makes them itself takes them in by pieces."""
    x = gradients(3 * size, 23, 1.0)
    whole, pieces = Table(256), Table(256)
    for block in x.split(size):
        seen, other = whole.add(block, x[0]), pieces.add(block.split((10, 1, 12), 1), x[0])
        assert all(torch.equal(a, b) for a, b in zip(seen, other, strict=True))
    assert bit_identity._same(whole.whole(), pieces.whole())
    assert torch.equal(whole.rows.m2, pieces.rows.m2)


@pytest.mark.parametrize(
    ("factor", "unhealthy", "zero"), [(1e-200, 0, 0), (1e200, 0, 0), (0, 0, 7)]
)
def test_directions_of_gradients_whose_squares_are_no_numbers(factor, unhealthy, zero):
    g = gradients(100, 3)
    plain = Table(8).add(g, torch.ones(3).double())
    g[:7] *= factor
    extreme = Table(8).add(g, torch.ones(3).double())
    assert int((~extreme.square.isfinite()).sum()) == unhealthy
    assert int((extreme.square == 0).sum()) == zero
    cosines = [(seen.along / seen.square.sqrt())[zero:] for seen in (plain, extreme)]
    torch.testing.assert_close(*cosines)


def test_gradients_that_are_no_numbers_are_counted():
    g = gradients(100, 3)
    g[3, 1], g[5, 2] = torch.nan, torch.inf
    seen = Table(8).add(g, torch.ones(3).double())
    assert (~seen.square.isfinite()).nonzero().flatten().tolist() == [3, 5]


def test_a_block_of_many_tiles_is_summed_as_one_of_few(monkeypatch):
    x = gradients(5000, 4, 3.0)
    found = {}
    for tile in (16, 100, 2**20):
        monkeypatch.setattr(block_sums, "TILE", tile)
        found[tile] = table(x, 1700, chunk=50)
    for name in NAMES:
        few, *others = (getattr(t.whole(), name) for t in reversed(found.values()))
        for other in others:
            torch.testing.assert_close(other, few, rtol=1e-10, atol=1e-9)
    torch.testing.assert_close(found[16].rows.mean, found[2**20].rows.mean, rtol=1e-12, atol=1e-14)


def test_blocks_fed_in_another_order_are_not_the_same_bits():
    """The order is part of the contract, or the test of workers would test nothing."""
    blocks = gradients(1000, 2).split(100)
    forward, backward = Table(50), Table(50)
    for block, other in zip(blocks, reversed(blocks), strict=True):
        forward.add(block)
        backward.add(other)
    assert not bit_identity._same(forward.whole(), backward.whole())
