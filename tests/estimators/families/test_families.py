"""New families against quadrature and known numbers; every estimator on an example of each family.

Quantiles are checked by the cdf they invert, or by the mass on both sides of them; samples by the
Kolmogorov test, where p < 1e-5 fails; means within `Z` standard errors at a fixed seed.
"""

import math

import pytest
import torch
from scipy import special, stats
from torch.distributions import Normal, TanhTransform, TransformedDistribution
from torch.nn.functional import normalize

import estimators
from benchmarks.objective.costs import cosine
from estimators import capabilities
from estimators.distributions import TanhNormal, VonMisesFisher
from estimators.families.examples import examples
from estimators.multi_sample import Copies, Reduced, TailMean
from estimators.special.sphere import sphere_angle_derivative, sphere_normaliser

Z = 4.5
EXAMPLES = examples()

# ---- the matrix: works, or refuses with a sentence; never an error


@pytest.mark.filterwarnings("ignore:Singular sample detected")  # torch's Wishart says so always
@pytest.mark.parametrize("name", estimators.names())
def test_every_family_works_or_is_refused(name):
    wrong = {}
    for family, example in EXAMPLES.items():
        estimator = estimators.create(name)
        reason = estimator.unsupported(example(), 2)
        if reason is None:
            problem = _gradient_problem(estimator, example)
        else:
            problem = None if _is_sentence(reason) else f"not a sentence: {reason}"
        if problem:
            wrong[family] = problem
    assert not wrong


def _gradient_problem(estimator, example) -> str | None:
    torch.manual_seed(0)
    leaves = {k: v.clone().requires_grad_() for k, v in example.parameters.items()}
    dist = example.family(**leaves)
    cost = cosine()
    cost.given_path = lambda path, last: last.mean.cos()  # what conditional-monte-carlo asks for
    cost = Reduced(cosine(), TailMean(0.75)) if isinstance(dist, Copies) else cost
    try:
        estimator = estimator.fitted(dist, cost, 2)
        surrogate = estimator.surrogate(dist, cost, 2)
        found = torch.autograd.grad(surrogate.sum(), leaves.values(), allow_unused=True)
    except Exception as failure:
        return f"{type(failure).__name__}: {failure}"
    if surrogate.shape != dist.batch_shape:
        return f"the shape {tuple(surrogate.shape)}"
    if all(g is None for g in found):
        return "no gradient"
    return None if all(g is None or g.isfinite().all() for g in found) else "not finite"


def _is_sentence(reason: str) -> bool:
    return reason[0].isupper() and reason.endswith(".") and len(reason.split()) > 6


@pytest.mark.filterwarnings("ignore:Singular sample detected")
def test_score_functions_reach_almost_every_family():
    refused = [
        family
        for family, example in EXAMPLES.items()
        if estimators.create("reinforce").unsupported(example())
    ]
    moving = ["Pareto", "Uniform", "Delta"]  # their supports
    assert refused == [*moving, "PerturbedOracle"]  # which has no density


# ---- quantiles


def _known_quantiles():
    for family, example in EXAMPLES.items():
        try:
            u = capabilities.uniforms(example(), (1,))
            capabilities.quantile(example(), u)
        except capabilities.Unsupported:
            continue
        if not example().event_shape:
            yield family


UNIVARIATE = list(_known_quantiles())
STEPPED = [family for family in UNIVARIATE if capabilities.is_discrete(EXAMPLES[family]())]


@pytest.mark.parametrize("family", sorted(set(UNIVARIATE) - set(STEPPED)))
def test_quantiles_invert_the_cdf(family):
    dist = EXAMPLES[family]()
    u = torch.tensor([1e-3, 0.1, 0.3, 0.5, 0.77, 0.99, 1 - 1e-4], dtype=torch.float64)
    u = u.unsqueeze(-1).expand(-1, 2)
    x = capabilities.quantile(dist, u)
    below = capabilities.cdf(dist, x)
    if family == "VonMises":  # wrapped to [−π, π], its cdf measured from loc − π
        below = below % 1
    torch.testing.assert_close(below.detach(), u, rtol=0, atol=1e-12)
    assert x.requires_grad


@pytest.mark.parametrize("family", STEPPED)
def test_quantiles_are_the_least_point_with_enough_mass(family):
    dist = EXAMPLES[family]()
    u = torch.linspace(1e-4, 1 - 1e-4, 501, dtype=torch.float64).unsqueeze(-1).expand(-1, 2)
    x = capabilities.quantile(dist, u)
    points = capabilities.support_table(dist)  # rising, or the counts where it has no end
    points = torch.arange(int(x.max()) + 1).to(x) if points is None else points
    cdf = dist.log_prob(points.unsqueeze(-1).expand(-1, 2)).exp().cumsum(0).detach()  # [N, 2]
    place = (x.unsqueeze(-1) == points).long().argmax(-1)
    at = cdf.gather(0, place)
    before = torch.where(place > 0, cdf.gather(0, (place - 1).clamp_min(0)), 0.0)
    assert (at >= u - 1e-12).all()
    assert (before < u + 1e-12).all()


