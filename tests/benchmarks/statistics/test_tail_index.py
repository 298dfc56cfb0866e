import gc

import numpy as np
import pytest
import torch

from benchmarks.statistics.stopping import Plan, StoppingRule
from benchmarks.statistics.tail_index import LargestValues, is_heavy, pareto_shape, tail_size


def heavy(x, block=1000):
    found = LargestValues()
    for part in torch.as_tensor(x, dtype=torch.float64).split(block):
        found.add(part)
    return is_heavy(found, float(np.mean(x)))


def share(draw, count=10_000, runs=40):
    return np.mean([heavy(draw(np.random.default_rng(seed), count)) for seed in range(runs)])


def test_what_it_keeps_lies_in_one_piece_of_memory():
    def tensors():
        gc.collect()
        return sum(issubclass(type(each), torch.Tensor) for each in gc.get_objects())

    found, before = LargestValues(), tensors()
    blocks = torch.from_numpy(np.random.default_rng(0).exponential(size=(500, 64)))
    for block in blocks:
        found.add(block.clone())
    assert tensors() - before <= 3  # `blocks`, `block` and what it keeps
    kept = blocks.flatten().sort(descending=True).values
    assert torch.equal(found.values, kept[: tail_size(32_000) + 1])


def test_enough_are_kept_for_the_tail_of_four_times_as_many():
    found, s = LargestValues(), np.random.default_rng(0).random(4000)
    s[:1000] += 1  # so that all of the tail is in the first block
    for block in torch.from_numpy(s).split(1000):
        found.add(block)
    assert np.array_equal(found.values, np.sort(s)[::-1][: tail_size(4000) + 1])


def test_what_is_no_number_is_among_the_largest():
    found = LargestValues()
    found.add(torch.linspace(0, 1, 5000))
    found.add(torch.tensor([0.5, torch.nan, torch.inf]))
    before = found.values
    assert before[0].isnan()
    assert before[1].isinf()
    found.add(torch.full((100,), 3.0))
    assert before[2] == 1  # what was read stays as it was
    assert found.values[2] == 3


@pytest.mark.parametrize("k", [0.1, 0.5, 0.9])
def test_pareto_shape(k):
    rng = np.random.default_rng(0)
    x = (rng.random(20_000) ** -k - 1) / k
    assert pareto_shape(x) == pytest.approx(k, abs=0.03)


@pytest.mark.parametrize("count", [1000, 10_000])
def test_t3_is_flagged_and_normal_is_not(count):
    assert share(lambda rng, n: rng.standard_t(3, n) ** 2, count) >= 0.8
    assert share(lambda rng, n: rng.normal(size=n) ** 2, count) <= 0.05
    assert share(lambda rng, n: rng.normal(size=n) ** 4, count) <= 0.5


@pytest.mark.parametrize("parameters", [1, 10, 100])
def test_bernoullis_are_flagged_by_how_few_events_there_were(parameters):
    def draw(p):
        def squares(rng, n):
            x = (rng.random((n, parameters)) < p).astype(float)
            return ((x - x.mean(0)) ** 2).sum(1)

        return squares

    runs = 10
    assert share(draw(0.1), runs=runs) <= 0.1
    if parameters == 1:
        assert share(draw(0.003), runs=runs) == 1


def test_one_dominant_replicate_is_flagged():
    x = np.ones(10_000)
    x[5] = 1000
    assert heavy(x)


def test_constant_and_zero_are_not_flagged():
    assert not heavy(np.ones(10_000))
    assert not heavy(np.zeros(10_000))
    assert not heavy(np.ones(100) + 1e-9 * np.arange(100))


def test_the_largest_values_are_kept_whatever_the_blocks():
    x = np.random.default_rng(0).exponential(size=50_000)
    found = LargestValues()
    for part in torch.as_tensor(x).split(777):
        found.add(part)
    assert np.array_equal(found.values.numpy(), np.sort(x)[::-1][: tail_size(50_000) + 1])


def test_stops_only_when_kurtosis_has_settled():
    rule = StoppingRule(0.05, 10**6)
    assert not rule.satisfied(10_000, 0.01, 3.0)
    assert not rule.satisfied(12_000, 0.01, 9.0)
    assert not rule.satisfied(15_000, 0.01, 3.0)
    assert not rule.satisfied(18_000, 0.01, 3.0)
    assert rule.satisfied(22_000, 0.01, 3.1)
    assert not StoppingRule(0.05, 10**6).satisfied(10_000, 0.2, 3.0)


def test_a_sequential_run_looks_often_enough():
    assert Plan.of(10**6, 1, start=10_000).block <= 2048


@pytest.mark.parametrize("precision", [0.0, 1.0, -1.0])
def test_precision_must_be_a_share(precision):
    with pytest.raises(ValueError, match="between 0 and 1"):
        StoppingRule(precision, 1000)
