"""Numbers of a generator beside torch's: their laws, their streams, and what they are not."""

import numpy as np
import pytest
import torch
from scipy import stats
from torch import distributions as laws

from benchmarks import Problem, measure, ratio
from benchmarks.machine import generators, inversion, mkl_numbers
from benchmarks.machine.generators import check_generator, drawing, paused
from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.measuring.cell import Cell
from benchmarks.objective.costs import quadratic
from benchmarks.objective.definition import unvalidated
from benchmarks.statistics.stopping import Plan
from benchmarks.store.store import identity
from benchmarks.validation.goodness_of_fit import faults
from estimators import create

needs_mkl = pytest.mark.skipif(mkl_numbers.installed() is None, reason="MKL is not installed")
COUNT, ALARM = 50_000, 1e-4
CONTINUOUS = {
    "normal": (laws.Normal, {"loc": 1.0, "scale": 2.0}),
    "log-normal": (laws.LogNormal, {"loc": 0.0, "scale": 0.5}),
    "gamma": (laws.Gamma, {"concentration": 0.3, "rate": 2.0}),
    "chi2": (laws.Chi2, {"df": 3.0}),
    "student": (laws.StudentT, {"df": 5.0}),
    "beta": (laws.Beta, {"concentration1": 0.5, "concentration0": 2.0}),
    "exponential": (laws.Exponential, {"rate": 2.0}),
    "uniform": (laws.Uniform, {"low": -1.0, "high": 3.0}),
    "laplace": (laws.Laplace, {"loc": 0.0, "scale": 1.0}),
    "gumbel": (laws.Gumbel, {"loc": 0.0, "scale": 1.0}),
}
DISCRETE = {
    "poisson": (laws.Poisson(torch.tensor(5.0).double()), stats.poisson(5)),
    "poisson, large": (laws.Poisson(torch.tensor(60.0).double()), stats.poisson(60)),
    "binomial": (laws.Binomial(10, torch.tensor(0.3).double()), stats.binom(10, 0.3)),
    "bernoulli": (laws.Bernoulli(torch.tensor(0.3).double()), stats.bernoulli(0.3)),
    "geometric": (laws.Geometric(torch.tensor(0.3).double()), stats.geom(0.3, loc=-1)),
}


def fit(x, law):
    """The p-value of χ² of counts, the tails in one cell each."""
    low, high = (int(law.ppf(q)) for q in (1e-3, 1 - 1e-3))
    count = np.bincount(np.clip(x, low, high) - low, minlength=high - low + 1)
    mass = law.pmf(np.arange(low, high + 1))
    mass[0], mass[-1] = law.cdf(low), law.sf(high - 1)
    return stats.chisquare(count, mass / mass.sum() * len(x)).pvalue


@needs_mkl
@pytest.mark.parametrize("name", CONTINUOUS)
def test_continuous_laws_pass_the_checks_of_any_distribution(name):
    family, at = CONTINUOUS[name]
    parameters = {key: torch.tensor(value, dtype=torch.float64) for key, value in at.items()}
    problem = Problem(name, parameters, family, quadratic(), None)
    with drawing("mkl"), stream(stream_key("fit", name)), unvalidated():
        assert [*faults(problem)] == []


@needs_mkl
@pytest.mark.parametrize("name", DISCRETE)
def test_discrete_laws_fit(name):
    dist, law = DISCRETE[name]
    with stream(stream_key("fit", name), generator="mkl"):
        x = dist.sample((COUNT,)).long().numpy()
    assert fit(x, law) > ALARM
    assert fit(np.where(x == x[0], x + 1, x), law) < ALARM  # or this test could not fail


@needs_mkl
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_of_each_precision_fit_and_stay_below_one(dtype):
    with stream(stream_key("precision"), generator="mkl"):
        normal, uniform = torch.randn(10**6, dtype=dtype), torch.rand(10**6, dtype=dtype)
    assert stats.kstest(normal.numpy(), "norm").pvalue > ALARM
    assert stats.kstest(uniform.numpy(), "uniform").pvalue > ALARM
    assert uniform.max() < 1
    if dtype is torch.float64:  # 2³² values would repeat themselves some 116 times
        assert len(uniform.unique()) == len(uniform)


@needs_mkl
def test_parameters_that_differ_get_numbers_of_their_own():
    rate = torch.tensor([[1.0, 5.0], [20.0, 2.0]]).double()
    with stream(stream_key("rows"), generator="mkl"):
        x = laws.Poisson(rate).sample((20_000, 3))
        y = laws.Gamma(rate.repeat(20_000, 1, 1), 1.0).sample()  # copies, not views
    assert x.shape == (20_000, 3, 2, 2)
    assert x.is_contiguous()
    error = (rate / 60_000).sqrt()
    assert ((x.mean((0, 1)) - rate).abs() < 5 * error).all()
    assert ((y.mean(0) - rate).abs() < 5 * 3**0.5 * error).all()


@needs_mkl
@pytest.mark.parametrize("name", ["poisson", "poisson, large", "binomial"])
def test_few_numbers_of_a_law_fit_as_well(name):
    dist, law = DISCRETE[name]
    few = torch.stack([dist.mean, dist.mean / 2])
    wide = laws.Poisson(few) if "poisson" in name else laws.Binomial(10, few / 10)
    with stream(stream_key("few", name), generator="mkl"):
        x = torch.cat([wide.sample((inversion.MANY - 1,))[:, 0] for _ in range(10)])
    assert fit(x.long().numpy(), law) > ALARM