def test_quantiles_are_isolated():
    """An element's root does not depend on how long another's takes."""
    dist = torch.distributions.Gamma(torch.tensor([2.0, 0.05]), torch.ones(2))
    alone = torch.distributions.Gamma(torch.tensor([2.0]), torch.ones(1))
    u = torch.tensor([[0.3, 0.999], [0.9, 1e-4]])
    assert torch.equal(
        capabilities.quantile(dist, u)[:, :1], capabilities.quantile(alone, u[:, :1])
    )


# ---- twins


def test_a_replaced_tensor_is_replaced_under_all_its_paths():
    dist = torch.distributions.Gumbel(torch.tensor([0.5]), torch.tensor([1.0]))
    loc = torch.tensor([2.5])
    twin = capabilities.replaced(dist, {"loc": loc})
    torch.testing.assert_close(twin.mean - dist.mean, torch.tensor([2.0]))
    torch.manual_seed(0)
    x = twin.sample()
    torch.manual_seed(0)
    torch.testing.assert_close(x, dist.sample() + 2)
    assert dist.loc.item() == 0.5


# ---- the tanh-transformed normal


@pytest.mark.parametrize(("loc", "scale"), [(0.0, 0.5), (0.7, 1.0), (-2.0, 0.3)])
def test_tanh_normal_integrates_to_one(loc, scale):
    dist = TanhNormal(
        torch.tensor(loc, dtype=torch.float64), torch.tensor(scale, dtype=torch.float64)
    )
    z = torch.linspace(-18, 18, 20_001, dtype=torch.float64)
    x = z.tanh().clamp(-1 + 2**-52, 1 - 2**-52)
    mass = (dist.log_prob(x).exp() / z.cosh().square()).sum() * (z[1] - z[0])
    assert abs(mass.item() - 1) < 1e-12


def test_tanh_normal_agrees_with_torch_where_torch_is_right():
    loc, scale = torch.tensor([0.3, 0.8], dtype=torch.float64)
    x = torch.linspace(-0.95, 0.95, 41, dtype=torch.float64)
    reference = TransformedDistribution(Normal(loc, scale), [TanhTransform()])
    torch.testing.assert_close(
        TanhNormal(loc, scale).log_prob(x), reference.log_prob(x), rtol=1e-12, atol=1e-12
    )


def test_tanh_normal_keeps_its_digits_where_tanh_has_rounded():
    loc = torch.full((1000,), 14.0, requires_grad=True)
    dist = TanhNormal(loc, 1.0)
    torch.manual_seed(0)
    x = dist.rsample()
    assert (x == 1).all()  # in float32
    log_p = dist.log_prob(x)
    torch.manual_seed(0)
    z = Normal(loc, 1.0).rsample()
    exact = Normal(loc, 1.0).log_prob(z).double() - 2 * (math.log(2) - z.double())
    torch.testing.assert_close(log_p.double(), exact, rtol=1e-5, atol=1e-4)
    (slope,) = torch.autograd.grad(log_p.sum(), loc)
    torch.testing.assert_close(slope, torch.full_like(slope, 2.0))  # −2 (log 2 − z), with dz/dloc
    foreign = dist.log_prob(torch.ones(1000))
    assert foreign.isfinite().all()


# ---- von Mises–Fisher


@pytest.mark.parametrize("d", [2, 3, 5, 20, 300])
@pytest.mark.parametrize("concentration", [1e-3, 0.5, 2.0, 50.0, 3e3])
def test_sphere_normaliser_is_that_of_bessel_functions(d, concentration):
    log_integral, mean = sphere_normaliser(torch.tensor(concentration, dtype=torch.float64), d)
    bessel, above = special.ive(d / 2 - 1, concentration), special.ive(d / 2, concentration)
    if bessel < 1e-280:
        pytest.skip("scipy's Bessel function has underflown")
    expected = d / 2 * math.log(2 * math.pi) - (d / 2 - 1) * math.log(concentration)
    expected += math.log(bessel) + concentration
    assert abs(log_integral.item() - expected) < 1e-10 * max(1, abs(expected))
    assert abs(mean.item() / (above / bessel) - 1) < 1e-10


# (d, κ, θ, ∂θ/∂κ at a fixed cdf value), by mpmath 1.3 at 30 digits: quad, central difference 1e-8
ANGLES = [
    (2, 0.5, 0.1, -0.07570953882038944),
    (2, 0.5, 3.0, -0.17487161515089172),
    (5, 2.0, 0.05, -0.007985732471242471),
    (5, 2.0, 1.5, -0.21559461579215125),
    (5, 2.0, 2.9, -0.08026576635725712),
    (5, 50.0, 0.3, -0.002991155906744631),
    (20, 10.0, 1.0, -0.029887961621130762),
]


@pytest.mark.parametrize(("d", "concentration", "angle", "slope"), ANGLES)
def test_the_angle_moves_as_its_cdf_says(d, concentration, angle, slope):
    found = sphere_angle_derivative(
        torch.tensor(concentration, dtype=torch.float64),
        d,
        torch.tensor(angle, dtype=torch.float64),
    )
    assert abs(found.item() / slope - 1) < 1e-12


