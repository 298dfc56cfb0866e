"""Costs: each sample by itself, nothing hidden, and never blamed for what samples do."""

import math

import pytest
import torch
from torch.distributions import (
    Categorical,
    Distribution,
    Gamma,
    Independent,
    Normal,
    TransformedDistribution,
    constraints,
)
from torch.distributions.transforms import TanhTransform

from benchmarks import Problem, ProblemError, measure
from benchmarks.validation.goodness_of_fit import examine
from benchmarks.validation.interface_checks import check
from estimators.multi_sample import importance_weighted

LOC = {"loc": torch.tensor(0.5)}


def of_normal(cost, **more):
    return Problem("mine", LOC, lambda loc: Normal(loc, 1.0), cost, **more)


def of_events(cost):
    given = {"loc": torch.zeros(3)}
    return Problem("mine", given, lambda loc: Independent(Normal(loc, 1.0), 1), cost)


def reward(x):
    return (x - 2).square()


norm = torch.nn.BatchNorm1d(1).double()


def normed(x):
    return norm(x.reshape(-1, 1)).reshape(x.shape).square()


def whitened(x):
    return (reward(x) - reward(x).mean()) / reward(x).std()


def ranked(x):
    return reward(x).flatten().argsort().argsort().reshape(x.shape) / x.numel()


def best_half(x):
    return torch.where(reward(x) <= reward(x).median(0).values, reward(x), 0.0)


COUPLED = {
    "group": (lambda x: reward(x) - reward(x).mean(0, keepdim=True), "samples"),
    "group softmax": (lambda x: reward(x).softmax(0), "samples"),
    "group scale": (lambda x: reward(x) / reward(x).amax(0), "samples"),
    "group neighbour": (lambda x: reward(x) - reward(x).roll(1, 0), "samples"),
    "best half": (best_half, "samples"),
    "centre": (lambda x: reward(x) - reward(x).mean(), "replicates"),
    "whiten": (whitened, "replicates"),
    "rank": (ranked, "replicates"),
    "norm": (normed, "replicates"),
    "largest": (lambda x: reward(x) - reward(x).max(), "replicates"),
    "replicate softmax": (lambda x: reward(x).softmax(1), "replicates"),
    "median": (lambda x: (x - x.median()).square(), "replicates"),
}


@pytest.mark.parametrize("coupled", COUPLED)
def test_what_couples_samples_is_refused(coupled):
    cost, what = COUPLED[coupled]
    with pytest.raises(ProblemError, match=f"mixes {what}") as caught:
        measure(of_normal(lambda x: cost(x).double()), "pathwise")
    assert str(caught.value).count("\n") == 0


def test_the_plain_reward_is_measured():
    """Its gradient is 2 (0.5 − 2) = −3."""
    row = measure(of_normal(reward), "pathwise", 4, 3000, timed=False)
    error = math.sqrt(row.variance / row.replicates)
    assert abs(row.parameters["mean"][0] + 3) < 5 * error
    assert row.reason is None


class Cut(Distribution):
    """A normal between 0.81 and 0.87, 5.4 standard deviations out: infinite in single precision."""

    arg_constraints = {}  # noqa: RUF012
    support = constraints.interval(0.81, 0.87)

    def __init__(self, loc, scale):
        self.loc, self.scale = loc, scale
        super().__init__(loc.shape, validate_args=False)

    def icdf(self, u):
        normal = Normal(self.loc, self.scale)
        a, b = (normal.cdf(torch.as_tensor(end).to(u)) for end in (0.81, 0.87))
        return normal.icdf(a + u * (b - a))


@pytest.mark.parametrize("scale", [0.05, 0.049, 0.048])
def test_checks_are_in_double_precision(scale):
    given = {"loc": torch.tensor(0.54), "scale": torch.tensor(scale)}
    row = measure(Problem("cut", given, Cut, lambda x: (x - 0.8).square()), "pathwise", 2, 1000)
    assert row.status == "ok"


class Overflowing(Normal):
    def rsample(self, sample_shape=()):
        return (1000 * super().rsample(sample_shape)).exp()


def test_samples_that_are_not_finite_are_not_the_costs_fault():
    problem = Problem("mine", LOC, lambda loc: Overflowing(loc, 1.0), lambda x: 1 / (1 + x))
    with pytest.raises(ProblemError, match=r"samples of problem 'mine' are not finite: \d+ of"):
        check(problem)


