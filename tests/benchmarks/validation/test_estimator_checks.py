"""Estimators of a user: what would be another estimator in use than in a measurement is named."""

import numpy
import pytest
import torch
from click.testing import CliRunner
from torch.distributions import Bernoulli, Beta, Categorical, Gamma, Normal, VonMises

import estimators
from benchmarks import Problem, compare, measure, problems
from benchmarks.store.store import Store
from benchmarks.validation import estimator_checks
from benchmarks.validation.estimator_checks import EstimatorError, check_estimator, from_outside
from estimators import Estimator, evaluate
from estimators.reinforce import Reinforce, ReinforceEma
from gradmeter import main


def of_normal(**more):
    given = {"loc": torch.tensor(1.0)}
    return Problem("mine", given, lambda loc: Normal(loc, 1.0), lambda x: x.square(), **more)


def in_double():
    return of_normal().to("cpu", torch.float64)


class ByScore(Estimator):
    """A score function; `weight` is what a subclass makes of the costs f [K, *B]."""

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        x = self.draw(dist, samples)
        f = evaluate(cost, x, dist).detach()
        return (self.weight(f) * dist.log_prob(x)).mean(0)

    def draw(self, dist, samples):
        return dist.sample((samples,))

    def weight(self, f):
        return f


class BatchMean(ByScore):
    def weight(self, f):
        return f - f.mean()


class Neighbour(ByScore):
    def weight(self, f):
        return f - f.roll(1, -1)


class Whitened(ByScore):
    def weight(self, f):
        return f / f.std(correction=0).clamp_min(1e-9)


class Largest(ByScore):
    def weight(self, f):
        return f - 0.1 * f.max()


class OneMemory(ByScore):
    """A moving average over all replicates, which a second call subtracts."""

    def __init__(self):
        super().__init__(name="one-memory")
        object.__setattr__(self, "seen", [])

    def weight(self, f):
        before = self.seen[-1] if self.seen else 0.0
        self.seen.append(f.mean())
        return f - before


class MeanOfParameters(ByScore):
    """Subtracts the cost at the mean of all replicates' parameters."""

    def surrogate(self, dist, cost, samples=1):
        return super().surrogate(dist, cost, samples) * (1 + dist.mean.mean().detach())


class Mirrored(ByScore):
    """The noise of a replicate is that of another, turned round."""

    def draw(self, dist, samples):
        noise = torch.randn((samples, *dist.batch_shape), dtype=dist.loc.dtype)
        return (dist.loc + noise - 0.5 * noise.flip(-1)).detach()


MIXED = [BatchMean, Neighbour, Whitened, Largest, OneMemory, MeanOfParameters, Mirrored]


@pytest.mark.parametrize("samples", [1, 4])
@pytest.mark.parametrize("mixed", MIXED)
def test_what_mixes_replicates_is_an_error(mixed, samples):
    with pytest.raises(EstimatorError, match=f"{mixed()} mixes replicates") as caught:
        check_estimator(in_double(), mixed(), samples)
    assert str(caught.value).endswith(".")


class Seeded(ByScore):
    def draw(self, dist, samples):
        torch.manual_seed(0)
        return dist.sample((samples,))


class SeededAside(ByScore):
    """Leaves torch's state as it was, and draws the same numbers each time."""

    def draw(self, dist, samples):
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return dist.sample((samples,))


class OwnGenerator(ByScore):
    generator = torch.Generator()

    def draw(self, dist, samples):
        shape = (samples, *dist.batch_shape)
        noise = torch.randn(shape, generator=self.generator, dtype=torch.float64)
        return (dist.loc + noise).detach()


class ByNumpy(ByScore):
    def draw(self, dist, samples):
        noise = numpy.random.standard_normal((samples, *dist.batch_shape))
        return (dist.loc + torch.from_numpy(noise)).detach()


class Kept(ByScore):
    """Draws its noise once for each shape."""

    def __init__(self):
        super().__init__(name="kept")
        object.__setattr__(self, "noise", {})

    def draw(self, dist, samples):
        shape = (samples, *dist.batch_shape)
        if shape not in self.noise:
            self.noise[shape] = torch.randn(shape, dtype=torch.float64)
        return (dist.loc + self.noise[shape]).detach()


class OneNoise(ByScore):
    def draw(self, dist, samples):
        noise = torch.randn(samples, 1, dtype=torch.float64)
        return (dist.loc + noise).detach()


NOISE = {
    Seeded: "draws the same numbers whatever the random stream",
    SeededAside: "draws the same numbers whatever the random stream",
    OwnGenerator: "gives other numbers for the same random stream",
    ByNumpy: "gives other numbers for the same random stream",
    Kept: "the same numbers for every random stream",
    OneNoise: "gives all replicates the same noise",
}


@pytest.mark.parametrize("noisy", NOISE)
def test_noise_that_is_not_the_streams_is_named(noisy):
    with pytest.raises(EstimatorError, match=NOISE[noisy]):
        check_estimator(in_double(), noisy(), 2)


class Scalar(ByScore):
    def surrogate(self, dist, cost, samples=1):
        return super().surrogate(dist, cost, samples).mean()


class OneEach(ByScore):
    def surrogate(self, dist, cost, samples=1):
        return super().surrogate(dist, cost, samples).unsqueeze(-1)