@pytest.mark.parametrize(("d", "concentration"), [(2, 1.0), (3, 4.0), (5, 2.0), (40, 30.0)])
def test_von_mises_fisher_samples_have_the_right_angles(d, concentration):
    torch.manual_seed(0)
    loc = normalize(torch.arange(1.0, d + 1).double(), dim=0)
    x = VonMisesFisher(loc, torch.tensor(concentration, dtype=torch.float64)).sample((20_000,))
    torch.testing.assert_close(x.norm(dim=-1), torch.ones(20_000).double())
    grid = torch.linspace(0, math.pi, 20_001, dtype=torch.float64)
    density = (concentration * (grid.cos() - 1)).exp() * grid.sin() ** (d - 2)
    cdf = torch.cumulative_trapezoid(density, grid)
    cdf = torch.cat((torch.zeros(1), cdf)) / cdf[-1]
    angle = (x @ loc).clamp(-1, 1).acos()
    u = cdf[(angle / math.pi * 20_000).round().long()]
    assert stats.kstest(u.numpy(), "uniform").pvalue > 1e-5
    across = x - (x @ loc).unsqueeze(-1) * loc  # isotropic about loc
    mean, error = across.mean(0), across.std(0) / len(x) ** 0.5
    assert (mean.abs() < Z * error).all()


def test_von_mises_fisher_has_the_known_gradient():
    """d E[μᵀx]/dκ = .1473886868 for d = 5, κ = 2; dropping the acceptance gives .1277."""
    torch.manual_seed(0)
    concentration = torch.full((50_000,), 2.0, dtype=torch.float64).requires_grad_()
    loc = torch.eye(5, dtype=torch.float64)[0]
    dist = VonMisesFisher(loc, concentration)
    along = (dist.rsample() * loc).sum(-1)
    (g,) = torch.autograd.grad(along.sum(), concentration)
    assert abs(g.mean() - 0.1473886868) < Z * g.std() / len(g) ** 0.5
    assert abs(g.mean() - 0.1277) > 20 * g.std() / len(g) ** 0.5


def test_von_mises_fisher_paths_and_scores_agree():
    cost = cosine()
    example = EXAMPLES["VonMisesFisher"]
    means, errors = [], []
    for name in ("pathwise", "reinforce-loo"):
        torch.manual_seed(0)
        found = estimators.replicate_gradients(
            estimators.create(name), example.family, example.parameters, cost, 4, 8_000
        )
        g = torch.cat([g.reshape(8_000, -1) for g in found.values()], 1)
        means.append(g.mean(0))
        errors.append(g.std(0) / 8_000**0.5)
    assert ((means[0] - means[1]).abs() < Z * (errors[0] ** 2 + errors[1] ** 2).sqrt()).all()
    assert (means[0].abs() > Z * errors[0]).any()


def test_von_mises_fisher_refuses_one_dimension():
    with pytest.raises(ValueError, match="at least two"):
        VonMisesFisher(torch.ones(1), torch.tensor(2.0))


# ---- all families: paths, weak derivatives and jumps against scores

AGREEING = [
    "antithetic-pathwise", "generalised-reparameterisation", "implicit", "measure-valued",
    "pathwise", "rejection-reparameterisation", "rqmc-pathwise", "smoothed-perturbation",
    "sticking-the-landing", "stochastic-triples",
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:Singular sample detected")
@pytest.mark.parametrize("family", EXAMPLES)
def test_unbiased_estimators_agree_with_the_score_function(family):
    example, wrong = EXAMPLES[family], {}
    if family in ("VonMises", "Pareto", "Uniform", "Multinomial", "Delta", "PerturbedOracle"):
        pytest.skip("no score, or a cost that is not periodic")
    reference, reference_error = _mean_gradient("reinforce-loo", example)
    for name in AGREEING:
        if estimators.create(name).unsupported(example(), 4) is None:
            mean, error = _mean_gradient(name, example)
            apart = (mean - reference).abs() / (error**2 + reference_error**2).sqrt()
            if not (apart < Z).all():
                wrong[name] = apart.max().item()
    assert not wrong


def _mean_gradient(name, example, replicates=3_000):
    torch.manual_seed(0)
    found = estimators.replicate_gradients(
        estimators.create(name), example.family, example.parameters, _lopsided, 4, replicates
    )
    g = torch.cat([g.reshape(replicates, -1) for g in found.values()], 1)
    return g.mean(0), (g.std(0) / replicates**0.5).clamp_min(1e-12)


def _lopsided(x, dist):
    """A smooth bounded cost in which no two coordinates are alike."""
    x = x if x.is_floating_point() else x.double()
    axes = len(dist.event_shape)
    if axes:
        x = x.flatten(x.ndim - axes)
        x = (x * torch.linspace(0.5, -1.2, x.shape[-1], dtype=x.dtype)).sum(-1)
    return (1.3 * x + 0.4).cos()
