"""A class without `event_shape` or `batch_shape` is told which one, and that is enough."""

import pytest
import torch
from torch.distributions import Categorical, Gamma, Normal, OneHotCategorical

from benchmarks import Problem, ProblemError
from benchmarks.measuring.prepare import prepare

POINTS = torch.tensor([[0.0, 0.0], [0.0, 1.0], [2.0, 1.0], [3.0, 5.0]])
LOGITS = {"logits": torch.tensor([0.1, 0.4, -0.2, 0.3])}


class Disc:
    """Of two numbers, which it does not say."""

    def __init__(self, rate):
        self.rate = rate

    def sample(self, sample_shape=()):
        radius = Gamma(self.rate, self.rate).sample(sample_shape)
        angle = 6.28 * torch.rand_like(radius)
        return torch.stack([radius * angle.cos(), radius * angle.sin()], -1)


class SaidDisc(Disc):
    event_shape = torch.Size([2])


class Points:
    """With logits, whose axis it does not say to be its own."""

    event_shape = torch.Size([2])

    def __init__(self, logits):
        self.logits = logits
        self.law = Categorical(logits=logits)

    def sample(self, sample_shape=()):
        return POINTS.to(self.logits)[self.law.sample(sample_shape)]


class SaidPoints(Points):
    @property
    def batch_shape(self):
        return self.logits.shape[:-1]


class Neither(Points):
    event_shape = torch.Size([])


class OneHot(Points):
    event_shape = torch.Size([])

    def sample(self, sample_shape=()):
        return OneHotCategorical(logits=self.logits).sample(sample_shape)


class Short(torch.distributions.Distribution):
    """Of torch's, whose axes of a sample are those of the batch."""

    arg_constraints = {}  # noqa: RUF012

    def __init__(self, rate):
        self.rate = rate
        super().__init__(rate.shape, validate_args=False)

    def sample(self, sample_shape=()):
        return Normal(self.rate, 1.0).sample((*sample_shape, 2)).movedim(len(sample_shape), -1)


def problem(cls):
    given = {"rate": torch.tensor(2.0)} if cls in (Disc, SaidDisc, Short) else LOGITS
    return Problem("mine", given, cls, lambda x: x.square().sum(-1))


SAID = {
    Disc: r"if each sample has \[2\], state `event_shape = torch\.Size\(\[2\]\)` in the class",
    Short: r"event_shape = torch\.Size\(\[2\]\)` in the class \(or give it to super",
    Points: r"give the class a property `batch_shape`, such as `return self\.logits\.shape\[:-1\]`",
    Neither: "let the class state its `batch_shape` and `event_shape`",
    OneHot: "let OneHot state its `event_shape` and `batch_shape`",
}


@pytest.mark.parametrize("cls", SAID)
def test_what_to_state_is_said(cls):
    with pytest.raises(ProblemError, match=SAID[cls]):
        prepare(problem(cls))


@pytest.mark.parametrize("cls", [SaidDisc, SaidPoints])
def test_what_is_stated_is_enough(cls):
    assert prepare(problem(cls)).cautions == ()
