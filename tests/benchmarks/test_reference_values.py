"""Exact numbers from closed forms and enumeration lie in the intervals measured for them.

Normal (loc 1, scale 1): Mohamed et al. 2020, JMLR 21(132), section 3. Bernoulli: enumeration.
"""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, MixtureSameFamily, Normal

import estimators
from benchmarks import Problem
from benchmarks.measuring.cell import Cell, replicate
from benchmarks.objective import costs
from benchmarks.objective.definition import unvalidated
from benchmarks.statistics.intervals import parameter_variances
from benchmarks.statistics.stopping import Plan

REPLICATES = 200_000
EXP = {0.1: 0, 1.0: 1, 10.0: 2}
COS = {0.5: 0, 1.0: 1, 2.0: 2, 5.0: 3}
NORMAL = {"loc": torch.tensor(1.0).double(), "scale": torch.tensor(1.0).double()}

# cost, estimator, exact variance of ∂loc and of ∂scale; K = 1
QUADRATIC = {
    -3: {"reinforce": (495, 1546), "pathwise": (4, 72), "optimal": (134, 664), "mean": (138, 696)},
    0: {"reinforce": (30, 136), "pathwise": (4, 12), "optimal": (14, 64), "mean": (18, 96)},
    3: {"reinforce": (87, 346), "pathwise": (4, 24), "optimal": (38, 184), "mean": (42, 216)},
}
EXPONENTIAL = {
    "reinforce": [(0.563532, 0.935384), (0.175750, 0.176690), (0.076940, 0.009035)],
    "optimal": [(0.040468, 0.140991), (0.072222, 0.112784), (0.060197, 0.008739)],
    "pathwise": [(0.016290, 0.027770), (0.211723, 0.175731), (0.941629, 0.892046)],
}
COSINE = {
    "reinforce": [
        (0.455248, 0.798658), (0.323993, 0.836287), (0.441069, 0.927981), (0.5, 1.0),
    ],
    "optimal": [
        (0.117864, 0.460102), (0.323993, 0.782590), (0.412523, 0.921637), (0.5, 1.0),
    ],
    "pathwise": [
        (0.039285, 0.087513), (0.267674, 0.308127), (1.939863, 1.942672), (12.5, 12.5),
    ],
}  # fmt: skip


def rows():
    for k, by_name in QUADRATIC.items():
        for name, exact in by_name.items():
            yield f"quadratic {k}", costs.quadratic(float(k)), name, exact, (1 - k) ** 2 + 1
    for k, place in EXP.items():
        for name, exact in EXPONENTIAL.items():
            yield f"exp {k}", costs.exp_quadratic(k), name, exact[place], None
    for k, place in COS.items():
        for name, exact in COSINE.items():
            yield f"cos {k}", costs.cosine(k), name, exact[place], None


def estimator_called(name, mean):
    if name == "mean":
        return estimators.create("reinforce", baseline=float(mean))
    if name == "optimal":  # enough pilot samples that their noise is below the interval
        return estimators.create("reinforce-optimal", pilot=400)
    return estimators.create(name)


def moments(problem, estimator, samples=1, replicates=REPLICATES):
    cell = Cell(problem, None, estimator, samples, 5, torch.device("cpu"))
    with unvalidated():
        return replicate(cell, Plan.of(replicates, problem.numbers(samples))).table.whole()


def near(value, exact, low, high, excess=0.0):
    """Whether `exact` lies within 1.7 times the 95 % interval of `value`: 99.9 %."""
    spread = 1.7 * (math.log(high / low) / 2) + excess
    return abs(math.log(value / exact)) <= spread


@pytest.mark.parametrize(
    ("label", "cost", "name", "exact", "mean"), list(rows()), ids=[f"{r[0]} {r[2]}" for r in rows()]
)
def test_normal(label, cost, name, exact, mean):
    problem = Problem(label, NORMAL, Normal, cost)
    replicates = 20_000 if name == "optimal" else REPLICATES
    value, low, high = parameter_variances(
        moments(problem, estimator_called(name, mean), replicates=replicates)
    )
    for i in range(2):
        excess = 0.02 if name == "optimal" else 0.0  # of a baseline fitted on 400 samples
        assert near(value[i], exact[i], low[i], high[i], excess), (value[i], low[i], high[i])


def bernoulli(t, logits):
    return Problem(
        "bernoulli",
        {"logits": torch.tensor(logits).double()},
        lambda logits: Bernoulli(logits=logits),
        costs.quadratic(t),
    )


@pytest.mark.parametrize(
    ("t", "logits", "gradient", "reinforce", "leave_one_out"),
    [
        (0.45, 0.0, 0.025, 0.015939063, 6.25e-4),
        (0.45, -2.0, 0.010499359, 0.0088652979, 4.147314e-4),
        (0.499, 0.0, 0.0005, 0.015625125, 2.5e-7),
        (0.499, -2.0, 2.0998717e-4, 0.0066021939, 1.658926e-7),
    ],
)
def test_bernoulli(t, logits, gradient, reinforce, leave_one_out):
    problem = bernoulli(t, logits)
    for name, samples, exact in (("reinforce", 1, reinforce), ("reinforce-loo", 2, leave_one_out)):
        whole = moments(problem, estimators.create(name), samples)
        value, low, high = parameter_variances(whole)
        assert near(value[0], exact, low[0], high[0])
        assert abs(float(whole.mean) - gradient) < 4 * math.sqrt(value[0] / REPLICATES)


