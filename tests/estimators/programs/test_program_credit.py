"""Costs on the way weigh only on the nodes before them, and evaluations are counted."""

import pytest
import torch
from program_examples import AT, replicated
from torch.distributions import Bernoulli, Normal

import estimators


def with_toll(toll, late=False):
    def model(draw, a, m, w):
        b = draw("b", Bernoulli(logits=a))
        if not late:
            draw.add(toll * b)
        c = draw("c", Bernoulli(logits=w + m * b))
        if late:
            draw.add(toll * b)
        return c * (1 + b)

    return model


STRATEGIES = {"b": "reinforce", "c": "reinforce"}


def test_a_cost_before_a_node_does_not_weigh_on_it():
    plain, tolled, late = (
        replicated(with_toll(*how), STRATEGIES, AT, 1, 500)[1]
        for how in ((0.0,), (100.0,), (100.0, True))
    )
    assert torch.equal(plain[:, 1:], tolled[:, 1:])  # m and w reach only c
    assert not torch.equal(plain[:, 0], tolled[:, 0])
    assert late[:, 1:].var(0).sum() > 10 * tolled[:, 1:].var(0).sum()
    assert torch.equal(late[:, 0], tolled[:, 0])


def test_the_axes_of_a_cost_tell_what_it_depends_on():
    """With several samples at c, a cost without their axis is none of theirs."""
    plain, late = (
        replicated(with_toll(*how), STRATEGIES, AT, {"b": 1, "c": 3}, 500)[1]
        for how in ((0.0,), (100.0, True))
    )
    assert torch.equal(plain[:, 1:], late[:, 1:])


def test_costs_on_the_way_are_in_the_value_and_in_joint_draws():
    for strategies in (STRATEGIES, {"*": "reinforce-loo"}, {"b,c": "reinforce-loo"}):
        value = replicated(with_toll(2.0), strategies, AT, 2, 20_000)[0]
        a, w, m = (torch.tensor(AT[k]) for k in ("a", "w", "m"))
        p = a.sigmoid()
        right = 2 * p + (1 - p) * w.sigmoid() + 2 * p * (w + m).sigmoid()
        assert (value.mean() - right).abs() < 5 * value.std() / 20_000**0.5


@pytest.mark.parametrize(
    "late", ["stochastic-triples", "measure-valued", "self-critical", "rebar", "mu-prop"]
)
def test_earlier_costs_are_none_of_a_node_that_asks_again(late):
    """What is executed again for another sample of c is only what follows c."""
    strategies = {"b": "enumeration", "c": late}
    plain, tolled = (replicated(with_toll(toll), strategies, AT, 1, 300) for toll in (0.0, 100.0))
    assert torch.equal(plain[1][:, 1:], tolled[1][:, 1:])
    p = torch.tensor(AT["a"], dtype=torch.float64).sigmoid()
    torch.testing.assert_close(tolled[0] - plain[0], (100 * p).expand(300))


def test_a_chain_is_executed_once():
    """Scores and paths wait for their costs: 60 nodes, and 60 draws."""
    drawn = []

    def chain(draw, w):
        x = 0.0
        for t, logits in enumerate(w.unbind(-1)):
            kind = Bernoulli(logits=logits + 0.1 * x) if t % 2 else Normal(logits + 0.1 * x, 1.0)
            x = draw(f"x.{t}" if t % 2 else f"z.{t}", kind)
            drawn.append(t)
            draw.add(x + 1)
        return None

    w = torch.zeros(7, 60, dtype=torch.float64, requires_grad=True)
    loss = estimators.surrogate(chain, {"x": "reinforce", "z": "pathwise"}, {"w": w})
    assert drawn == list(range(60))
    (found,) = torch.autograd.grad(loss.sum(), w)
    assert found.abs().min() > 0


def test_paths_alone_have_the_gradient_of_backpropagation():
    def chain(draw, w):
        x = torch.zeros(w.shape[:-1], dtype=w.dtype)
        for t, loc in enumerate(w.unbind(-1)):
            x = draw(f"x.{t}", Normal(loc + 0.5 * x, 1.0))
            draw.add(x)
        return None

    w = torch.zeros(3, 4, dtype=torch.float64, requires_grad=True)
    loss = estimators.surrogate(chain, {"x": "pathwise"}, {"w": w})
    (found,) = torch.autograd.grad(loss.sum(), w)
    right = torch.tensor([2 - 0.5**k for k in (3, 2, 1, 0)], dtype=torch.float64)
    torch.testing.assert_close(found, right.expand(3, 4))
