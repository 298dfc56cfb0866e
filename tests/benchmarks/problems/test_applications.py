"""Posteriors, flows, Bayesian networks, stochastic depth, policies: measured, trained a little."""

from dataclasses import replace

import pytest
import torch

from benchmarks import problems
from benchmarks.machine.random_streams import stream
from benchmarks.measuring.measure import measure
from benchmarks.problems import (
    bnn,
    flow_layers,
    flows,
    logistic,
    mdp,
    posteriors,
    sac,
    stochastic_depth,
)
from benchmarks.problems.digits import only
from benchmarks.truth.exact import find_truth
from benchmarks.validation.interface_checks import check
from estimators import evaluate

R = 200
SKEWED = {"flow-clusters": 2_000}  # too heavy a tail for the test of bias at R = 200
UNBIASED = {  # which unbiased estimators must not be found biased
    "logistic-regression": ("pathwise", "reinforce-loo"),
    "posterior-truncated": ("implicit", "reinforce-loo"),
    "posterior-mixture": ("implicit", "reinforce-loo"),
    "flow-clusters": ("pathwise", "reinforce-loo", "sticking-the-landing"),
    "flow-realnvp": ("pathwise", "reinforce-loo"),
    "flow-glow": ("pathwise", "reinforce-loo"),
    "bayesian-net": ("pathwise",),
    "bayesian-net-local": ("pathwise", "reinforce-loo"),
    "bayesian-net-flipout": ("pathwise", "reinforce-loo"),
    "stochastic-depth": ("reinforce-loo", "disarm", "enumeration"),
    "frozen-lake": ("reinforce", "reinforce-loo"),
    "sac-pendulum": ("pathwise", "reinforce-loo"),
    "sac-pendulum-weights": ("pathwise",),
}
CELLS = [(name, estimator) for name, several in UNBIASED.items() for estimator in several]
BUILDERS = [
    (logistic.TRAINING, logistic.problem),
    (posteriors.BOUNDED, posteriors.bounded),
    (posteriors.CLUSTERS, posteriors.clusters),
    (flows.REAL_NVP, flows.with_real_nvp),
    (flows.GLOW, flows.with_glow),
    (flows.CLUSTERS, flows.with_clusters),
    (bnn.TRAINING, bnn.bayesian_net_local),
    (stochastic_depth.TRAINING, stochastic_depth.problem),
    (mdp.TRAINING, mdp.problem),
]


def measured(name, estimator, replicates=R, samples=2):
    problem = problems.load(name)
    return measure(problem, estimator, samples, replicates, 3, timed=False)


@pytest.mark.parametrize(("name", "estimator"), CELLS)
def test_an_unbiased_estimator_is_not_found_biased(name, estimator):
    found = measured(f"{name}@middle", estimator, SKEWED.get(name, R))
    assert found.status == "ok", found.reason
    assert found.gradient_norm > 0
    assert found.bias_verdict in {"unbiased", "undetermined"}, (found.bias_p, found.bias2)


@pytest.mark.parametrize("name", UNBIASED)
def test_the_problem_is_well_formed_and_says_what_it_is(name):
    problem = problems.load(f"{name}@middle")
    check(problem)
    assert problem.summary
    assert sum(value.numel() for value in problem.measured.values()) == len(
        find_truth(problem).gradient
    )


@pytest.mark.parametrize("name", ["frozen-lake", "stochastic-depth", "flow-glow"])
def test_a_wrong_truth_is_noticed(name):
    """The test above can fail: with a truth of the wrong sign, each is found biased."""
    problem = problems.load(f"{name}@start")
    truth = find_truth(problem)
    turned = replace(problem, truth=replace(truth, gradient=-truth.gradient))
    found = measure(turned, "reinforce-loo", 16, 2_000, 3, timed=False)
    assert found.bias_verdict == "biased"


by_training = pytest.mark.parametrize(
    ("training", "build"), BUILDERS, ids=lambda part: getattr(part, "name", "")
)


@by_training
def test_training_starts_at_the_stored_start_and_lowers_the_objective(training, build):
    few = replace(training, steps={"start": 0, "later": 20}).run()
    for name, weight in training.weights("start").items():
        assert torch.equal(weight, few["start"][name].float().double())
    assert objective(build(few["later"])) < objective(build(few["start"]))
    stored = [objective(build(training.weights(stage))) for stage in training.steps]
    assert stored == sorted(stored, reverse=True)
    assert training.path.stat().st_size < 300_000


