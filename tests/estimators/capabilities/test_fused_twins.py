"""The lean twins against torch: the same densities, derivatives and laws."""

import math

import numpy
import pytest
import torch
from scipy.stats import chisquare, kstest
from torch import distributions

from estimators.capabilities import describe, is_discrete, with_leaves
from estimators.capabilities.fused_twins import fused

torch.manual_seed(0)
LOC = torch.randn(3, 4, dtype=torch.float64)
SCALE = torch.rand(3, 4, dtype=torch.float64) + 0.5
PLAIN = {
    "normal": distributions.Normal(LOC, SCALE),
    "shared-scale": distributions.Normal(LOC, SCALE[:1, :1].expand(3, 4)),
    "independent-normal": distributions.Independent(distributions.Normal(LOC, SCALE), 1),
    "independent-normal-twice": distributions.Independent(distributions.Normal(LOC, SCALE), 2),
    "independent-shared": distributions.Independent(
        distributions.Normal(LOC, SCALE[:1, :1].expand(3, 4)), 1
    ),
    "bernoulli": distributions.Bernoulli(logits=LOC),
    "bernoulli-probs": distributions.Bernoulli(SCALE / 2),
    "independent-bernoulli": distributions.Independent(distributions.Bernoulli(logits=LOC), 1),
    "gamma": distributions.Gamma(SCALE, 2 * SCALE),
    "independent-gamma": distributions.Independent(distributions.Gamma(SCALE, 2 * SCALE), 2),
    "beta": distributions.Beta(SCALE, 2 * SCALE),
    "independent-beta": distributions.Independent(distributions.Beta(SCALE, 2 * SCALE), 1),
    "von-mises": distributions.VonMises(LOC, SCALE),
    "independent-von-mises": distributions.Independent(distributions.VonMises(LOC, SCALE), 2),
    "poisson": distributions.Poisson(3 * SCALE),
    "independent-poisson": distributions.Independent(
        distributions.Poisson(SCALE[:1].expand(3, 4)), 1
    ),
    "one-hot": distributions.OneHotCategorical(logits=LOC),
    "one-hot-probs": distributions.OneHotCategorical(probs=SCALE),
    "independent-one-hot": distributions.Independent(
        distributions.OneHotCategorical(logits=LOC), 1
    ),
}
plain = pytest.mark.parametrize("dist", PLAIN.values(), ids=PLAIN)


def density(dist, x):
    """The weighted log density with its gradients, and the gradients of a gradient."""
    twin, leaves = with_leaves(dist)
    x = x.clone().requires_grad_(not is_discrete(dist))
    inputs = [*leaves.values(), *([x] if x.requires_grad else [])]
    log_p = twin.log_prob(x)
    weights = torch.linspace(-1, 2, log_p.numel(), dtype=log_p.dtype).reshape(log_p.shape)
    unused = {"allow_unused": True, "materialize_grads": True}  # probs beside logits
    first = torch.autograd.grad((weights * log_p).sum(), inputs, create_graph=True, **unused)
    total = sum(g.square().sum() for g in first)
    second = torch.autograd.grad(total, inputs, **unused)
    return [log_p, *first, *second]


