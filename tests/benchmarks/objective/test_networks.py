"""Modules as tensors by name: which there are, what goes along, and what is not ready."""

import copy

import pytest
import torch
from torch import nn

from benchmarks import Problem
from benchmarks.objective.definition import ProblemError
from benchmarks.objective.networks import Networks


def mlp():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))


def plain(net, batch):
    return torch.distributions.Independent(torch.distributions.Normal(net(batch), 1.0), 1)


def problem(net, family=plain, cost=lambda x: x.square().sum(-1), data=None, **parameters):
    data = torch.ones(8, 3) if data is None else data
    return Problem("of-modules", {"net": net, **parameters}, family, cost, minibatch=data)


def test_weights_stand_in_the_place_of_their_module():
    found = Networks({"a": torch.ones(2), "net": mlp(), "b": torch.ones(3)})
    assert [*found.tensors] == [
        "a",
        "net.0.weight",
        "net.0.bias",
        "net.2.weight",
        "net.2.bias",
        "b",
    ]


def test_the_given_module_stays_as_it_is():
    net = mlp().train()
    before = copy.deepcopy(net.state_dict())
    made = problem(net)
    made.dist(3)
    assert net.training
    assert all(w.requires_grad and w.grad is None for w in net.parameters())
    assert all(torch.equal(w, before[k]) for k, w in net.state_dict().items())
    with torch.no_grad():
        net[0].weight.zero_()  # later changes of it are none of the problem's
    assert made.dist().base_dist.loc.abs().sum() > 0


def test_frozen_weights_go_along_and_are_not_measured():
    net = mlp()
    net[0].requires_grad_(False)
    made = problem(net)
    assert [*made.measured] == ["net.2.weight", "net.2.bias"]
    torch.testing.assert_close(made.dist(2).base_dist.loc[1], net(torch.ones(8, 3)))


def test_a_weight_with_two_names_is_one():
    first, second = nn.Linear(3, 3), nn.Linear(3, 3)
    second.weight = first.weight
    made = Problem(
        "tied",
        {"first": first, "second": second},
        lambda first, second, batch: torch.distributions.Normal(second(first(batch)), 1.0),
        lambda x: x,
        minibatch=torch.ones(2, 3),
    )
    assert [*made.measured] == ["first.weight", "first.bias", "second.bias"]
    moved = {k: v + 1 for k, v in made.parameters.items()}
    w, b, c = moved.values()
    torch.testing.assert_close(made.family(**moved).loc, (torch.ones(2, 3) @ w.T + b) @ w.T + c)


def test_dtypes_meet_at_the_widest():
    made = problem(
        mlp(),
        lambda net, loc, batch: torch.distributions.Normal(net(batch) + loc.unsqueeze(-1), 1.0),
        lambda x: x,
        loc=torch.zeros(8).double(),
    )
    assert {v.dtype for v in made.parameters.values()} == {torch.float64}
    assert made.dist(3).loc.dtype == torch.float64
    assert made.to("cpu", torch.float32).dist(3).loc.dtype == torch.float32


@pytest.mark.parametrize(
    ("net", "says"),
    [
        (nn.Sequential(mlp(), nn.Dropout(0.1)), "train mode and has Dropout"),
        (nn.Sequential(mlp(), nn.BatchNorm1d(2)), "train mode and has BatchNorm1d"),
        (mlp().requires_grad_(False), "No weight of 'net' requires a gradient"),
        (nn.LazyLinear(2), "is lazy"),
    ],
    ids=["dropout", "batch norm", "frozen", "lazy"],
)
@pytest.mark.filterwarnings("ignore:Lazy modules")
def test_a_module_that_is_not_ready_is_a_sentence(net, says):
    with pytest.raises(ProblemError, match=says):
        problem(net)


def test_dropout_of_nothing_and_in_eval_mode_is_none():
    problem(nn.Sequential(mlp(), nn.Dropout(0.0)))
    problem(nn.Sequential(mlp(), nn.Dropout(0.5), nn.BatchNorm1d(2)).eval())


def test_a_parameter_that_nobody_takes_is_a_sentence():
    with pytest.raises(ProblemError, match="'other' is no argument of the family or of the cost"):
        problem(mlp(), other=torch.ones(2))
    with pytest.raises(ProblemError, match="neither the family nor the cost has an argument"):
        problem(mlp(), lambda net: plain(net, torch.ones(8, 3)))
