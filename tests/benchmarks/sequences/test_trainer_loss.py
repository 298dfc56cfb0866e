"""Losses of trainers as estimators: their gradients, what trains with them, what they refuse."""

import pytest
import torch
from click.testing import CliRunner

from benchmarks.problems import addition, load
from benchmarks.sequences.trainer_loss import trainer_loss
from benchmarks.training.outcomes import Budget, train
from estimators.distributions import Autoregressive
from gradmeter import main

TABLE = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(4), dtype=torch.float64)
VALUES = torch.tensor([0.3, 1.0, -0.2], dtype=torch.float64)


def cost(x):
    return VALUES[x].sum(-1)


@pytest.mark.parametrize("replicates", [(), (3,)])
def test_rloo_is_leave_one_out_over_each_prompt(replicates):
    leaf = TABLE.expand(*replicates, 2, 7, 3).clone().requires_grad_()
    dist = Autoregressive(leaf, 2, 3)
    torch.manual_seed(0)
    surrogate = trainer_loss("rloo").surrogate(dist, cost, 4)
    assert surrogate.shape == dist.batch_shape
    found = torch.autograd.grad(surrogate.sum(), leaf)[0]
    torch.manual_seed(0)
    x = dist.sample((4,))
    f = cost(x)
    advantage = f - (f.sum(0) - f) / 3
    expected = torch.autograd.grad((advantage * dist.log_prob(x)).sum() / 4, leaf)[0]
    torch.testing.assert_close(found, expected)


def test_the_greedy_baseline_is_asked_of_the_mode():
    leaf = TABLE.clone().requires_grad_()
    dist = Autoregressive(leaf, 2, 3)
    torch.manual_seed(0)
    found = torch.autograd.grad(trainer_loss("remax").surrogate(dist, cost, 2).sum(), leaf)[0]
    torch.manual_seed(0)
    x = dist.sample((2,))
    weight = cost(x) - cost(dist.mode)
    expected = torch.autograd.grad((weight * dist.log_prob(x)).sum() / 2, leaf)[0]
    torch.testing.assert_close(found, expected)


def test_a_training_with_a_loss_lowers_the_objective():
    problem = load("sequence-addition@early")
    rows = list(train(problem, trainer_loss("rloo"), 8, 0, Budget(240, 1e-3, 1e-2)))
    values = [row["objective"] for row in rows if row["budget"] == "evaluations"]
    assert values[-1] < values[0] - 0.02


def test_what_does_not_fit_is_refused():
    normal = torch.distributions.Normal(torch.zeros(2), 1.0)
    assert "loss of completions" in trainer_loss("rloo").unsupported(normal, 2)
    dist = addition.completions(TABLE[..., :7, :].repeat(1, 3, 1)[:, :15])
    assert "group of one" in trainer_loss("rloo").unsupported(dist, 1)
    assert trainer_loss("grpo").unsupported(dist, 2) is None


def test_the_command_names_what_there_is():
    done = CliRunner().invoke(main, ["train", "sequence-addition", "--loss", "rlooo"])
    assert done.exit_code == 2
    assert "Did you mean 'rloo'" in done.output
