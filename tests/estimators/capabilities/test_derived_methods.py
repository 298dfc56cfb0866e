"""From the pieces that a class brings, the others follow; what does not is refused by name."""

import math

import pytest
import torch
from scipy.special import ndtr
from torch import distributions as td
from torch.distributions import Distribution, Independent, Laplace, Normal, constraints
from torch.distributions.utils import broadcast_all

import estimators
from benchmarks import Problem, ProblemError, compare
from estimators import capabilities
from estimators.capabilities import complete
from estimators.families.examples import examples


class Parts(Distribution):
    """A normal distribution, in parts."""

    arg_constraints = {}  # noqa: RUF012
    support = constraints.real

    def __init__(self, loc, scale):
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=False)

    @property
    def normal(self):
        return Normal(self.loc, self.scale, validate_args=False)


class Sampled(Parts):
    def sample(self, sample_shape=()):
        return self.normal.sample(sample_shape)


class Scored(Sampled):
    def log_prob(self, value):
        return self.normal.log_prob(value)


class NumericalCdf(Scored):
    def cdf(self, value):
        z = (value - self.loc) / self.scale
        return torch.as_tensor(ndtr(z.detach().numpy()), dtype=value.dtype)


class PlainCdf:
    def __init__(self, loc, scale):
        self.loc, self.scale = loc, scale

    def cdf(self, value):
        return Normal(self.loc, self.scale, validate_args=False).cdf(value)


class PlainIcdf(PlainCdf):
    cdf = None

    def icdf(self, value):
        return self.loc + self.scale * torch.special.ndtri(value)


class Die(Parts):
    """Six sides, heavier towards loc: only its mass, over a finite range."""

    support = constraints.integer_interval(1, 6)

    def log_prob(self, value):
        sides = torch.arange(1, 7, dtype=value.dtype)
        weight = -((sides - self.loc.unsqueeze(-1)) / self.scale.unsqueeze(-1)).square()
        own = -((value - self.loc) / self.scale).square()
        return own - weight.logsumexp(-1)

    def sample(self, sample_shape=()):
        sides = torch.arange(1, 7, dtype=self.loc.dtype)
        logits = -((sides - self.loc.unsqueeze(-1)) / self.scale.unsqueeze(-1)).square()
        drawn = td.Categorical(logits=logits.detach()).sample(sample_shape)
        return (drawn + 1).to(self.loc.dtype)


class BareDie(Die):
    sample = None


class DieByCdf(BareDie):
    """The same by its cdf."""

    log_prob = None

    def cdf(self, value):
        sides = torch.arange(1, 7, dtype=value.dtype)
        weight = -((sides - self.loc.unsqueeze(-1)) / self.scale.unsqueeze(-1)).square()
        return (weight.softmax(-1) * (sides <= value.unsqueeze(-1))).sum(-1)


class Lopsided(BareDie):
    """Whose masses sum to 1.1."""

    def log_prob(self, value):
        return super().log_prob(value) + math.log(1.1)


PAIR = {"pathwise", "implicit", "reinforce-loo", "enumeration", "finite-differences", "spsa"}
FOLLOWS = {
    Sampled: {"finite-differences", "spsa"},
    Scored: {"reinforce-loo", "finite-differences", "spsa"},
    NumericalCdf: {"implicit", "reinforce-loo", "finite-differences", "spsa"},
    PlainCdf: {"implicit", "reinforce-loo", "finite-differences", "spsa"},
    PlainIcdf: {"pathwise", "finite-differences", "spsa"},
    Die: {"enumeration", "reinforce-loo", "finite-differences", "spsa"},
    BareDie: {"enumeration", "reinforce-loo", "finite-differences", "spsa"},
    DieByCdf: {"enumeration", "reinforce-loo", "finite-differences", "spsa"},
}
PARAMETERS = {"loc": torch.tensor(1.5), "scale": torch.tensor(1.0)}
MISSING = {
    (Sampled, "reinforce-loo"): "add it, or `cdf`",
    (Sampled, "implicit"): "add a `cdf` method",
    (Scored, "pathwise"): "`rsample`, or `icdf`",
    (PlainIcdf, "implicit"): "add a `cdf` method",
    (PlainIcdf, "reinforce-loo"): "no `log_prob`",
}


@pytest.fixture(scope="module", params=list(FOLLOWS), ids=lambda family: family.__name__)
def compared(request):
    problem = Problem("parts", PARAMETERS, request.param, lambda x: x.square())
    frame = compare(problem, sorted(PAIR), samples=(2,), replicates=2000)
    return request.param, frame.set_index("estimator")


def test_what_follows_is_measured_and_right(compared):
    family, frame = compared
    assert set(frame.index[frame["status"] == "ok"]) == FOLLOWS[family]
    right = frame.loc[frame["status"] == "ok"]
    assert not (right["bias_verdict"] == "biased").any()
    if not issubclass(family, Die):  # E x² = loc² + scale²
        expected = {"loc": 3.0, "scale": 2.0}
        assert all(
            norm == pytest.approx(sum(v * v for v in expected.values()) ** 0.5, rel=1e-4)
            for norm in right["gradient_norm"].dropna()
        )


def test_what_does_not_follow_names_the_method_that_would_do(compared):
    family, frame = compared
    for (owner, estimator), words in MISSING.items():
        if owner is family:
            assert frame.loc[estimator, "status"] == "refused"
            assert words in frame.loc[estimator, "reason"]


