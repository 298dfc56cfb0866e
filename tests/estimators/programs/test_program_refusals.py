"""Mistakes in models and strategies: one sentence each, with the node's name."""

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

import estimators
from estimators.programs import ModelError

LAMBDA = {"a": torch.zeros(5, requires_grad=True)}


def twice(draw, a):
    return draw("b", Bernoulli(logits=a)) + draw("b", Bernoulli(logits=a))


def one(draw, a):
    return draw("b", Bernoulli(logits=a)) * 1.0


def extra_axes(draw, a):
    return draw("b", Independent(Bernoulli(logits=a.unsqueeze(-1).expand(5, 3)), 1))


def reduced(draw, a):
    return draw("b", Bernoulli(logits=a)).mean()


def added_wrong(draw, a):
    b = draw("b", Bernoulli(logits=a))
    draw.add(b.unsqueeze(-1).expand(*b.shape, 4))
    return b


def whole_numbers(draw, a):
    return (draw("b", Bernoulli(logits=a)) > 0).long()


def in_place(draw, a):
    b = draw("b", Bernoulli(logits=a))
    b += 1
    return draw("z", Normal(b, 1.0)) * 1.0


def plate(draw, a):
    b = draw("b", Bernoulli(logits=a))
    z = draw("z", Normal(b.unsqueeze(-1), torch.ones(4)))
    return z.sum(-1)


def branches(draw, a):
    b = draw("b", Bernoulli(logits=a))
    return draw("z", Normal(b, 1.0)) if b > 0 else b


def number(draw, a):
    return draw("b", a)


def nothing(draw, a):
    return a


ONE, TWO = {"b": "reinforce"}, {"b": "reinforce", "z": "pathwise"}
CASES = [
    (twice, ONE, 1, ModelError, r"Node 'b' is drawn twice.*b\.\{t\}"),
    (one, TWO, 1, estimators.Unsupported, "There is no node 'z'.*Known: b"),
    (in_place, ONE, 1, estimators.Unsupported, "Node 'z' has no strategy"),
    (extra_axes, ONE, 1, ModelError, r"after node 'b', has shape \(5, 3\) where \(5,\)"),
    (reduced, ONE, 2, ModelError, r"after node 'b', has shape \(\) where \(2, 5\)"),
    (added_wrong, ONE, 1, ModelError, r"draw.add, after node 'b', has shape \(5, 4\)"),
    (whole_numbers, ONE, 1, ModelError, "after node 'b', is torch.int64"),
    (in_place, TWO, 1, ModelError, "The sample of node 'b' was edited in place"),
    (plate, TWO, 1, ModelError, "Node 'z' has batch_shape .*Independent"),
    (branches, TWO, 1, ModelError, "branches on a draw.*torch.where"),
    (number, ONE, 1, ModelError, "Node 'b' is drawn from Tensor"),
    (nothing, ONE, 1, ModelError, "draws no node"),
    (one, {"b": "reinforce-loo"}, 1, estimators.Unsupported, "Node 'b': .*at least two samples"),
    (one, {"b": "arm"}, 3, estimators.Unsupported, "Node 'b': .*even number"),
    (one, {"b": "pathwise"}, 1, estimators.Unsupported, "Node 'b': Bernoulli has no reparam"),
]


@pytest.mark.parametrize(
    ("model", "strategies", "samples", "kind", "says"),
    CASES,
    ids=[f"{case[0].__name__}, {'+'.join(case[1].values())}" for case in CASES],
)
def test_a_mistake_is_one_sentence(model, strategies, samples, kind, says):
    with pytest.raises(kind, match=says) as caught:
        estimators.surrogate(model, strategies, LAMBDA, samples)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("strategies", "samples", "says"),
    [
        ({"b": "arm", "b,z": "reinforce"}, 1, "Node 'b' has two strategies"),
        ({"b": "arm", "*": "reinforce"}, 1, r"together as \{\"\*\""),
        ({"b": "arm"}, {"c": 2}, "no strategy for node 'c'"),
        ({"b": "arm"}, {"b": 0}, "samples=0 at node 'b'"),
        ({"b": "armm"}, 1, "no estimator 'armm'.*arm"),
    ],
)
def test_strategies_are_checked(strategies, samples, says):
    with pytest.raises(ValueError, match=says):
        estimators.surrogate(one, strategies, LAMBDA, samples)


def test_nodes_that_depend_on_a_draw_are_named_when_the_model_is_executed_again():
    """A single draw can be branched on; another evaluation of the cost then finds other nodes."""

    def walk(draw, a):
        b = draw("b", Bernoulli(logits=a))
        if b.sum() > 0:
            return draw("up", Normal(a, 1.0)).square()
        return draw("down", Normal(a, 1.0)).square()

    strategies = {"b": "self-critical", "up": "pathwise", "down": "pathwise"}
    logits = {"a": torch.tensor(0.0, requires_grad=True)}
    with pytest.raises((ModelError, estimators.Unsupported), match=r"no node|depends on a draw"):
        [estimators.surrogate(walk, strategies, logits) for _ in range(20)]


def test_an_estimator_with_a_generator_of_its_own_is_refused():
    """Going back to where it was needs torch's generator."""
    own = torch.Generator()

    class Elsewhere(estimators.Estimator):
        def surrogate(self, dist, cost, samples=1):
            x = torch.rand(samples, *dist.batch_shape, generator=own)
            return cost(x, dist).mean(0)

    with pytest.raises(estimators.Unsupported, match=r"Node 'b': .*torch's generator"):
        estimators.surrogate(one, {"b": Elsewhere()}, LAMBDA)
