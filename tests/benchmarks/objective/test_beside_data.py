"""Tensors and a module's own parameters beside a batch of data: what to do, before measuring."""

import pytest
import torch
from torch import nn
from torch.distributions import Independent, Normal

from benchmarks import Problem, ProblemError, measure
from benchmarks.validation.interface_checks import check

SAYS = r"a vector needs \.unsqueeze\(-2\) and a number \.unsqueeze\(-1\), or to be used in a method"


class Coded(nn.Module):
    """An encoder with a log standard deviation for all data."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.mean, self.log_s = nn.Linear(4, 2), nn.Parameter(torch.zeros(2))

    def scales(self, batch):
        return self.log_s.exp().expand(len(batch), 2)


def of_both(scale, cost=lambda z: z.square().sum(-1), rows=5, **more):
    """A Gaussian encoder, `scale` being what it makes of the module and a batch [rows, 4]."""

    def family(m, batch):
        return Independent(Normal(m.mean(batch), scale(m, batch)), 1)

    parameters = {"m": Coded(), **more}
    return Problem("mine", parameters, family, cost, minibatch=torch.ones(20, 4), batch_size=rows)


RIGHT = {
    "axis": lambda m, batch: m.log_s.exp().unsqueeze(-2),
    "method": lambda m, batch: m.scales(batch),
}


@pytest.mark.parametrize("way", RIGHT)
def test_what_the_sentence_says_works(way):
    row = measure(of_both(RIGHT[way]), "pathwise", replicates=200, timed=False)
    assert row.status == "ok", row.reason


@pytest.mark.parametrize("rows", [5, 3, 1])  # three copies of λ are what a check tries first
def test_a_modules_own_parameter_without_an_axis_is_told(rows):
    with pytest.raises(ProblemError, match=SAYS):
        check(of_both(lambda m, batch: m.log_s.exp(), rows=rows))


def test_a_tensor_beside_the_module_is_told():
    def family(net, log_s, batch):
        return Independent(Normal(net(batch), log_s.exp()), 1)

    parameters = {"net": nn.Linear(4, 2), "log_s": torch.zeros(2)}
    problem = Problem("mine", parameters, family, lambda z: z.square().sum(-1),
                      minibatch=torch.ones(20, 4), batch_size=5)  # fmt: skip
    with pytest.raises(ProblemError, match=SAYS):
        check(problem)


COSTS = {
    "module": (lambda z, q, m: (z * m.log_s).sum(-1), {}),
    "tensor": (lambda z, w: (z * w).sum(-1), {"w": torch.ones(2)}),
}


@pytest.mark.parametrize("kind", COSTS)
def test_a_cost_is_checked_with_each_replicates_own(kind):
    cost, more = COSTS[kind]
    with pytest.raises(ProblemError, match=f"x has samples and replicates in front.*{SAYS}"):
        check(of_both(RIGHT["axis"], cost, **more))


def test_without_data_it_is_as_before():
    parameters = {"loc": torch.zeros(4), "scale": torch.tensor(1.0)}
    with pytest.raises(ProblemError, match="which a class without batches cannot") as caught:
        check(Problem("mine", parameters, Normal, lambda x: x))
    assert "unsqueeze(-2)" not in str(caught.value)