@plain
def test_density_and_its_first_and_second_derivatives(dist):
    x = dist.sample((5,))
    for ours, torchs in zip(density(fused(dist), x), density(dist, x), strict=True):
        torch.testing.assert_close(ours, torchs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("counts", [[0.0, 1, 5, 900], [2.0, 1e6], [0.5, 1], [-1.0, 3], [torch.nan]])
@pytest.mark.parametrize("rates", [[0.1, 3, 800], [0.0, 2, 5]])
def test_many_counts_are_as_probable_as_torch_says(rates, counts, dtype):
    x = torch.tensor(counts, dtype=dtype).repeat(3000).view(-1, 1).expand(-1, 3)
    dist = distributions.Poisson(torch.tensor(rates, dtype=dtype), validate_args=False)
    ours, torchs = fused(dist).log_prob(x), dist.log_prob(x)
    torch.testing.assert_close(ours, torchs, equal_nan=True)


def test_a_compiler_knows_the_density_of_counts():
    x, rate = torch.ones(2, 3), torch.rand(3)
    torch.library.opcheck(torch.ops.estimators.poisson_log_prob, (x, rate, False))


def test_counts_that_were_changed_after_they_were_drawn_are_looked_at_again():
    dist = fused(distributions.Poisson(torch.tensor([1.0, 3.0]).double(), validate_args=False))
    x = dist.sample((4000,))
    plain = distributions.Poisson(dist.rate, validate_args=False)
    torch.testing.assert_close(dist.log_prob(x), plain.log_prob(x))
    x += 0.5
    torch.testing.assert_close(dist.log_prob(x), plain.log_prob(x))


def test_a_relaxed_point_is_read_as_torch_reads_it():
    x = torch.rand(5, 3, 4, dtype=torch.float64).softmax(-1).requires_grad_()
    one_hot = distributions.OneHotCategorical(logits=LOC, validate_args=False)
    for dist in (one_hot, distributions.Independent(one_hot, 1, validate_args=False)):
        torch.testing.assert_close(fused(dist).log_prob(x), dist.log_prob(x))


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("name", ["normal", "shared-scale", "independent-normal"])
def test_reparameterised_samples_and_their_derivatives(name, samples):
    found = []
    for make in (fused, lambda dist: dist):
        twin, leaves = with_leaves(make(PLAIN[name]))
        torch.manual_seed(1)
        x = twin.rsample((samples,))
        found.append([x, *torch.autograd.grad(x.pow(3).sum(), leaves.values())])
    for ours, torchs in zip(*found, strict=True):
        torch.testing.assert_close(ours, torchs)


def many(dist, dtype):
    """[100,000, 4] samples, which follow the seed and are others the next time."""
    torch.manual_seed(3)
    x, other = dist.sample((100_000,)), dist.sample((100_000,))
    torch.manual_seed(3)
    assert torch.equal(dist.sample((100_000,)), x)
    assert x.dtype == dtype
    assert not torch.equal(other, x)
    return x


def test_many_normals_in_float64_have_the_law_and_follow_the_seed():
    dist = fused(distributions.Normal(LOC[0].new_tensor([1.0, -2.0]), LOC.new_tensor([0.5, 3.0])))
    torch.manual_seed(3)
    x, other = dist.sample((200_000,)), dist.sample((200_000,))
    torch.manual_seed(3)
    assert torch.equal(dist.sample((200_000,)), x)
    assert not torch.equal(other, x)
    z = (x - dist.loc) / dist.scale
    assert kstest(z.flatten(), "norm").pvalue > 1e-4
    for numbers in (z, other):
        assert abs(numpy.corrcoef(numbers.T)[0, 1]) < 5 / 200_000**0.5
    assert abs(numpy.corrcoef(z.flatten(), other.flatten())[0, 1]) < 5 / 400_000**0.5
    torch.library.opcheck(torch.ops.estimators.normals, (torch.arange(4), [5, 7]))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_many_gammas_have_the_law_and_follow_the_seed(dtype):
    alpha, rate = torch.tensor([0.2, 0.7, 3.0, 400.0], dtype=dtype), torch.tensor(2.0, dtype=dtype)
    dist = fused(distributions.Gamma(alpha, rate))
    x = many(dist, dtype)
    for numbers, a in zip(x.double().T, alpha.double().tolist(), strict=True):
        assert kstest(numbers, "gamma", (a, 0, 0.5)).pvalue > 1e-4
    torch.manual_seed(3)
    (wide, leaves) = with_leaves(dist.expand((100_000, 4)))
    moved = fused(wide).rsample()
    assert torch.equal(moved, x)
    (slope,) = torch.autograd.grad(moved.sum(), leaves["concentration"])
    torch.testing.assert_close(
        slope, torch._standard_gamma_grad(alpha.expand(100_000, 4), 2 * x) / 2
    )
    tiny = fused(distributions.Gamma(torch.full((20_000,), 1e-4, dtype=dtype), rate)).sample()
    assert (tiny > 0).all()
    torch.library.opcheck(torch.ops.estimators.gammas, (torch.arange(4), alpha.expand(5, 4)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_many_betas_have_the_law_and_follow_the_seed(dtype):
    a, b = torch.tensor([[1e-3, 0.5, 2.0, 300.0], [1e-3, 0.7, 5.0, 1.0]], dtype=dtype)
    dist = fused(distributions.Beta(a, b))
    x = many(dist, dtype)
    assert ((x > 0) & (x < 1)).all()
    for numbers, *shape in zip(x.double().T, a.double().tolist(), b.double().tolist(), strict=True):
        if shape[0] < 0.1:  # nearly all of it rounds to 0 or 1
            assert abs(float((numbers < 0.5).double().mean()) - 0.5) < 0.01
            continue
        assert kstest(numbers, "beta", shape).pvalue > 1e-4
    torch.library.opcheck(
        torch.ops.estimators.betas, (torch.arange(4), a.expand(5, 4), b.expand(5, 4))
    )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_many_angles_have_the_law_and_follow_the_seed(dtype):
    loc = torch.tensor([0.0, 3.0, -20.0, 1.0], dtype=dtype)
    concentration = torch.tensor([1e-6, 0.3, 2.0, 1e4], dtype=dtype)
    dist = fused(distributions.VonMises(loc, concentration))
    x = many(dist, dtype)
    assert float(x.abs().max()) <= math.pi + 1e-6
    centred = (x - loc + math.pi).double() % (2 * math.pi) - math.pi
    for numbers, kappa in zip(centred.T, concentration.double().tolist(), strict=True):
        assert kstest(numbers, "vonmises", (kappa,)).pvalue > 1e-4
    torch.library.opcheck(
        torch.ops.estimators.von_mises, (torch.arange(4), concentration.expand(5, 4))
    )


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_bits_have_the_law(dtype):
    probs = torch.tensor([0.0, 1e-4, 0.3, 0.9, 1.0], dtype=dtype)
    x = fused(distributions.Bernoulli(probs.expand(7, 5))).sample((100_000,))
    assert x.shape == (100_000, 7, 5)
    assert x.dtype == dtype
    assert ((x == 0) | (x == 1)).all()
    hits, p = x.double().sum((0, 1)), probs.double()
    assert ((hits - 700_000 * p).abs() <= 4 * (700_000 * p * (1 - p)).sqrt()).all()


def test_one_hot_samples_have_the_law():
    dist = fused(distributions.OneHotCategorical(logits=LOC[0].expand(7, 4)))
    x = dist.sample((20_000,))
    assert x.shape == (20_000, 7, 4)
    assert (x.sum(-1) == 1).all()
    expected = LOC[0].softmax(-1) * 140_000
    assert chisquare(x.sum((0, 1)), expected * (140_000 / expected.sum())).pvalue > 1e-4


def test_what_was_changed_in_place_has_another_density():
    dist = fused(distributions.Normal(LOC, SCALE))
    x = dist.sample((4,))
    torch.testing.assert_close(dist.log_prob(x), distributions.Normal(LOC, SCALE).log_prob(x))
    x[0] = 5.0
    torch.testing.assert_close(dist.log_prob(x), distributions.Normal(LOC, SCALE).log_prob(x))


def test_many_angles_in_bfloat16():
    one = torch.ones((), dtype=torch.bfloat16)
    x = fused(distributions.VonMises(one, one)).sample((2**15,))
    assert x.dtype is torch.bfloat16
    assert x.isfinite().all()


@plain
def test_replicas_of_one_parameter_change_nothing(dist):
    expanded, _ = with_leaves(dist)
    wide = fused(expanded.expand((6, *dist.batch_shape)))
    x = wide.sample((2,))
    torch.testing.assert_close(wide.log_prob(x), dist.log_prob(x))


@plain
def test_a_twin_is_described_as_what_it_is(dist):
    assert describe(fused(dist)) == describe(dist)
    assert type(fused(dist)) is not type(dist)


def test_a_subclass_is_left_alone():
    class Shifted(distributions.Normal):
        def log_prob(self, value):
            return super().log_prob(value - 1)

    dist = Shifted(LOC, SCALE)
    assert fused(dist) is dist
    inside = distributions.Independent(dist, 1)
    assert fused(inside) is inside
