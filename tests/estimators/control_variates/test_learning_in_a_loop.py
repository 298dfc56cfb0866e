"""In a training loop, what learns comes to what the ranking says it is worth."""

import copy
import functools
import math

import pytest
import torch
from torch.distributions import Bernoulli, Independent, Normal

import estimators
from benchmarks import Problem, measure
from estimators.control_variates.learning import Learning

AT, D = 0.4, 2
CALLS, COLLECTED = 130, 24  # until all has been learned once; those whose gradients are kept
WIDER = 1.5  # what was learned is shared by calls after it: they are worth fewer than they are
NAMES = ("reinforce-nvil", "rebar", "rebar-independent", "relax", "mu-prop-fitted")
LEARNED = [*((name, "logits", 1) for name in NAMES), ("lax", "loc", 1)]
LEARNED += [("double-control-variates", "logits", 2), ("reinforce-nvil:fit_steps=1", "logits", 2)]


def toy(x):
    return (x.sum(-1) - 0.3).square()


def family(**parameters):
    factors = Bernoulli if "logits" in parameters else functools.partial(Normal, scale=1.0)
    return Independent(factors(**parameters), 1)


def loop(estimator, key, samples, elements, skipped=CALLS, collected=COLLECTED):
    """Gradients in a training loop as in the README, λ kept where it is: [calls, elements, D]."""
    torch.manual_seed(0)
    leaf = torch.full((elements, D), AT, dtype=torch.float64, requires_grad=True)
    found = []
    for _ in range(skipped + collected):
        loss = estimator.surrogate(family(**{key: leaf}), toy, samples)
        found.append(torch.autograd.grad(loss.sum(), leaf)[0])
    return torch.stack(found[skipped:])


def agree(gradients, name, key, samples):
    """Whether their variance is the one that is ranked, within the noise of both."""
    problem = Problem("toy", {key: torch.full((D,), AT)}, family, toy)
    ranked = measure(problem, name, samples, 5_000, timed=False)
    mean = gradients.reshape(-1, D).mean(0)
    each = (gradients - mean).square().sum(-1).mean(0)
    variance = float(each.mean())
    ours = 2 * float(each.std()) / len(each) ** 0.5 / variance
    half = math.hypot(ours, math.log(ranked.variance_high / ranked.variance))
    return abs(math.log(variance / ranked.variance)) < WIDER * half


@pytest.mark.parametrize(("name", "key", "samples"), LEARNED)
def test_the_loop_has_the_variance_that_is_ranked(name, key, samples):
    gradients = loop(estimators.create(name), key, samples, elements=300)
    assert agree(gradients, name, key, samples)


def test_an_average_over_the_batch_too():
    """One element a loop, for reinforce-ema has one average for all of a call."""
    gradients = loop(estimators.create("reinforce-ema"), "logits", 1, 1, collected=6_000)
    assert agree(gradients.reshape(-1, 300, D), "reinforce-ema", "logits", 1)


def test_unfitted_the_variance_would_be_another():
    """The comparison can fail: before it has learned, no loop has what is ranked."""
    for name, key, samples in [LEARNED[0], LEARNED[1], LEARNED[3]]:
        early = loop(estimators.create(name), key, samples, 300, skipped=0, collected=1)
        assert not agree(early, name, key, samples), name


def test_learning_goes_on_where_the_cost_has_changed():
    estimator, costs = estimators.create("reinforce-nvil"), (toy, lambda x: toy(x) + 50.0)
    leaf, spread = torch.zeros(300, D, requires_grad=True), []
    torch.manual_seed(0)
    for cost in costs:
        for _ in range(300):
            loss = estimator.surrogate(family(logits=leaf), cost, 2)
            (gradient,) = torch.autograd.grad(loss.sum(), leaf)
        spread.append(float(gradient.var()))
    assert spread[1] < 2 * spread[0] + 0.1  # of a baseline that stayed behind: 300


@pytest.mark.parametrize(("name", "key", "samples"), LEARNED)
def test_a_probe_and_a_copy_teach_nothing(name, key, samples):
    estimator = estimators.create(name)
    leaf = torch.full((2, D), AT, dtype=torch.float64, requires_grad=True)
    dist = family(**{key: leaf})
    copied = copy.deepcopy(estimator)
    for _ in range(3):
        assert estimator.unsupported(dist, samples) is None
        copied.surrogate(dist, toy, samples)
    assert learned(copied) != learned(estimator)
    assert learned(estimator) == learned(estimators.create(name))
    assert leaf.grad is None
    estimator.fitted(family(**{key: leaf.detach()}), toy, samples)
    assert learned(estimator) == learned(estimators.create(name))


def learned(estimator):
    """How many calls an estimator has learned from."""
    if hasattr(estimator, "earlier"):
        return estimator.earlier.weight
    return estimator.learning.lesson.taken if estimator.learning.lesson else 0


def test_elements_share_nothing_while_they_learn():
    """The first one keeps its bits when the costs of the others are ten times as large."""
    for name, key, samples in LEARNED[:-1]:
        found = []
        for multiple in (1.0, 10.0):
            weight = torch.tensor([1.0, multiple, multiple])
            estimator, leaf = estimators.create(name), torch.full((3, D), AT, requires_grad=True)
            torch.manual_seed(0)
            for _ in range(7):
                loss = estimator.surrogate(
                    family(**{key: leaf}), lambda x, w=weight: toy(x) * w, samples
                )
            found.append(torch.autograd.grad(loss.sum(), leaf)[0])
        assert torch.equal(found[0][0], found[1][0]), name
        assert not torch.equal(found[0][1:], found[1][1:]), name


def test_an_evaluation_without_gradients_teaches_nothing():
    estimator = estimators.create("relax")
    with torch.no_grad():
        estimator.surrogate(family(logits=torch.zeros(2, D)), toy)
    assert estimator.learning.lesson is None


def test_another_batch_begins_from_nothing():
    learning, first, second = Learning(), *(family(logits=torch.zeros(n, D)) for n in (2, 3))
    learning.in_use(first)
    learning.learned = [torch.ones(2)]
    assert learning.in_use(first) is not None
    assert learning.in_use(second) is None
