"""A cost that writes into what it is given is refused, in whichever way and of whichever kind."""

import numpy as np
import pytest
import torch
from torch import nn
from torch.distributions import Bernoulli, Independent, Normal, Poisson

from benchmarks import Problem, ProblemError
from benchmarks.measuring.prepare import prepare

LAMBDA = {"loc": torch.tensor(0.3), "scale": torch.tensor(0.8)}
RATE = {"rate": torch.tensor(3.0)}


def clamped(x):
    x.clamp_(min=0)
    return x + 3


def subtracted(x):
    x -= 0.4
    x *= x
    return x


def masked(x):
    x[x > 4] = 4.0
    return x.double() ** 2


def of_a_view(x):
    x.unsqueeze(-1)[..., 0].abs_()
    return x + 1.0


def without_graph(x):
    with torch.no_grad():
        x.data.relu_()
    return x.square()


def by_numpy(x):
    points = x.numpy()
    np.clip(points, 0.0, None, out=points)
    return points + 3


def of_the_law(x, dist):
    dist.scale.clamp_(min=1.0)
    return (x / dist.scale).square()


def of_its_law(x, dist):
    x.clamp_(max=1.0)
    return x - dist.log_prob(x)


class Terms:
    """Of two numbers, whose costs one by one are taken in place."""

    def __call__(self, x, dist):
        return self.terms(x.clone(), dist).sum(-1)

    def terms(self, x, dist):
        return x.sub_(0.4).square()


def pair(loc, scale):
    return Independent(Normal(loc.unsqueeze(-1).expand(*loc.shape, 2), scale.unsqueeze(-1)), 1)


def network(cost, **more):
    parameters = {"net": nn.Linear(2, 2), **more}
    return Problem("mine", parameters, lambda net, batch: Independent(Normal(net(batch), 1.0), 1),
                   cost, minibatch=torch.ones(8, 2), batch_size=4)  # fmt: skip


def of_the_batch(x, batch):
    batch.clamp_(max=0.5)
    return (x - batch).square().sum(-1)


def reduced(f):
    f.sub_(1.0)
    return f.logsumexp(-1)


def encoded(net, batch):
    return Independent(Normal(net(batch), 1.0), 1)


def of_a_parameter(x, w):
    w.clamp_(max=0.5)
    return (x * w).square()


def softened(loc, scale):
    return Normal(loc, scale * 2.0)


def problem(cost, parameters=LAMBDA, family=Normal):
    return Problem("mine", parameters, family, cost)


WRITTEN = {
    "method": (lambda: problem(clamped), "x"),
    "operator": (lambda: problem(subtracted), "x"),
    "mask": (lambda: problem(masked), "x"),
    "view": (lambda: problem(of_a_view), "x"),
    "data": (lambda: problem(without_graph), "x"),
    "NumPy": (lambda: problem(by_numpy), "x"),
    "counts": (lambda: problem(masked, RATE, Poisson), "x"),
    "bits": (
        lambda: problem(subtracted, {"probs": torch.tensor(0.3)}, lambda probs: Bernoulli(probs)),
        "x",
    ),
    "with the law": (lambda: problem(of_its_law), "x"),
    "the law": (lambda: problem(of_the_law, family=softened), "dist.scale"),
    "the law's copies of λ": (lambda: problem(of_the_law), "a tensor that it is given"),
    "terms": (lambda: problem(Terms(), family=pair), "x"),
    "module": (
        lambda: problem(nn.Sequential(nn.ReLU(inplace=True), nn.Hardtanh(-1.0, 2.0))),
        "x",
    ),
    "module among the parameters": (
        lambda: network(lambda x, q, dec, batch: dec(x).square().sum(-1),
                        dec=nn.Sequential(nn.ReLU(inplace=True), nn.Linear(2, 2))),
        "x",
    ),
    "batch": (lambda: network(of_the_batch), "batch"),
    "parameter": (
        lambda: problem(of_a_parameter, {**LAMBDA, "w": torch.tensor(0.7)},
                        lambda loc, scale: Normal(loc, scale)),
        "a tensor that it is given",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", WRITTEN)
def test_what_is_written_into_is_named(kind):
    build, name = WRITTEN[kind]
    with pytest.raises(ProblemError) as caught:
        prepare(build())
    said = str(caught.value)
    assert said.startswith(
        f"The cost of problem 'mine' changes its argument in place ({name}, by an operation"
    )
    copied = "batch" if name == "batch" else "x"
    assert said.endswith(f"; work on a copy, as in {copied} = {copied}.clone().")


def test_a_reduction_that_writes_into_the_costs_is_named():
    mine = Problem("mine", LAMBDA, Normal, lambda x: x * 2, reduction=reduced)
    with pytest.raises(ProblemError, match=r"^The reduction of .*in place \(f, .*f = f\.clone"):
        prepare(mine)


def test_a_family_that_writes_into_the_data_is_named():
    net = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(2, 2))
    mine = Problem("mine", {"net": net}, encoded, lambda x: x.sum(-1), minibatch=torch.ones(8, 2),
                   batch_size=4)  # fmt: skip
    with pytest.raises(ProblemError, match=r"^The family of .*in place \(batch, .*batch\.clone"):
        prepare(mine)


def test_data_may_lack_values():
    rows = torch.ones(8, 2)
    rows[:, 0] = torch.nan

    def family(net, batch):
        return Independent(Normal(net(batch.nan_to_num()), 1.0), 1)

    mine = Problem("mine", {"net": nn.Linear(2, 2)}, family, lambda x: x.sum(-1), minibatch=rows,
                   batch_size=4)  # fmt: skip
    assert prepare(mine).cautions == ()


def test_layers_inside_may_work_in_place():
    net = nn.Sequential(nn.Linear(2, 2), nn.ReLU(inplace=True), nn.Linear(2, 2))
    mine = Problem("mine", {"net": net}, encoded, lambda x: x.sum(-1), minibatch=torch.ones(8, 2),
                   batch_size=4)  # fmt: skip
    assert prepare(mine).problem.name == "mine"


def test_a_copy_may_be_changed():
    def cost(x):
        x = x.clone()
        x -= 0.4
        x[x > 2] = 2.0
        return x.square()

    assert prepare(problem(cost)).truth is not None


def test_a_cost_is_called_no_more_often():
    """Two values, one more of a copy, and five changes of samples."""
    from benchmarks.validation.cost_checks import check_cost

    calls = []

    def cost(x):
        calls.append(x.shape)
        return x.square()

    mine = problem(cost)
    dist = mine.dist(3)
    check_cost(mine, dist, dist.sample((64,)))
    assert len(calls) == 8
