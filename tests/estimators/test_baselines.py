"""The baselines by the numbers that they subtract."""

import pytest
import torch

from estimators import Unsupported
from estimators.baselines import Constant, LeaveOneOut, MovingAverage


def costs(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_leave_one_out_is_the_mean_of_the_others():
    f = torch.tensor([[1.0], [2.0], [6.0]])
    assert LeaveOneOut()(f).tolist() == [[4.0], [3.5], [1.5]]
    with pytest.raises(Unsupported, match="two samples"):
        LeaveOneOut()(f[:1])


def test_a_constant_is_one():
    assert Constant(2.0)(costs(3, 1)) == 2.0


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_a_moving_average_weighs_the_mean_of_each_call(batch):
    """b = Σ decayᵗ f̄ / Σ decayᵗ over the calls before, f̄ over samples and batch."""
    average = MovingAverage(0.9)
    calls = [costs(4, *batch, seed=seed) for seed in range(3)]
    assert average(calls[0]) == 0
    assert average(calls[1]) == pytest.approx(float(calls[0].mean()))
    expected = (0.9 * calls[0].mean() + calls[1].mean()) / 1.9
    assert float(average(calls[2])) == pytest.approx(float(expected))


@pytest.mark.parametrize("batch", [(), (3,), (2, 3)])
def test_a_settled_average_has_a_mean_for_each_replicate(batch):
    draws = [costs(4, 5, *batch, seed=seed) for seed in range(20)]
    calls = iter(draws)
    settled = MovingAverage(0.9).after(lambda: next(calls))
    before = torch.stack(draws[:19]).transpose(0, 2).reshape(5, -1).mean(1)  # 19 = 1.9 / 0.1
    assert len(list(calls)) == 1
    f = draws[-1]
    first = settled(f)
    assert first.shape == (5, *[1] * len(batch))
    torch.testing.assert_close(first.flatten(), before)
    own = f.transpose(0, 1).reshape(5, -1).mean(1)
    torch.testing.assert_close(settled(f).flatten(), 0.9 * before + 0.1 * own)
