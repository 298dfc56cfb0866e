"""What is looked up of a Poisson law is what is computed."""

import pytest
import torch

from estimators.special import poisson
from estimators.special.poisson import log_poisson, log_poisson_looked_up

RATES = {
    "one": torch.tensor(3.0),
    "few": torch.linspace(0.1, 40, 6),
    "expanded": torch.linspace(0.1, 40, 6).expand(500, 6),
    "a column": torch.linspace(0.1, 40, 500).view(-1, 1).expand(500, 6),
    "all different": torch.linspace(0.1, 40, 3000).view(500, 6),
    "transposed": torch.linspace(0.1, 4, 3000).view(6, 500).t(),
}
rates = pytest.mark.parametrize("rate", RATES.values(), ids=RATES)


def drawn(rate, dtype=torch.float64):
    rate = rate.to(dtype)
    generator = torch.Generator().manual_seed(0)
    return torch.poisson(rate.expand(4, 500, 6), generator), rate


@rates
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_it_is_what_torch_computes(rate, dtype):
    x, rate = drawn(rate, dtype)
    rounding = 1e3 * torch.finfo(dtype).eps  # of terms of 200 at most
    ours, plain = log_poisson_looked_up(x, rate), log_poisson(x, rate)
    torch.testing.assert_close(ours, plain, rtol=0.0, atol=rounding)


@rates
@pytest.mark.parametrize("whole", [True, False])
def test_a_table_of_all_has_the_bits_of_one_of_factorials(rate, whole, monkeypatch):
    x, rate = drawn(rate)
    found = log_poisson_looked_up(x, rate, whole)
    monkeypatch.setattr(poisson, "LARGEST", 0)
    assert torch.equal(found, log_poisson_looked_up(x, rate, whole))


@pytest.mark.parametrize("value", [0.5, -1.0, 1e6, torch.nan, torch.inf])
def test_what_no_table_has_is_computed(value):
    x, rate = drawn(RATES["few"])
    x[1, 2, 3] = value
    ours, plain = log_poisson_looked_up(x, rate), log_poisson(x, rate)
    assert torch.equal(ours.nan_to_num(7.0), plain.nan_to_num(7.0))


def test_more_rates_than_numbers():
    x, rate = drawn(RATES["few"])
    wide = rate.expand(3, 4, 500, 6)
    torch.testing.assert_close(log_poisson_looked_up(x, wide), log_poisson(x, wide))