class EverySample(ByScore):
    def surrogate(self, dist, cost, samples=1):
        x = dist.rsample((samples,))
        return evaluate(cost, x, dist)


class Number(ByScore):
    def surrogate(self, dist, cost, samples=1):
        return 1.0


SHAPES = {Scalar: "shape ()", OneEach: "(5, 1)", EverySample: "(2, 5)", Number: "is a float"}


@pytest.mark.parametrize("shaped", SHAPES)
def test_a_surrogate_of_the_wrong_shape_is_refused(shaped):
    with pytest.raises(estimators.Unsupported, match=r"where \(5,\) was expected") as caught:
        check_estimator(in_double(), shaped(), 2)
    assert SHAPES[shaped] in str(caught.value)


class LeaveOneOut(ByScore):
    def weight(self, f):
        return f - (f.sum(0) - f) / max(len(f) - 1, 1)


class Antithetic(ByScore):
    """Pairs within a replicate."""

    def surrogate(self, dist, cost, samples=1):
        x = dist.rsample((samples,))
        return (evaluate(cost, x, dist) + evaluate(cost, 2 * dist.mean - x, dist)).mean(0) / 2


class Exact(ByScore):
    """Nothing random: E[f] over the two values of a Bernoulli."""

    def surrogate(self, dist, cost, samples=1):
        x = torch.stack([torch.zeros_like(dist.probs), torch.ones_like(dist.probs)])
        f = evaluate(cost, x, dist)
        return f[0] * (1 - dist.probs) + f[1] * dist.probs


class MyEma(ReinforceEma):
    pass


def squares(**given):
    return {k: torch.tensor(v, dtype=torch.float64) for k, v in given.items()}


LAWS = {
    "normal": (lambda loc: Normal(loc, 1.0), squares(loc=1.0)),
    "gamma": (lambda a: Gamma(a, 1.0), squares(a=0.4)),  # whose sampler rejects
    "beta": (Beta, squares(concentration1=0.5, concentration0=2.0)),
    "von Mises": (lambda loc: VonMises(loc, 2.0), squares(loc=0.3)),
    "rare": (lambda logits: Bernoulli(logits=logits), squares(logits=-4.0)),
    "categorical": (lambda logits: Categorical(logits=logits), squares(logits=[0.0, 1.0, 2.0])),
    "batch": (lambda loc: Normal(loc, 1.0), squares(loc=[[0.0, 1.0, 2.0], [1.0, 1.0, 1.0]])),
}
RIGHT = [ByScore, LeaveOneOut, MyEma, lambda: Reinforce(baseline=lambda f: 0.5)]


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("right", RIGHT, ids=["score", "loo", "ema", "function"])
def test_a_right_one_passes(right, law):
    family, given = LAWS[law]
    problem = Problem("mine", given, family, lambda x: (x.double() + 1).square())
    for samples in (1, 2):
        assert from_outside(right())
        check_estimator(problem, right(), samples)


def test_pairs_and_what_is_exact_pass():
    check_estimator(in_double(), Antithetic(), 2)
    family, given = LAWS["rare"]
    check_estimator(Problem("mine", given, family, lambda x: (x + 1).square()), Exact(), 1)


@pytest.mark.parametrize("toy", ["normal-quadratic", "bernoulli-quadratic"])
def test_ours_pass_what_a_users_are_held_to(toy, monkeypatch):
    monkeypatch.setattr(estimator_checks, "from_outside", lambda estimator: True)
    problem = problems.load(toy)
    for estimator in map(estimators.create, estimators.names()):
        learns = type(estimator).fitted is not Estimator.fitted  # for seconds
        if not learns and not estimator.unsupported(problem.differentiable_dist(), 2):
            check_estimator(problem, estimator, 2)


FILE = """
import torch
from estimators import Estimator, evaluate, register

@register("u-wrong-shape")
class Shape(Estimator):
    '''d.'''
    unbiased = True
    def surrogate(self, dist, cost, samples=1):
        return evaluate(cost, dist.rsample((samples,)), dist).mean()

@register("u-mean-baseline")
class Mean(Estimator):
    '''d.'''
    unbiased = True
    def surrogate(self, dist, cost, samples=1):
        x = dist.sample((samples,))
        f = evaluate(cost, x, dist).detach()
        return ((f - f.mean()) * dist.log_prob(x)).mean(0)
"""
EXPECTED = {"u-wrong-shape": "refused", "u-mean-baseline": "error", "pathwise": "ok"}


def test_every_door_catches_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FILE)
    command = ["--with", "mine.py", "run", "-p", "normal-quadratic", "-K", "1", "-R", "200"]
    chosen = [word for name in EXPECTED for word in ("-e", name)]
    done = CliRunner().invoke(main, [*command, *chosen, "--no-timing", "--out", "results"])
    assert done.exit_code == 3, done.output
    found = {record["estimator"]: record["status"] for record in Store(tmp_path / "results")}
    assert found == EXPECTED
    frame = compare(of_normal(), list(EXPECTED), replicates=200)
    assert dict(zip(frame["estimator"], frame["status"], strict=True)) == EXPECTED
    assert measure(of_normal(), "u-mean-baseline", replicates=200).status == "error"
    assert "u-mean-baseline" in estimators.names()