def test_masses_of_a_finite_support_are_those_of_its_samples():
    loc, scale = torch.tensor([1.5, 3.0]).double(), torch.tensor([1.0, 2.0]).double()
    dist, whole = complete(BareDie(loc, scale)), Die(loc, scale)
    torch.manual_seed(0)
    x = dist.sample((100_000,))
    assert x.shape == (100_000, 2)
    assert x.dtype == torch.float64
    sides = torch.arange(1.0, 7.0).double().unsqueeze(1).expand(6, 2)
    share = (x.unsqueeze(1) == sides).double().mean(0)
    p = whole.log_prob(sides).exp()
    assert ((share - p).abs() < 5 * (p * (1 - p) / 100_000).sqrt()).all()


def test_masses_that_do_not_sum_to_one_are_refused():
    problem = Problem("lopsided", PARAMETERS, Lopsided, lambda x: x.square())
    with pytest.raises(ProblemError, match=r"`log_prob` integrates to 1\.1 instead of 1"):
        compare(problem, ["reinforce-loo"], samples=(2,), replicates=200)


def test_a_class_without_any_piece_is_told_of_each():
    dist = complete(Parts(torch.zeros(2), torch.ones(2)))
    with pytest.raises(estimators.Unsupported, match=r"`log_prob` over a finite `support`"):
        dist.sample()


@pytest.mark.parametrize(
    "family", [td.Normal, td.Gamma, td.Beta, td.Laplace, td.Gumbel, td.StudentT, td.Weibull]
)
@pytest.mark.parametrize("way", ["set to None", "has_rsample is False"])
def test_deleting_rsample_leads_elsewhere_by_itself(family, way):
    body = {"rsample": None} if way == "set to None" else {"has_rsample": False}
    mine = type("Mine", (family,), body)
    example = examples()[family.__name__]
    point = {k: v[0] for k, v in example.parameters.items()}
    problem = Problem(f"mine-{family.__name__}", point, mine, lambda x: x.tanh())
    names = ["pathwise", "implicit", "reinforce-loo"]
    frame = compare(problem, names, samples=(2,), replicates=2000).set_index("estimator")
    assert "rsample" in frame.loc["pathwise", "reason"]
    assert frame.loc["reinforce-loo", "status"] == "ok"
    assert frame.loc["implicit", "status"] == "ok"
    assert not (frame["bias_verdict"] == "biased").any()


def test_multivariate_by_conditional_cdfs():
    class Banana(Parts):
        """x₁ ~ N(0, scale²), x₂ | x₁ ~ N(loc x₁², 1); E‖x‖² = scale² + 3 loc² scale⁴ + 1."""

        def __init__(self, loc, scale):
            super().__init__(loc, scale)
            self._event_shape = (2,)

        def sample(self, sample_shape=()):
            noise = torch.randn(*sample_shape, *self.loc.shape, 2, dtype=self.loc.dtype)
            first = self.scale * noise[..., 0]
            return torch.stack([first, self.loc * first.square() + noise[..., 1]], -1).detach()

        def conditional_cdfs(self, value):
            second = Normal(self.loc * value[..., 0].square(), 1.0)
            return torch.stack(
                [Normal(0.0, self.scale).cdf(value[..., 0]), second.cdf(value[..., 1])], -1
            )

    torch.manual_seed(0)
    found = estimators.replicate_gradients(
        estimators.create("implicit"),
        lambda **given: complete(Banana(**given)),
        {"loc": torch.tensor(0.5).double(), "scale": torch.tensor(1.0).double()},
        lambda x: x.square().sum(-1),
        samples=4,
        replicates=50_000,
    )
    for name, exact in {"loc": 3.0, "scale": 5.0}.items():
        error = found[name].std() / len(found[name]) ** 0.5
        assert abs(found[name].mean() - exact) < 5 * error


def test_inside_others_too():
    whole = complete(Independent(PlainIcdfParts(torch.zeros(2, 3), torch.ones(2, 3)), 1))
    assert whole.has_rsample
    assert whole.rsample((4,)).shape == (4, 2, 3)


class PlainIcdfParts(Parts):
    def icdf(self, value):
        return self.loc + self.scale * torch.special.ndtri(value)


def test_torch_s_own_stay_as_they_are():
    dist = Laplace(torch.zeros(2), torch.ones(2))
    assert complete(dist) is dist
    for example in examples().values():
        own = example()
        assert complete(own) is own


def test_numerical_derivatives_are_checked():
    class Rough(NumericalCdf):
        """A cdf with noise in its sixth digit, which differences magnify."""

        def cdf(self, value):
            exact = super().cdf(value)
            return exact + 1e-6 * torch.sin(1e9 * self.loc * value).detach()

    dist = complete(Rough(torch.tensor([0.5]).requires_grad_(), torch.tensor([1.0])))
    with pytest.raises(estimators.Unsupported, match="no numerical derivative in 'loc'"):
        capabilities.implicit(dist, torch.linspace(-1, 1, 64).unsqueeze(1))


def test_a_mixture_on_the_circle():
    """The flow of a weight needs cdfs that start from one point: seen to be biased without."""
    parameters = {"logits": torch.tensor([0.0, 0.5]), "loc": torch.tensor([-1.0, 1.5])}
    problem = Problem(
        "circle",
        parameters,
        lambda logits, loc: td.MixtureSameFamily(
            td.Categorical(logits=logits), td.VonMises(loc, 2.0)
        ),
        lambda x: 1 - (x - 0.5).cos(),
    )
    frame = compare(problem, ["implicit"], samples=(4,), replicates=4000)
    assert frame["status"][0] == "ok"
    assert frame["bias_p"][0] > 1e-3
    assert frame["truth_method"][0] == "quadrature"
