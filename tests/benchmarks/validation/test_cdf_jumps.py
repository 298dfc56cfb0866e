"""A cdf with an atom is named where it jumps, and no density that nobody wrote."""

import pytest
import torch
from torch.distributions import constraints

from benchmarks import Problem, ProblemError
from benchmarks.measuring.prepare import prepare


class Inflated:
    """Zero with probability p, else exponential."""

    def __init__(self, p):
        self.p = p

    def cdf(self, x):
        smooth = self.p + (1 - self.p) * -torch.expm1(-x.clamp(min=0))
        return torch.where(x < 0, torch.zeros_like(x), smooth)


class AtTheEnd(Inflated):
    support = constraints.nonnegative


class Inside(Inflated):
    """Logistic, with an atom of p at 1.234."""

    def cdf(self, x):
        smooth = (1 - self.p) * x.sigmoid()
        return torch.where(x < 1.234, smooth, self.p + smooth)


class WithQuantiles(Inflated):
    def icdf(self, u):
        return -torch.log1p(-((u - self.p) / (1 - self.p)).clamp(min=0))


class Twice(Inflated):
    """That rises to 1.2, without a jump."""

    def cdf(self, x):
        return 1.2 * (x / self.p).sigmoid()

    def sample(self, sample_shape=()):
        return torch.randn(*sample_shape, *self.p.shape, dtype=self.p.dtype)


class Sampled(Inflated):
    cdf = None

    def sample(self, sample_shape=()):
        u = torch.rand(*sample_shape, *self.p.shape, dtype=self.p.dtype)
        return WithQuantiles.icdf(self, u)


def problem(cls, p):
    return Problem("mine", {"p": torch.tensor(p)}, cls, lambda x: (x - 1) ** 2)


@pytest.mark.parametrize("p", [0.3, 0.1])
@pytest.mark.parametrize(
    ("cls", "at"), [(Inflated, "0"), (AtTheEnd, "0"), (WithQuantiles, "0"), (Inside, "1.234")]
)
def test_the_jump_of_a_cdf_is_named(cls, at, p):
    with pytest.raises(ProblemError) as caught:
        prepare(problem(cls, p))
    said = str(caught.value)
    assert f"`cdf` jumps by {p:.4g} at x = {at}, and the density that follows from it" in said
    assert "Bring `icdf` or `sample` in place of `cdf`" in said
    assert "log_prob" not in said


def test_several_laws_at_once():
    several = Problem(
        "mine", {"p": torch.tensor([0.1, 0.4])}, Inside, lambda x: (x - 1) ** 2, truth=None
    )
    with pytest.raises(ProblemError, match=r"`cdf` jumps by 0\.4 at x = 1\.234"):
        prepare(several)


def test_a_cdf_of_another_mass_does_not_jump():
    with pytest.raises(ProblemError, match="`cdf` does not rise smoothly from 0 to 1"):
        prepare(problem(Twice, 0.7))


def test_the_way_out_is_taken():
    assert prepare(problem(Sampled, 0.3)).cautions == ()