@pytest.mark.parametrize(("law", "size"), [("poisson", 3.0), ("poisson", 900.0), ("binom", 12)])
def test_integers_are_the_inverse_of_the_cdf(law, size):
    bits = np.random.Generator(np.random.SFC64(0)).integers(2**64, size=10**5, dtype=np.uint64)
    u, out = (bits >> np.uint64(12)) * 2.0**-52, np.empty(len(bits), np.int32)
    if law == "poisson":
        inversion.poissons(bits, size, out)
        cdf = stats.poisson(size).cdf(np.arange(2000))
    else:
        inversion.binomials(bits, size, 0.3, out)
        cdf = stats.binom(size, 0.3).cdf(np.arange(size))
    assert np.array_equal(out, np.searchsorted(cdf, u, side="right"))


@needs_mkl
def test_the_bits_of_integers_are_those_of_uniform_numbers():
    key, out = torch.arange(2), torch.empty(2, inversion.MANY, dtype=torch.int32)
    u = mkl_numbers.uniforms(key, torch.empty(out.shape, dtype=torch.float64)).numpy()
    x = mkl_numbers.poissons(key, torch.tensor([0.5, 7.0]), out).numpy()
    for row, seen, rate in zip(x, u, (0.5, 7.0), strict=True):
        cdf = stats.poisson(rate).cdf(np.arange(100))
        assert np.array_equal(row, np.searchsorted(cdf, seen, side="right"))


@needs_mkl
def test_gammas_keep_their_derivative():
    a = torch.full((3,), 2.0, dtype=torch.float64, requires_grad=True)
    with stream(stream_key("derivative"), generator="mkl"):
        x = laws.Gamma(a, 1.0).rsample((20_000,))
    (slope,) = torch.autograd.grad(x.sum(), a)
    assert torch.allclose(slope / 20_000, torch.ones(3).double(), atol=0.03)


@needs_mkl
def test_few_numbers_and_numbers_outside_are_torchs():
    with stream(stream_key("few"), generator="mkl"):
        few = torch.randn(generators.MANY - 1)
    with stream(stream_key("few")):
        assert torch.equal(torch.randn(generators.MANY - 1), few)
    with stream(stream_key("many")):
        outside = torch.randn(generators.MANY)
    with stream(stream_key("many"), generator="mkl"):
        assert not torch.equal(torch.randn(generators.MANY), outside)
    with stream(stream_key("many"), generator="mkl"), paused():
        assert torch.equal(torch.randn(generators.MANY), outside)


@needs_mkl
def test_calls_in_every_form_are_answered():
    big = torch.full((generators.MANY,), 0.3)
    with stream(stream_key("forms"), generator="mkl"):
        for x in (
            big.clone().normal_(mean=2.0, std=0.1), big.clone().uniform_(1.9, 2.1),
            torch.normal(big + 1.7, std=big / 3), torch.normal(2.0, 0.1, big.shape),
            torch.normal(big, big, generator=None) + 1.7, torch.bernoulli(big, 0.5) + 1.5,
            torch.poisson(big, generator=None) + 1.7, torch.rand(size=big.shape) + 1.5,
            torch.randn_like(big, dtype=torch.float64) + 2.0, big.clone().exponential_(lambd=1) + 1,
        ):  # fmt: skip
            assert float(x.mean()) == pytest.approx(2.0, abs=5 * float(x.std()) / 64)


@needs_mkl
def test_each_of_a_vmap_has_numbers_of_its_own():
    with stream(stream_key("vmap"), generator="mkl"):
        x = torch.func.vmap(lambda y: y + torch.randn(generators.MANY), randomness="different")(
            torch.zeros(2, 1)
        )
    assert not torch.equal(x[0], x[1])


def problem():
    at = {"loc": torch.linspace(-1, 1, 10), "scale": torch.ones(10)}
    truth = {"loc": 2 * at["loc"] - 1, "scale": 2 * at["scale"]}
    return Problem(
        "normal", at, lambda loc, scale: laws.Independent(laws.Normal(loc, scale), 1),
        quadratic(0.5), truth,
    )  # fmt: skip


@needs_mkl
def test_a_block_has_the_same_bits_whoever_draws_it_and_whenever():
    cell = Cell(problem(), None, create("pathwise"), 1, 0, torch.device("cpu"), generator="mkl")
    size = Plan.of(100_000, 10).block
    first = [cell.block(index, size) for index in range(3)]
    assert all(torch.equal(cell.block(i, size), first[i]) for i in (2, 0, 1))
    assert not torch.equal(first[0], first[1])


@needs_mkl
def test_the_generator_is_part_of_what_a_cell_is():
    ours, theirs = (measure(problem(), "pathwise", generator=g, timed=False) for g in ("mkl", None))
    assert (ours.generator, theirs.generator) == ("mkl", None)
    assert identity(ours.record) != identity(theirs.record)
    assert ours.variance != theirs.variance
    assert ours.variance_low < theirs.variance_high
    assert theirs.variance_low < ours.variance_high
    assert ours.bias_verdict == theirs.bias_verdict == "unbiased"
    with pytest.raises(ValueError, match="generator"):
        ratio(ours, theirs)


def test_without_mkl_a_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(mkl_numbers, "_files", list)
    mkl_numbers.library.cache_clear()
    try:
        with pytest.raises(ValueError, match=r"gradmeter\[fast\]"):
            measure(problem(), "pathwise", generator="mkl")
    finally:
        mkl_numbers.library.cache_clear()


def test_an_unknown_generator_is_refused():
    with pytest.raises(ValueError, match="no generator 'sfmt'"):
        check_generator("sfmt")
