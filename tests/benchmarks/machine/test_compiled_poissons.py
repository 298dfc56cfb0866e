"""The compiled loop draws torch's Poisson numbers, bit for bit."""

import pytest
import torch
from torch.distributions import Independent, Poisson

from benchmarks import c_loops
from benchmarks.machine import compiled_poissons
from estimators.capabilities import random_numbers
from estimators.capabilities.fused_twins import fused
from estimators.special import loops

if not c_loops.available():
    pytest.skip("there is no C compiler", allow_module_level=True)
RATES = torch.linspace(0.05, 9.95, 12, dtype=torch.float64)
SHAPES = {
    "one": RATES[3].expand(50, 40),
    "in turn": RATES.expand(5, 100, 12),
    "of two axes": RATES.view(3, 4).expand(60, 3, 4),
    "transposed": RATES.view(3, 4).t().expand(60, 4, 3),
    "columns": RATES[:, None].expand(12, 12),
    "all different": torch.linspace(0.1, 9, 1200, dtype=torch.float64).view(100, 12),
    "more than are kept": torch.linspace(0.1, 9, 6000, dtype=torch.float64),
    "in single precision": RATES.float().expand(100, 12),
    "in half precision": RATES.half().expand(100, 12),
    "large": (RATES + 5).expand(100, 12),
    "none": RATES.expand(0, 12),
    "zero": (RATES - RATES[0]).expand(100, 12),
}


@pytest.fixture(autouse=True)
def as_before():
    yield
    loops.bring(poissons=None)


def both(rate, before):
    """What each draws when `before` words have been, and numbers drawn after that."""
    for draw in (compiled_poissons.poissons, torch.poisson):
        torch.manual_seed(0)
        torch.randint(9, (before,))
        yield draw(rate), torch.randint(2**60, (3,)), torch.rand(2, dtype=torch.float64)


@pytest.mark.parametrize("before", [0, 1, 2, 623, 624, 625])
@pytest.mark.parametrize("rate", SHAPES.values(), ids=SHAPES)
def test_the_bits_are_torchs_and_so_are_those_that_follow(rate, before):
    ours, torchs = both(rate, before)
    for one, other in zip(ours, torchs, strict=True):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    assert ours[0].is_contiguous()


def test_a_million_numbers_have_torchs_bits():
    ours, torchs = both(RATES.expand(90_000, 12), 5)
    assert all(torch.equal(one, other) for one, other in zip(ours, torchs, strict=True))


def test_many_samples_of_a_distribution_are_drawn_so():
    def sample():
        torch.manual_seed(0)
        return fused(Independent(Poisson(RATES), 1)).sample((2, 1000))

    before, calls = sample(), []
    loops.bring(poissons=lambda rate: calls.append(rate.shape) or compiled_poissons.poissons(rate))
    assert torch.equal(sample(), before)
    assert calls == [(2, 1000, 12)]
    with random_numbers.torch_numbers():
        assert torch.equal(sample(), before)
    assert len(calls) == 1
    torch.library.opcheck(torch.ops.estimators.poissons, (SHAPES["in turn"],))


def test_another_torchs_numbers_are_never_replaced(monkeypatch):
    state = torch.get_rng_state()
    monkeypatch.setattr(torch, "manual_seed", None)  # it would seed CUDA's generators, too
    compiled_poissons.use()
    monkeypatch.undo()
    assert loops.brought("poissons") is compiled_poissons.poissons
    assert torch.equal(torch.get_rng_state(), state)
    loops.bring(poissons=None)
    monkeypatch.setattr(compiled_poissons, "exp", lambda x: 1.001 * 2.0**x)
    compiled_poissons.use()
    assert loops.brought("poissons") is None
