"""sequence-addition: the transformer, its sums, its training, its truth and what measures it."""

from dataclasses import replace

import pytest
import torch
from torch.func import functional_call

from benchmarks import measure, problems
from benchmarks.problems import addition
from benchmarks.problems.trajectories import trajectory
from benchmarks.truth.exact import find_truth
from benchmarks.validation.interface_checks import check

NAME = "sequence-addition"
STAGES = list(addition.TRAINING.steps)


def test_sums_are_right():
    for prompt, row in zip(addition.prompts().tolist(), addition.sums().tolist(), strict=True):
        first, second = (int("".join(map(str, bits)), 2) for bits in (prompt[:2], prompt[2:]))
        written = row[: row.index(addition.EOS)]
        assert int("".join(map(str, written)), 2) == first + second
        assert len(written) == len(f"{first + second:b}")


def test_the_share_of_right_sums_grows_with_training():
    right = [-float(cost_of(stage)) / 16 for stage in STAGES]
    assert right == sorted(right)
    assert right[0] < 0.1 < right[1] < right[2] < 0.5 < right[3] < 0.9


def cost_of(stage):
    problem = problems.load(NAME if stage == STAGES[-1] else f"{NAME}@{stage}")
    dist = problem.dist()
    points = dist.enumerate_support()
    return (dist.log_prob(points).exp() * problem.cost(points, dist)).sum()


def test_the_truth_is_the_gradient_of_the_share_in_all_weights():
    """By autograd through the right sums alone, which is all that the reward sees."""
    problem = problems.load(f"{NAME}@middle")
    leaves = {k: w.clone().requires_grad_() for k, w in problem.weights.items()}
    model = addition.Adder(problem.weights)
    total = 0.0
    for prompt, target in zip(addition.prompts(), addition.sums(), strict=True):
        log_p, prefix = 0.0, prompt
        for token in target.tolist():
            logits = functional_call(model, leaves, prefix.unsqueeze(0))[0]
            log_p = log_p + logits.log_softmax(-1)[token]
            prefix = torch.cat((prefix, torch.tensor([token])))
            if token == addition.EOS:
                break
        total = total - log_p.exp()
    expected = torch.autograd.grad(total, list(leaves.values()))
    truth = find_truth(problem)
    assert truth.method == "enumeration"
    assert len(truth.gradient) == 2291
    flat = torch.cat([g.flatten() for g in expected])
    torch.testing.assert_close(truth.gradient, flat, rtol=1e-9, atol=1e-12)


def test_the_reward_is_the_last_tokens():
    problem = problems.load(NAME)
    dist = problem.dist()
    points = dist.enumerate_support()  # [31, 16, 4]
    terms, cost = problem.cost.terms(points, dist), problem.cost(points, dist)
    torch.testing.assert_close(terms.sum(-1), cost)
    for found, tokens, whole in zip(
        terms.reshape(-1, 4), points.reshape(-1, 4).tolist(), cost.flatten(), strict=True
    ):
        last = tokens.index(addition.EOS) if addition.EOS in tokens else 3
        assert found[last] == whole


def test_training_again_gives_the_stored_weights():
    few = replace(addition.TRAINING, steps={"start": 0, "early": 20}).run()
    for stage, weights in few.items():
        for name, weight in addition.TRAINING.weights(stage).items():
            torch.testing.assert_close(weight, weights[name].double(), rtol=1e-3, atol=1e-4)
    assert addition.TRAINING.path.stat().st_size < 300_000


def test_every_stage_is_a_problem():
    assert [name for _, name in trajectory(NAME)] == [*(f"{NAME}@{s}" for s in STAGES[:-1]), NAME]
    assert NAME in problems.names("full")
    check(problems.load(f"{NAME}@middle"))


@pytest.mark.parametrize("estimator", ["reinforce", *addition.ALSO])
def test_unbiased_estimators_are_not_found_biased(estimator):
    found = measure(problems.load(f"{NAME}@middle"), estimator, 2, 300, timed=False)
    assert found.status == "ok", found.reason
    assert found.bias_verdict in {"unbiased", "undetermined"}
    if estimator == "enumeration":
        assert found.variance < 1e-20


def test_a_wrong_truth_is_noticed():
    problem = problems.load(f"{NAME}@middle")
    truth = find_truth(problem)
    turned = replace(problem, truth=replace(truth, gradient=-truth.gradient))
    assert measure(turned, "reinforce", 8, 300, timed=False).bias_verdict == "biased"