def objective(problem):
    """The expected cost, by sampling."""
    with stream(7), torch.no_grad():
        dist = problem.dist()
        return float(evaluate(problem.cost, dist.sample((2_000,)), dist).mean())


def test_soft_actor_critic_trains_on_the_pendulum(monkeypatch):
    pytest.importorskip("gymnasium")
    monkeypatch.setattr(sac, "WARM_UP", sac.SPACING * sac.STATES)
    few = replace(sac.TRAINING, steps={"start": 0, "later": 10}).run()
    states = few["later"]["states"]
    assert states.shape == (sac.STATES, 3)
    assert torch.allclose(states[:, :2].norm(dim=1), torch.ones(sac.STATES), atol=1e-5)
    assert not torch.equal(states, few["start"]["states"])
    for name in (*sac.POLICY, *sac.CRITICS):
        assert not torch.equal(few["start"][name], few["later"][name])


def test_the_trained_actor_is_better_under_the_trained_critics():
    problem = problems.load("sac-pendulum-weights")
    before = problem.network(**only(sac.TRAINING.weights("start"), *sac.POLICY))
    assert objective(problem) < objective(replace(problem, parameters=before)) - 0.1


def test_the_expected_return_by_dynamic_programming_is_that_of_sampled_walks():
    problem = problems.load("frozen-lake")
    dist = problem.dist()
    with stream(1):
        walks = dist.sample((20_000,))
    values = problem.cost(walks, dist)
    exact = mdp.objective(problem.parameters["logits"])
    assert abs(values.mean() - exact) < 4 * values.std() / 20_000**0.5
    assert exact < -0.05


@pytest.mark.parametrize("name", ["flow-realnvp", "flow-glow", "flow-clusters"])
def test_a_flow_is_invertible_and_knows_its_volume(name):
    dist = problems.load(name).dist(3)
    x = dist.base_dist.sample()  # [3, D]
    for layer in dist.transforms:
        y = layer(x)
        assert torch.allclose(layer.inv(y), x, atol=1e-9)
        jacobian = torch.autograd.functional.jacobian(lambda v, layer=layer: layer(v).sum(0), x)
        exact = torch.stack([j.slogdet().logabsdet for j in jacobian.unbind(1)])
        assert torch.allclose(layer.log_abs_det_jacobian(x, y), exact, atol=1e-9)
        x = y


def test_replicates_of_a_flow_have_weights_of_their_own():
    x, w = torch.randn(5, 3, 2, 4), torch.randn(2, 4, 6)
    assert torch.allclose(flow_layers.times(x, w)[:, :, 1], x[:, :, 1] @ w[1], atol=1e-6)
    assert torch.allclose(flow_layers.times(x[0, 0], w)[0], x[0, 0, 0] @ w[0], atol=1e-6)
    assert torch.allclose(flow_layers.times(x, w[0]), x @ w[0], atol=1e-6)


def test_three_ways_of_sampling_a_bayesian_net_have_one_objective_and_one_truth():
    names = ("bayesian-net", "bayesian-net-local", "bayesian-net-flipout")
    values = []
    for name in names:
        problem = problems.load(name)
        with stream(4), torch.no_grad():
            dist = problem.dist()
            f = evaluate(problem.cost, dist.sample((4_000,)), dist)
        values.append(f.reshape(4_000, -1).sum(1))  # over the wines
    for other in values[1:]:
        error = ((values[0].var() + other.var()) / 4_000).sqrt()
        assert abs(values[0].mean() - other.mean()) < 4 * error
    truths = [find_truth(problems.load(name)).gradient for name in names]
    assert all(torch.equal(truths[0], truth) for truth in truths)


def test_local_reparameterisation_and_flipout_lower_the_variance():
    weights, local, flipout = (
        measured(name, "pathwise", 1_000).variance
        for name in ("bayesian-net", "bayesian-net-local", "bayesian-net-flipout")
    )
    assert local < flipout < weights


def test_flipout_draws_each_wines_weights_from_their_law():
    dist = problems.load("bayesian-net-flipout").dist()
    with stream(5):
        w = dist.sample((4_000,))  # [K, B, P]
    z = (w - dist.loc) / dist.scale
    assert z.mean((0, 1)).abs().max() < 0.05
    assert (z.square().mean((0, 1)) - 1).abs().max() < 0.1
    assert (z[:, 0].abs() - z[:, 1].abs()).abs().max() < 1e-9  # one draw, and signs
    assert (z[:, 0] * z[:, 1]).mean(0).abs().max() < 6 / 4_000**0.5 * 2
