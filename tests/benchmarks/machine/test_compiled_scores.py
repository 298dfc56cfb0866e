"""Compiled tables and sums over samples have torch's bits, and give way where they could not."""

import numpy as np
import pytest
import torch
from torch.distributions import Independent, Normal, Poisson

from benchmarks import c_loops
from benchmarks.machine import compiled_scores, inversion
from estimators import create, replicate_gradients
from estimators.capabilities import sample_sums
from estimators.special import loops
from estimators.special.poisson import log_poisson, log_poisson_looked_up

if not c_loops.available():
    pytest.skip("there is no C compiler", allow_module_level=True)
sums_by_loop = torch.no_grad()(sample_sums.sums_by_loop)
NAMES = ("looked_up", "weighted_sums")
RATES = torch.linspace(0.5, 5, 10, dtype=torch.float64)
LAWS = {
    "normal": ({"loc": RATES, "scale": RATES}, Normal),
    "poisson": ({"rate": RATES}, Poisson),
}


@pytest.fixture(autouse=True)
def as_before():
    yield
    loops.bring(**dict.fromkeys(NAMES))
    inversion.look_up_by(None)


def counted(name, calls):
    loop = loops.brought(name)
    loops.bring(**{name: lambda *given: calls.append(name) or loop(*given)})


@pytest.mark.parametrize(("samples", "replicates"), [(2, 32), (7, 256), (16, 1024), (16, 1000)])
@pytest.mark.parametrize("law", LAWS)
def test_gradients_have_the_same_bits(law, samples, replicates):
    parameters, kind = LAWS[law]

    def gradients():
        torch.manual_seed(0)
        return replicate_gradients(
            create("reinforce-loo"),
            lambda **given: Independent(kind(**given), 1),
            parameters,
            lambda x: (x - 1).square().sum(-1),
            samples,
            replicates,
        )

    before, calls = gradients(), []
    compiled_scores.use()
    for name in NAMES:
        counted(name, calls)
    for name, found in gradients().items():
        assert torch.equal(found, before[name])
    assert ("weighted_sums" in calls) == (replicates % 16 == 0)
    assert ("looked_up" in calls) == (law == "poisson" and replicates > 32)


@pytest.mark.parametrize("shape", [(2, 32, 1), (3, 96, 5), (16, 32, 100), (11, 4096, 10)])
def test_sums_have_torchs_bits(shape):
    compiled_scores.use()
    weight = torch.randn(shape[:2], dtype=torch.float64)
    z = torch.randn(shape, dtype=torch.float64)
    first, second = sums_by_loop(weight, z, z[0])
    wz = weight.unsqueeze(-1) * z
    assert torch.equal(first, wz.sum(0))
    assert torch.equal(second, (wz * z).sum(0))


def test_where_torch_adds_up_in_another_order_it_is_asked():
    compiled_scores.use()
    weight, z = torch.randn(17, 32, dtype=torch.float64), torch.randn(17, 32, 4).double()
    assert sums_by_loop(weight, z, z[0]) is None  # more samples
    weight, z = weight[:5], z[:5].clone().requires_grad_()
    first, _ = sums_by_loop(weight.requires_grad_(), z, z[0])
    assert torch.equal(first, (weight.unsqueeze(-1) * z).sum(0))
    weight, z = weight.detach(), z.detach()
    assert sums_by_loop(weight[:, :3].contiguous(), z[:, :3].contiguous(), z[0, :3]) is None
    assert sums_by_loop(weight.float(), z.float(), z[0].float()) is None
    assert sums_by_loop(weight.t().contiguous().t(), z, z[0]) is None
    assert sample_sums.sums_by_loop(weight, z, z[0]) is None  # a derivative may be wanted
    seen = []
    torch.vmap(lambda w: seen.append(sums_by_loop(w, z, z[0])) or w)(weight.expand(2, 5, 32))
    assert seen == [None]


@pytest.mark.parametrize("bad", [0.5, -1.0, torch.nan, torch.inf, 1e5])
def test_what_is_no_count_is_not_looked_up(bad):
    compiled_scores.use()
    rate = RATES.expand(500, 10)
    x = torch.poisson(rate)
    torch.testing.assert_close(log_poisson_looked_up(x, rate), log_poisson(x, rate))
    x[3, 2] = bad
    torch.testing.assert_close(log_poisson_looked_up(x, rate), log_poisson(x, rate), equal_nan=True)


def test_tables_have_the_same_bits_whatever_repeats_itself():
    for rate in (
        RATES.expand(400, 10),
        RATES[:, None].expand(10, 400),
        RATES.view(2, 5).expand(90, 2, 5),
    ):
        x = torch.poisson(rate.expand(4, *rate.shape))
        before = log_poisson_looked_up(x, rate)
        compiled_scores.use()
        assert torch.equal(log_poisson_looked_up(x, rate), before)
        loops.bring(looked_up=None)


@pytest.mark.parametrize("rate", [0.01, 3.0, 4000.0])
def test_inversion_has_the_same_integers(rate):
    bits = np.random.default_rng(0).integers(0, 2**64, 100_000, dtype=np.uint64)
    bits[:2] = 0, 2**64 - 1
    before, after = np.empty((2, len(bits)), np.int32)
    inversion.poissons(bits, rate, before)
    compiled_scores.use()
    assert inversion._loop is compiled_scores.inverted
    inversion.poissons(bits, rate, after)
    assert np.array_equal(before, after)


def test_sums_of_another_torch_are_never_replaced(monkeypatch):
    torchs = compiled_scores.by_torch
    monkeypatch.setattr(
        compiled_scores, "by_torch", lambda w, z: torchs(w[::-1].copy(), z[::-1].copy())
    )
    compiled_scores.use()
    assert loops.brought("weighted_sums") is None
    assert loops.brought("looked_up")
