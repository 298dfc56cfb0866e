"""Reference runs: combined by precision where they agree, an error where they do not."""

import json

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from benchmarks import Problem, problems
from benchmarks.running import reference_runs
from benchmarks.running.reference_runs import make_reference

RUNS = ("pathwise", 16, 2_000), ("reinforce-loo", 16, 2_000)


class Wider(Normal):
    """A sampler that is 1.5 times too wide for its own density."""

    def rsample(self, sample_shape=()):
        return self.loc + 1.5 * (super().rsample(sample_shape) - self.loc)

    def sample(self, sample_shape=()):
        with torch.no_grad():
            return self.rsample(sample_shape)


def register(family):
    @problems.register("by-two-runs")
    def build():
        parameters = {name: torch.tensor(1.0, dtype=torch.float64) for name in ("loc", "scale")}
        return Problem("by-two-runs", parameters, family, lambda x: (x - 0.3).square())


def test_runs_that_agree_are_combined():
    register(Normal)
    found = make_reference("by-two-runs", *RUNS)
    exact = torch.tensor([1.4, 2.0], dtype=torch.float64)
    assert ((found.gradient - exact).abs() < 5 * found.error).all()
    # ∂loc has variance 4 by the path and Var((f − E f) z) = 13.92 by the score
    assert float(found.error[0]) == pytest.approx((32_000 * (1 / 4 + 1 / 13.92)) ** -0.5, rel=0.05)
    note = json.loads(found.note)
    assert note["runs"] == [list(run) for run in RUNS]
    assert note["largest |z|"] < 5


def test_runs_that_disagree_are_an_error():
    register(Wider)
    with pytest.raises(RuntimeError, match="pathwise and reinforce-loo disagree on by-two-runs"):
        make_reference("by-two-runs", *RUNS)


@pytest.mark.parametrize(("gap", "agrees"), [(3.0, True), (9.0, False)])
def test_the_line_between_them_is_in_standard_errors(monkeypatch, gap, agrees):
    means = iter([np.array([0.0, 1.0]), np.array([0.0, 1.0 + gap * 2**0.5])])
    monkeypatch.setattr(reference_runs, "_run", lambda *_: (next(means), np.ones(2)))
    if agrees:
        found = make_reference("planted", *RUNS)
        assert found.gradient[1] == pytest.approx(1 + gap / 2**0.5)
        assert found.error.tolist() == pytest.approx([2**-0.5] * 2)
    else:
        with pytest.raises(RuntimeError, match=f"up to {gap}"):
            make_reference("planted", *RUNS)
