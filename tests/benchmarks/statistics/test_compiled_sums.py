"""The compiled loops find what torch's operations find."""

import pytest
import torch

from benchmarks import c_loops
from benchmarks.statistics.block_sums import Block
from benchmarks.statistics.compiled_sums import CompiledBlock

if not c_loops.available():
    pytest.skip("there is no C compiler", allow_module_level=True)
COUNT = 333  # no multiple of any tile


def gradients(count, parameters, dtype=torch.float64):
    g = torch.randn(count, parameters, generator=torch.Generator().manual_seed(0))
    return (3 + g.double().exp()).to(dtype)


def both(pieces, direction=None, chunk=64):
    """Blocks and their sums, as torch finds them and the compiled loops."""
    origin = torch.cat([piece[:1] for piece in pieces], 1).double()
    kinds = Block, CompiledBlock
    blocks = [kind.of(pieces, origin, chunk, direction) for kind in kinds]
    mean = blocks[0].total[None] / len(blocks[0].square)
    return blocks, [block.sums(mean) for block in blocks]


def agree(blocks, sums):
    for name in ("total", "along", "square"):
        close(*(getattr(block, name) for block in blocks))
    for one, other in zip(*sums, strict=True):
        close(one, other)


def close(one, other):
    finite = one[one.isfinite()].abs()
    scale = float(finite.max()) if finite.numel() else 0.0
    torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-12 * scale, equal_nan=True)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("parameters", [1, 2, 3, 4, 21, 130, 1000, 10_000])
def test_the_same_numbers(parameters, dtype):
    g = gradients(COUNT, parameters, dtype)
    way = torch.linspace(-1, 1, parameters).double()
    agree(*both([g], way))
    agree(*both([g]))


@pytest.mark.parametrize("chunk", [1, 16, 64, 256, 512])
@pytest.mark.parametrize("count", [1, 7, 256, 1000])
def test_rows_of_any_length(count, chunk):
    blocks, sums = both([gradients(count, 5)], chunk=chunk)
    agree(blocks, sums)
    assert sums[1].rows.shape == (2, count // chunk, 5)


def test_pieces_have_the_bits_of_the_whole_and_gaps_in_memory_do_not_matter():
    g, way = gradients(COUNT, 23), torch.ones(23).double()
    pieces = [g[:, :10], g.t()[10:11].t(), g[:, 11:]]
    one, other = (CompiledBlock.of(form, g[:1], 64, way) for form in ([g], pieces))
    for name in ("x", "total", "along", "square"):
        assert torch.equal(getattr(one, name), getattr(other, name))
    for mine, theirs in zip(one.sums(g[1:2]), other.sums(g[1:2]), strict=True):
        assert torch.equal(mine, theirs)


@pytest.mark.parametrize("value", [0.0, 1e-200, 1e200, torch.inf, -torch.inf, torch.nan])
def test_extreme_gradients_are_seen_alike(value):
    g, way = gradients(COUNT, 6), torch.ones(6).double()
    g[5], g[9, 2] = value, value
    blocks, sums = both([g], way)
    agree(blocks, sums) if abs(value) < 1 else agree(blocks, [(), ()])
    blocks, _ = both([g])
    assert not blocks[1].along.any()