def actor(loc, log_std):
    return TransformedDistribution(Normal(loc, log_std.exp()), [TanhTransform(cache_size=1)])


@pytest.mark.parametrize("loc", [3.0, 4.0, 5.0, 6.0])
def test_a_saturated_actor_with_a_cache_is_measured(loc):
    """f = 0.2 log p(a) − a: ∂/∂loc E f = E[0.4 tanh z − sech² z], z ~ N(loc, 1)."""
    given = {"loc": torch.tensor(loc), "log_std": torch.tensor(0.0)}
    problem = Problem("actor", given, actor, lambda a, dist: 0.2 * dist.log_prob(a) - a, truth=None)
    row = measure(problem, "pathwise", 1, 4000, timed=False)
    z = torch.linspace(loc - 9, loc + 9, 20001, dtype=torch.float64)
    weight = Normal(torch.tensor(loc).double(), 1.0).log_prob(z).exp() * (z[1] - z[0])
    exact = float((weight * (0.4 * z.tanh() - 1 / z.cosh().square())).sum())
    error = math.sqrt(row.parameters["variance"][0] / row.replicates)
    assert abs(row.parameters["mean"][0] - exact) < 5 * error
    assert row.reason is None


def near(x, dist):
    return (x - dist.loc.detach()).square() + x


def far(x, dist):
    return x.square() * dist.stddev.detach().square() + dist.loc * x


def penalised(x, dist):
    return x + Normal(dist.loc.detach(), dist.scale).log_prob(x)


HIDDEN_IN_X = {
    "half of a product": lambda x: x * x.detach(),
    "a target": lambda x: (x - (x.detach() + 1).square()).square(),
    "a weight": lambda x: x.detach().sigmoid() * x.square(),
    "straight through": lambda x: x.square().round() + x - x.detach(),
}
HIDDEN_IN_LAW = {"loc": near, "scale": far, "log_prob": penalised}


def of_both(cost):
    given = {"loc": torch.tensor(0.5), "scale": torch.tensor(1.5)}
    return Problem("mine", given, Normal, cost)


@pytest.mark.parametrize("hidden", HIDDEN_IN_X)
def test_what_a_cost_hides_of_x_is_said(hidden):
    (said,) = examine(of_normal(HIDDEN_IN_X[hidden]))
    assert "The cost of problem 'mine' hides from autograd how it depends on x" in said


def test_what_is_hidden_has_its_numbers_in_the_row():
    """x · detach(x) has half of the derivative of x²."""
    row = measure(of_normal(HIDDEN_IN_X["half of a product"]), "pathwise", replicates=200)
    assert row.status == "ok"
    words = row.reason.replace(";", "").replace(",", "").split()
    numbers = [float(w) for w in words if w.lstrip("-").replace(".", "").isdigit()]
    assert numbers[0] == pytest.approx(2 * numbers[1], rel=1e-2)


@pytest.mark.parametrize("hidden", HIDDEN_IN_LAW)
def test_what_a_cost_hides_of_the_law_is_said(hidden):
    said = examine(of_both(HIDDEN_IN_LAW[hidden]))
    name = "scale" if hidden == "scale" else "loc"
    assert any(f"how it depends on '{name}' through the distribution" in one for one in said)


REDUCTIONS = {
    "half of a product": lambda f: (f * f.detach()).mean(-1),
    "weights": lambda f: (f.detach().softmax(-1) * f).sum(-1),
    "everything": lambda f: f.detach().logsumexp(-1),
}


@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_what_a_reduction_hides_is_said(reduction):
    problem = of_normal(lambda x: x.square(), reduction=REDUCTIONS[reduction])
    assert any("The reduction of problem 'mine' hides" in one for one in examine(problem))


OPEN = {
    "step": lambda x: (x > 0.5).double(),
    "kink": lambda x: (x - 0.5).abs() + x.relu(),
    "steep": lambda x: (300 * x).cos() + x,
    "flat": lambda x: 1e6 + 1e-3 * x,
    "no derivative": lambda x: x.detach().square(),
    "root": lambda x: x.square().sqrt().sqrt(),
}


@pytest.mark.parametrize("cost", OPEN)
def test_an_open_cost_gets_no_caution(cost):
    assert examine(of_normal(OPEN[cost])) == ()


