"""Finite supports in several dimensions: subsets and sequences of tokens, by either way."""

import itertools

import pytest
import torch
from torch.distributions import Categorical, Distribution, constraints

import estimators
from benchmarks import Problem
from benchmarks.truth.exact import find_truth
from benchmarks.validation.goodness_of_fit import examine
from benchmarks.validation.interface_checks import check, completed
from estimators.capabilities import complete, support_points

POINTS = torch.tensor(
    [[float(i in c) for i in range(5)] for c in itertools.combinations(range(5), 2)]
)
THETA = torch.tensor([0.3, -0.5, 0.0, 0.8, -1.0])
WEIGHTS = torch.tensor([1, -2, 0.5, 3, 0.1])


class Subset(Distribution):  # two of five
    arg_constraints = {}  # noqa: RUF012
    support = constraints.independent(constraints.boolean, 1)

    def __init__(self, theta):
        self.theta = theta
        super().__init__(theta.shape[:-1], theta.shape[-1:], validate_args=False)

    def table(self):
        return self.theta @ POINTS.to(self.theta).T

    def log_prob(self, value):
        log_p = (value * self.theta).sum(-1) - self.table().logsumexp(-1)
        return log_p.where(value.sum(-1) == 2, -torch.inf)

    def sample(self, sample_shape=torch.Size()):  # noqa: B008  torch's own default
        return POINTS.to(self.theta)[Categorical(logits=self.table()).sample(sample_shape)]


class Listed(Subset):  # names its points, as torch does
    def enumerate_support(self, expand=True):
        points = POINTS.to(self.theta).reshape(10, *[1] * len(self.batch_shape), 5)
        return points.expand(10, *self.batch_shape, 5) if expand else points


class Unsampled(Listed):  # whose samples follow from its masses
    sample = None


class Integers(Unsampled):  # the same, and samples of integers
    def enumerate_support(self, expand=True):
        return super().enumerate_support(expand).long()

    def log_prob(self, value):
        return super().log_prob(value.to(self.theta))


class ListedForAll(Subset):  # names them for each batch element, come what may
    support = constraints.real_vector

    def enumerate_support(self):
        points = POINTS.to(self.theta).reshape(10, *[1] * len(self.batch_shape), 5)
        return points.expand(10, *self.batch_shape, 5)


class Tokens(Distribution):  # four tokens of three, each given the one before
    arg_constraints = {}  # noqa: RUF012
    support = constraints.independent(constraints.integer_interval(0, 2), 1)

    def __init__(self, logits):  # [..., 3, 3]
        self.logits = logits
        super().__init__(logits.shape[:-2], (4,), validate_args=False)

    def steps(self, value):
        first = torch.zeros_like(value[..., :1])
        table = self.logits.log_softmax(-1)
        before = torch.cat([first, value[..., :-1]], -1).long()
        rows = table.expand(*before.shape[:-1], 3, 3).gather(
            -2, before.unsqueeze(-1).expand(*before.shape, 3)
        )
        return rows.gather(-1, value.long().unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value):
        return self.steps(value).sum(-1)

    def sample(self, sample_shape=torch.Size()):  # noqa: B008
        shape = (*sample_shape, *self.batch_shape)
        table, x = self.logits.expand(*shape, 3, 3), []
        before = torch.zeros(shape, dtype=torch.long)
        for _ in range(4):
            row = table.gather(-2, before[..., None, None].expand(*shape, 1, 3)).squeeze(-2)
            before = Categorical(logits=row).sample()
            x.append(before)
        return torch.stack(x, -1).to(self.logits)


def exact_of_subsets():
    theta = THETA.double().requires_grad_()
    p = (theta @ POINTS.double().T).softmax(-1)
    cost = (POINTS.double() @ WEIGHTS.double() - 1).square()
    return torch.autograd.grad((p * cost).sum(), theta)[0]


@pytest.mark.parametrize("family", [Subset, Listed, ListedForAll], ids=lambda f: f.__name__)
def test_subsets_are_enumerated(family):
    def cost(x):
        return (x @ x.new_tensor(WEIGHTS.tolist()) - 1).square()

    problem = completed(Problem("subset", {"theta": THETA}, family, cost))
    problem = problem.to("cpu", torch.float64)
    check(problem)
    truth = find_truth(problem)
    assert truth.method == "enumeration"
    torch.testing.assert_close(truth.gradient, exact_of_subsets(), rtol=1e-6, atol=1e-9)
    found = problem.gradients(estimators.create("enumeration"), 2, 3)
    torch.testing.assert_close(found, exact_of_subsets().expand(3, 5), rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("family", [Unsampled, Integers], ids=lambda f: f.__name__)
def test_samples_follow_from_masses_in_several_dimensions(family):
    def cost(x):
        return (x.double() @ WEIGHTS.double() - 1).square()

    problem = completed(Problem("subset", {"theta": THETA.double()}, family, cost))
    check(problem)
    assert examine(problem) == ()
    torch.manual_seed(0)
    found = problem.gradients(estimators.create("reinforce-loo"), 4, 20_000)
    error = found.std(0) / len(found) ** 0.5
    assert ((found.mean(0) - exact_of_subsets()) / error).abs().max() < 4.5


def test_a_cost_that_is_not_defined_where_nothing_is_does_no_harm():
    def cost(x):
        return torch.where(x.sum(-1) == 2, x @ x.new_tensor(WEIGHTS.tolist()), torch.nan)

    problem = completed(Problem("subset", {"theta": THETA.double()}, Subset, cost))
    assert problem.gradients(estimators.create("enumeration"), 1, 1).isfinite().all()


def test_tokens_are_enumerated_and_agree_with_scores():
    torch.manual_seed(0)
    logits = torch.randn(3, 3, dtype=torch.float64)
    problem = completed(Problem("tokens", {"logits": logits}, Tokens, lambda x: x.square().sum(-1)))
    assert len(support_points(problem.dist())) == 81
    truth = find_truth(problem)
    assert truth.method == "enumeration"
    found = problem.gradients(estimators.create("reinforce-loo"), 4, 20_000)
    error = found.std(0) / len(found) ** 0.5
    assert ((found.mean(0) - truth.gradient) / error).abs().max() < 4.5


def test_what_cannot_be_enumerated_names_the_method():
    wide = complete(Subset(torch.zeros(30)))
    reason = estimators.create("enumeration").unsupported(wide, 1)
    assert "`enumerate_support`" in reason
    assert support_points(wide) is None
