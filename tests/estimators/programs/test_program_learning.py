"""What learns, learns at its node from what follows there, and nothing becomes biased by it."""

import pytest
import torch
from program_examples import AT, continuous_continuous, continuous_discrete, discrete_continuous
from program_examples import exact as exact_of
from torch.distributions import Bernoulli, Normal, OneHotCategorical

import estimators
from benchmarks import Program, measure
from estimators.programs import Strategies

FAR, REPLICATES = 5.0, 600


def fitted(program, nodes, samples, replicates=REPLICATES):
    """Gradients [R, P] by strategies as they start, and as they are when all has been learned."""
    strategies = Strategies.of(nodes, samples)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        learned = strategies.fitted(program.dist(replicates), program.cost, 1)
        for unit in learned.own:
            assert learned.own[unit] is not strategies.nodes.get(unit)
        both = (program.gradients(each, 1, replicates).detach() for each in (strategies, learned))
        return *both, learned


def far(g, right):
    return ((g.mean(0) - right).abs() / (g.std(0) / len(g) ** 0.5)).max()


CASES = [  # with the parameter that only the law of the learning node has
    (continuous_continuous, {"first": "pathwise", "second": "lax"}, 1, "m"),
    (continuous_continuous, {"first": "lax", "second": "pathwise"}, 1, "a"),
    (continuous_discrete, {"first": "pathwise", "second": "relax"}, {"first": 3, "second": 1}, "w"),
    (discrete_continuous, {"first": "rebar", "second": "pathwise"}, 1, "a"),
    (continuous_discrete, {"first": "reinforce", "second": "double-control-variates"},
     {"first": 2, "second": 2}, "w"),
    (discrete_continuous, {"*": "reinforce-nvil"}, 1, "a"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("model", "nodes", "samples", "name"), CASES, ids=[str(case[1]) for case in CASES]
)
def test_what_is_learned_lowers_the_variance_and_no_mean_moves(model, nodes, samples, name):
    of = Program("learned", {k: torch.tensor(v).double() for k, v in AT.items()}, model, None)
    start, end, _ = fitted(of, nodes, samples)
    assert far(end, exact_of(model)[1]) < FAR
    before, after = (g[:, list(AT).index(name)].var() for g in (start, end))
    assert after < 0.85 * before


def test_samples_of_earlier_nodes_share_what_is_learned():
    of = Program("w", {k: torch.tensor(v).double() for k, v in AT.items()}, continuous_discrete)
    nodes = {"first": "pathwise", "second": "relax"}
    learned = fitted(of, nodes, {"first": 3, "second": 2}, 50)[-1]
    assert [len(part) for part in learned.own["second"].fit] == [50] * 4


def chain(made):
    def model(draw, w):
        made.append(1)
        x = 0.0
        for t, logits in enumerate(w.unbind(-1)):
            x = draw(f"x.{t}", Bernoulli(logits=logits + 0.2 * x))
        return x + 1

    return model


@pytest.mark.parametrize(("by_name", "executions"), [(True, 1), (False, 1 + 6)])
def test_a_call_of_a_loop_costs_one_execution_more_for_each_that_learns(by_name, executions):
    """Not two for each, of each: what answers a lesson learns nothing itself."""
    made, w = [], torch.zeros(4, 6, dtype=torch.float64, requires_grad=True)
    nodes = {"x": "relax"} if by_name else Strategies.of({"x": "relax"})
    estimators.surrogate(chain(made), nodes, {"w": w})
    assert len(made) == executions


def test_a_kept_object_learns_from_the_calls_of_its_loop():
    model = chain([])
    strategies = Strategies.of({"x": "relax:fit_steps=3"})
    w = torch.zeros(4, 2, dtype=torch.float64, requires_grad=True)
    for _ in range(3):
        estimators.surrogate(model, strategies, {"w": w})
    assert [e.kept is not None for e in strategies.own.values()] == [True, True]
    assert sorted(strategies.own) == ["x.0", "x.1"]


def options(draw, a, w):
    x = draw("x", OneHotCategorical(logits=a))
    y = draw("y", OneHotCategorical(logits=w + x))
    return ((x - 0.3 * y).square()).sum(-1)


def test_what_is_fitted_to_one_law_is_refused_where_laws_move():
    at = {"a": torch.tensor([0.1, -0.2, 0.3]), "w": torch.zeros(3)}
    of = Program("options", at, options, None)
    first = measure(of, {"x": "aimle", "y": "enumeration"}, replicates=100, timed=False)
    second = measure(of, {"x": "enumeration", "y": "aimle"}, replicates=100, timed=False)
    assert first.status == "ok"
    assert second.status == "refused"
    assert second.reason.startswith("Node 'y': aimle is fitted to one law")


def test_measured_with_the_evaluations_of_one_estimate():
    of = Program("z", {k: torch.tensor(v) for k, v in AT.items()}, discrete_continuous, None)
    found = measure(of, {"first": "reinforce", "second": "lax"}, replicates=500, timed=False)
    assert (found.status, found.evaluations, found.fit_evaluations) == ("ok", 1, 128)
    assert found.variance < found.variance_start


def test_an_estimator_of_ones_own_is_fitted_at_its_node():
    """Averages of costs, whatever their class: the mean of what follows, for every replicate."""

    class Mean(estimators.Estimator):
        baseline = 0.0

        def surrogate(self, dist, cost, samples=1):
            x = dist.sample((samples,))
            f, log_p = cost(x, dist), dist.log_prob(x)
            return (f + (f.detach() - self.baseline) * (log_p - log_p.detach())).mean(0)

        def fitted(self, dist, cost, samples=1):
            found = Mean()
            draws = [cost(dist.sample((samples,)), dist).mean(0) for _ in range(200)]
            object.__setattr__(found, "baseline", sum(draws) / 200)
            return found

    def model(draw, a):
        x = draw("x", Normal(a, 1.0))
        return draw("z", Normal(x + 3.0, 0.1))

    of = Program("mean", {"a": torch.tensor(0.5).double()}, model)
    learned = fitted(of, {"x": "pathwise", "z": Mean()}, 1, 40)[-1]
    assert (learned.own["z"].baseline - 3.5).abs().max() < FAR * 1.01 / 200**0.5