def test_open_costs_of_several_kinds_get_no_caution():
    assert examine(of_normal(lambda x: x.square(), reduction=importance_weighted)) == ()
    assert examine(of_both(lambda x, dist: (x - dist.loc).square() + dist.log_prob(x))) == ()
    assert examine(of_events(lambda x: x.prod(-1).sin())) == ()
    counts = Problem("mine", {"logits": torch.zeros(4)}, lambda logits: Categorical(logits=logits),
                     lambda x: (x - 1.0).square())  # fmt: skip
    assert examine(counts) == ()


def beam(level):
    return lambda x: (x > level).to(x.dtype)


@pytest.mark.parametrize("level", [2.5, 3.5, 4.0])
def test_a_rare_event_is_a_cost(level):
    """At 2.5, 64 samples of N(0, 1) miss it in 67 of 100 runs; ∂/∂loc = φ(level)."""
    given = {"loc": torch.tensor(0.0), "scale": torch.tensor(1.0)}
    problem = Problem("beam", given, Normal, beam(level))
    for name in range(3):
        check(Problem(f"beam {name}", given, Normal, beam(level)))
    row = measure(problem, "measure-valued", 4, 2000, timed=False)
    error = math.sqrt(row.parameters["variance"][0] / row.replicates)
    exact = math.exp(-level * level / 2) / math.sqrt(2 * math.pi)
    assert abs(row.parameters["mean"][0] - exact) < 5 * error + 1e-12


def test_an_event_that_no_sample_meets_may_be_either():
    with pytest.raises(ProblemError, match=r"for all 1310\d\d samples: either") as said:
        check(of_normal(beam(9.0)))
    assert "an event so rare that none of them met it" in str(said.value)
    with pytest.raises(ProblemError, match="either it ignores x"):
        check(of_normal(lambda x: torch.zeros_like(x)))


def test_a_rare_point_of_a_finite_support_is_found_among_its_points():
    def of(cost):
        given = {"logits": torch.tensor([0.0, 0.5, -25.0])}
        return Problem("mine", given, lambda logits: Categorical(logits=logits), cost)

    check(of(lambda x: (x == 2).double()))
    with pytest.raises(ProblemError, match="at all 3 points of the support: it ignores x"):
        check(of(lambda x: torch.ones_like(x).double()))


def test_a_rare_event_that_mixes_samples_is_refused():
    with pytest.raises(ProblemError, match="mixes samples"):
        check(of_normal(lambda x: beam(4.5)(x) - beam(4.5)(x).mean(0)))


class Repeated(Distribution):
    """Repeats the batch axes: right for a scalar only."""

    arg_constraints = {}  # noqa: RUF012
    support = constraints.positive
    has_rsample = True

    def __init__(self, concentration):
        self.concentration = concentration
        super().__init__(concentration.shape, validate_args=False)

    @property
    def gamma(self):
        return Gamma(self.concentration, 1.0, validate_args=False)

    def rsample(self, sample_shape=()):
        return self.gamma.rsample((*sample_shape, *self.batch_shape))

    def log_prob(self, value):
        return self.gamma.log_prob(value)


class LastAxis(Repeated):
    def rsample(self, sample_shape=()):
        return self.gamma.rsample(sample_shape).unsqueeze(-1)


class OnlyBatch(Repeated):
    def rsample(self, sample_shape=()):
        return self.gamma.rsample(tuple(sample_shape)[1:])


class OneForAll(Repeated):
    def rsample(self, sample_shape=()):
        return (
            self.gamma.rsample(sample_shape)[..., :1]
            if self.batch_shape
            else self.gamma.rsample(sample_shape)
        )


SHAPES = {Repeated: (64, 3, 3), LastAxis: (64, 3, 1), OnlyBatch: (3,), OneForAll: (64, 1)}


@pytest.mark.parametrize("shaped", SHAPES)
def test_samples_of_the_wrong_shape_are_named_first(shaped):
    problem = Problem("mine", {"concentration": torch.tensor(2.0)}, shaped, reward)
    with pytest.raises(ProblemError) as caught:
        measure(problem, "pathwise")
    said = str(caught.value)
    assert said.startswith(f"`rsample((64,))` of {shaped.__name__} in problem 'mine'")
    assert f"has shape {SHAPES[shaped]} instead of (64, 3)" in said
