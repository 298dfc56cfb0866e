"""The suite's own programs: strategies by node against one estimator for all."""

import pytest
import torch

from benchmarks import measure, problems
from benchmarks.problems.digits import only
from benchmarks.problems.hierarchical_vae import (
    ENCODER,
    GENERATIVE,
    Encoder,
    NegativeElbo,
    training,
)
from estimators import surrogate

BY_NODE = {
    "discrete-choice-then-action": ({"option": "enumeration", "action": "pathwise"}, 1),
    "sigmoid-belief-2": ({"below": "disarm", "above": "enumeration"}, 2),
    "hierarchical-vae": ({"below": "pathwise", "above": "pathwise"}, 2),
}


@pytest.mark.parametrize("name", BY_NODE)
def test_strategies_by_node_are_quieter_than_one_for_all(name):
    strategies, samples = BY_NODE[name]
    problem = problems.load(name)
    nodes = measure(problem, strategies, samples, replicates=1000, timed=False)
    plain = "reinforce-loo" if samples > 1 else "reinforce"
    together = measure(problem, plain, max(samples, 1), replicates=1000, timed=False)
    assert (nodes.status, together.status) == ("ok", "ok")
    assert nodes.bias_verdict != "biased"
    assert nodes.variance < together.variance


def test_the_hierarchical_vae_trains_through_its_strategies():
    """Forty steps from its start lower the loss of a fixed batch."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        steps = training()
        start = {name: w.detach().clone() for name, w in next(steps).items()}
        end = [next(steps) for _ in range(40)][-1]
    batch = problems.load("hierarchical-vae").family.model.x.float()

    def loss(at):
        torch.manual_seed(1)
        model = NegativeElbo(batch, only(at, *GENERATIVE))
        outputs = Encoder(batch)(**only(at, *ENCODER))
        return surrogate(model, {"below": "pathwise", "above": "pathwise"}, outputs, 8).mean()

    assert loss(end) < 0.95 * loss(start)


def test_sixty_nodes_of_the_frozen_lake():
    """Actions by score, slips that no parameter reaches: the exact gradient, in one execution."""
    program = problems.load("frozen-lake")
    found = measure(
        program, {"action": "reinforce", "slip": "reinforce"}, replicates=2_000, timed=False
    )
    assert (found.status, found.evaluations) == ("ok", 1)
    assert found.bias_verdict != "biased"
    assert found.truth_method == "closed form"


def test_averages_by_step_are_quieter_than_one_for_the_whole_walk():
    by_step, whole = (
        measure(problems.load("frozen-lake"), name, replicates=2_000, timed=False)
        for name in ("action=reinforce-ema, slip=reinforce", "reinforce-ema")
    )
    assert by_step.fit_evaluations == whole.fit_evaluations == 19
    assert by_step.variance < 0.97 * whole.variance
