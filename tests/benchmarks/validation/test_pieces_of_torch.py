"""What torch brings is held to the checks of a user's pieces: cautions with numbers."""

import re

import pytest
import torch
from scipy.special import betainc, digamma
from torch.distributions import Beta, ContinuousBernoulli, Dirichlet, Gamma, LKJCholesky, VonMises

from benchmarks import Problem, ProblemError, compare, measure
from benchmarks.validation.goodness_of_fit import examine


def problem_of(family, cost=lambda x: x, **parameters):
    given = {k: torch.tensor(v, dtype=torch.float64) for k, v in parameters.items()}
    return Problem("mine", given, family, cost)


def lkj(family=LKJCholesky, size=3, concentration=1.5):
    return problem_of(
        lambda concentration: family(size, concentration),
        lambda x: x[..., 1, 0].square(),
        concentration=concentration,
    )


def beta(a, b):
    return problem_of(Beta, concentration1=a, concentration0=b)


def dirichlet(*values):
    return problem_of(Dirichlet, lambda x: x[..., 0], concentration=list(values))


def near_half(probs):
    return problem_of(ContinuousBernoulli, probs=probs)


def numbers(sentence):
    """Each `mean ± error` of a sentence."""
    found = re.findall(r"(-?[\d.]+) ± ([\d.]+)", sentence)
    return [(float(mean), float(error)) for mean, error in found]


@pytest.mark.parametrize("size", [3, 4, 5])
def test_lkj_draws_another_law(size):
    """At d = 3 the mean score is −0.2226 ± 0.003 instead of 0."""
    said = " ".join(examine(lkj(size=size)))
    assert said.startswith("LKJCholesky is inexact at these parameters: `sample` and `log_prob`")
    mean, error = numbers(said)[0]
    assert abs(mean) > 10 * error
    if size == 3:
        assert abs(mean + 0.2226) < 5 * (error**2 + 0.003**2) ** 0.5


def test_lkj_is_right_in_two_dimensions_and_a_subclass_is_refused():
    class Mine(LKJCholesky):
        pass

    assert examine(lkj(size=2)) == ()
    with pytest.raises(ProblemError, match=r"averages to -0\.2"):
        examine(lkj(Mine))


def test_the_caution_is_in_the_row():
    row = measure(lkj(), "reinforce-loo", 2, replicates=500, timed=False)
    assert row.status == "ok"
    assert "LKJCholesky is inexact" in row.reason


def cut_off(a, b):
    """E ∂/∂b log p of a Beta(a, b) where 1 − x ends at 2⁻⁵³ by rounding: ψ(a+b) − ψ(b) + E log."""
    s = torch.linspace(-53, 0, 20001, dtype=torch.float64) * 0.6931471805599453
    below = betainc(b, a, s.exp().numpy())  # P(log(1 − x) < s)
    mean = -float(torch.trapezoid(torch.from_numpy(below), s))
    return float(digamma(a + b) - digamma(b)) + mean


@pytest.mark.parametrize("a", [0.01, 0.02, 0.03, 0.005])
def test_the_score_of_a_small_beta_is_cut_off(a):
    said = examine(beta(a, a))
    (one,) = (s for s in said if "averages to" in s)
    if "'concentration0'" in one:
        mean, error = numbers(one)[0]
        assert abs(mean - cut_off(a, a)) < 5 * error + 0.02 * mean
        assert mean > 10 * error
    else:  # that of concentration1 is named first where x ends as well
        assert a < 0.01


def test_a_small_beta_has_its_caution_beside_every_estimator():
    names = ["pathwise", "reinforce", "reinforce-loo"]
    frame = compare(beta(0.01, 0.01), names, samples=2, replicates=500)
    assert frame["reason"].str.contains("Beta is inexact at these parameters").all()


PILES = {
    "beta .005": (beta(0.005, 0.005), 0.5),
    "beta .002": (beta(0.002, 0.002), 0.5),
    "beta .001, .002": (beta(0.001, 0.002), 0.5),
    "dirichlet .002": (dirichlet(0.002, 0.002, 0.002), 1 / 3),
}


@pytest.mark.parametrize("pile", PILES)
def test_samples_that_pile_up_are_counted(pile):
    problem, place = PILES[pile]
    found = re.search(r"samples repeat: ([\d.]+) came up (\d+) times", examine(problem)[0])
    assert float(found[1]) == pytest.approx(place, rel=1e-5)
    assert int(found[2]) >= 5


@pytest.mark.parametrize(("a", "b"), [(1.0, 1e5), (0.9, 1e5), (1.0, 1e6), (1e5, 1.0)])
def test_the_path_of_a_lopsided_beta_is_off(a, b):
    said = " ".join(examine(beta(a, b)))
    moved = "concentration1" if a < b else "concentration0"
    assert f"`rsample` moves wrongly with '{moved}'" in said
    (path, error), (score, other) = numbers(said)[:2]
    assert abs(path - score) > 5 * (error**2 + other**2) ** 0.5


@pytest.mark.parametrize("probs", [0.4999, 0.4995, 0.5, 0.5005])
def test_a_continuous_bernoulli_near_a_half_has_no_path(probs):
    said = " ".join(examine(near_half(probs)))
    assert "`rsample` moves wrongly with 'probs'" in said
    assert "is exactly 0" in said


def test_a_gamma_that_underflows():
    """ψ(10⁻³) = −1000.6, log x ends at −708."""
    said = examine(problem_of(lambda a: Gamma(a, 1.0), torch.cos, a=1e-3))
    mean, error = numbers(said[0])[0]
    assert mean > 100 * error


RIGHT = {
    "beta .1": beta(0.1, 0.1),
    "beta .5, 2": beta(0.5, 2.0),
    "beta 1, 1000": beta(1.0, 1e3),
    "dirichlet .1": dirichlet(0.1, 0.1, 0.1),
    "dirichlet": dirichlet(1.0, 2.0, 0.5),
    "continuous Bernoulli .498": near_half(0.498),
    "continuous Bernoulli .3": near_half(0.3),
    "gamma .1": problem_of(lambda a: Gamma(a, 1.0), a=0.1),
    "von Mises": problem_of(lambda k: VonMises(0.0, k), k=50.0),
    "beta 300": beta(300.0, 300.0),
}


@pytest.mark.parametrize("right", RIGHT)
def test_where_torch_is_right_nothing_is_said(right):
    assert examine(RIGHT[right]) == ()