@pytest.mark.parametrize("t", [0.45, 0.499])
@pytest.mark.parametrize("logits", [0.0, -2.0, 1.0])
def test_straight_through_bias_is_pq_2p_minus_1(t, logits):
    problem = bernoulli(t, logits)
    whole = moments(problem, estimators.create("straight-through"))
    p = 1 / (1 + math.exp(-logits))
    exact = (1 - 2 * t) * p * (1 - p)
    bias = float(whole.mean) - exact
    error = math.sqrt(float(whole.m2) / REPLICATES**2)
    assert abs(bias - p * (1 - p) * (2 * p - 1)) < 4 * error


@pytest.mark.parametrize(
    ("temperature", "mean", "variance"),
    [(0.1, 0.0247989, 0.0861936), (0.5, 0.0214602, 0.0142445), (1.0, 0.0166667, 0.00481746)],
)
def test_binary_concrete(temperature, mean, variance):
    """A temperature 10 % off, or the hard sample, misses these."""
    estimator = estimators.create("gumbel-softmax", temperature=temperature)
    whole = moments(bernoulli(0.45, 0.0), estimator)
    value, low, high = parameter_variances(whole)
    assert near(value[0], variance, low[0], high[0])
    assert abs(float(whole.mean) - mean) < 4 * math.sqrt(variance / REPLICATES)


@pytest.mark.parametrize(
    "wrong",
    [
        {"name": "gumbel-softmax", "temperature": 0.55},
        {"name": "gumbel-softmax-hard", "temperature": 0.5},
    ],
    ids=["temperature", "hard for soft"],
)
def test_a_wrong_relaxation_misses_the_known_values(wrong):
    whole = moments(bernoulli(0.45, 0.0), estimators.create(**wrong))
    value, low, high = parameter_variances(whole)
    assert not near(value[0], 0.0142445, low[0], high[0])


@pytest.mark.parametrize(
    ("samples", "variance"), [(2, 0.007275), (3, 0.0032), (4, 0.0019875), (8, 0.000758036)]
)
def test_three_bernoullis_sharing_a_logit(samples, variance):
    """Liu 2019 and Kool 2020: p₀ = (.6, .51, .48), η = 0."""
    targets = torch.tensor([0.6, 0.51, 0.48]).double()
    problem = Problem(
        "three",
        {"eta": torch.tensor(0.0).double()},
        lambda eta: torch.distributions.Independent(
            Bernoulli(logits=eta.unsqueeze(-1).expand(*eta.shape, 3)), 1
        ),
        costs.quadratic(targets),
    )
    whole = moments(problem, estimators.create("reinforce-loo"), samples)
    value, low, high = parameter_variances(whole)
    assert near(value[0], variance, low[0], high[0])
    assert abs(float(whole.mean) + 0.045) < 4 * math.sqrt(variance / REPLICATES)
    if samples == 2:
        plain, low, high = parameter_variances(moments(problem, estimators.create("reinforce")))
        assert near(plain[0], 0.43842, low[0], high[0])


def test_two_hundred_bernoullis():
    """Titsias & Shi 2022: leave-one-out, K = 2, mean over the dimensions 1.25e-9."""
    problem = Problem(
        "two hundred",
        {"logits": torch.zeros(200).double()},
        lambda logits: torch.distributions.Independent(Bernoulli(logits=logits), 1),
        lambda x: (x - 0.499).square().mean(-1),
    )
    whole = moments(problem, estimators.create("reinforce-loo"), 2, 50_000)
    value = float(whole.m2.sum()) / (50_000 - 1) / 200
    assert value == pytest.approx(1.25e-9, rel=0.01)


def test_mixture_of_two_normals():
    """Variances by quadrature of g² p with g = −2x ∂F/p: scipy.integrate.quad, R-independent."""
    values = {"logits": [0.1, 0.5], "loc": [0.4, 0.25], "scale": [0.1, 0.5]}
    problem = Problem(
        "mixture",
        {k: torch.tensor(v).double() for k, v in values.items()},
        lambda logits, loc, scale: MixtureSameFamily(
            Categorical(logits=logits), Normal(loc, scale)
        ),
        costs.quadratic(),
    )
    whole = moments(problem, estimators.create("implicit"))
    value, low, high = parameter_variances(whole)
    gradient = (-0.034237, 0.034237, 0.321050, 0.299344, 0.080262, 0.598688)
    variance = (0.00643117, 0.00643117, 0.0805739, 0.569507, 0.136686, 1.565261)
    for i in range(6):
        error = math.sqrt(value[i] / REPLICATES)
        assert abs(float(whole.mean[0, i]) - gradient[i]) < 4 * error + 1e-6
        assert near(value[i], variance[i], low[i], high[i])
