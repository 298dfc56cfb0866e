"""The joint law of a program's nodes: its density ends with the last draw, its cost does not."""

import torch
from torch.distributions import Bernoulli, Normal

from estimators.programs import Joint

ASKED = []


def model(draw, loc):
    z = draw("z", Normal(loc, 1.0))
    draw.add(z.square())
    b = draw("b", Bernoulli(logits=z))
    ASKED.append("cost")
    return b * z


def joint():
    found = Joint(model, {"loc": torch.tensor([0.3, -0.2])}, torch.Size([2]))
    assert found.event_shape == (2,)
    ASKED.clear()
    return found


def test_a_density_is_that_of_all_draws_and_asks_for_no_cost():
    law = joint()
    z, b = torch.tensor([[0.5, 1.0], [-1.0, 2.0]]), torch.tensor([[1.0, 0.0], [1.0, 1.0]])
    found = law.log_prob(torch.stack([z, b], -1))
    exact = Normal(law.parameters["loc"], 1.0).log_prob(z) + Bernoulli(logits=z).log_prob(b)
    assert torch.allclose(found, exact)
    assert not ASKED


def test_the_cost_of_the_same_draws_is_whole():
    law = joint()
    value = torch.tensor([[[0.5, 1.0], [-1.0, 0.0]]])
    law.log_prob(value)
    assert torch.allclose(law.cost(value), torch.tensor([[0.75, 1.0]]))
    assert ASKED == ["cost"]


def test_a_density_of_its_own_draws_needs_no_other_execution():
    law = joint()
    x = law.sample((3,))
    law.log_prob(x)
    law.cost(x)
    assert ASKED == ["cost"]
