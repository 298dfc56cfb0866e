"""Per-token credit on sequences: what comes before a token is no part of its weight."""

import pytest
import torch

import estimators
from benchmarks import Problem, measure
from benchmarks.objective.costs import quadratic
from estimators.baselines import LeaveOneOut
from estimators.distributions import Autoregressive
from estimators.distributions.autoregressive import prefix_table

EOS, LENGTH = 1, 3
TABLE = torch.randn(2, 7, 3, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


class Walk:
    """Σ_t c(x_t), with the tokens' own costs as terms."""

    values = torch.tensor([0.5, 1.5, 1.0], dtype=torch.float64)

    def __call__(self, x):
        return self.values[x].sum(-1)

    def terms(self, x, dist):
        return self.values[x]


PROBLEM = Problem(
    "walk", {"logits": TABLE}, lambda logits: Autoregressive(logits, EOS, LENGTH), Walk()
)


def exact_variance(credit):
    """tr Cov of one sample's Σ_t credit_t(x) ∇log p(x_t | x_<t), by enumeration."""
    leaf = TABLE.clone().requires_grad_()
    dist = Autoregressive(leaf, EOS, LENGTH)
    points = dist.enumerate_support()  # [15, 2, 3]
    p = dist.log_prob(points).exp().detach()
    total = 0.0
    for row in range(2):  # batch elements are independent
        each = []
        for x in points:
            score = (credit(x)[row] * dist.terms(x)[row]).sum()
            each.append(torch.autograd.grad(score, leaf, retain_graph=True)[0].flatten())
        g = torch.stack(each)
        mean = p[:, row] @ g
        total += float(p[:, row] @ (g - mean).square().sum(-1))
    return total


def to_go(x):
    return Walk.values[x].flip(-1).cumsum(-1).flip(-1)


def test_the_variance_is_that_of_rewards_to_go():
    found = measure(PROBLEM, "reinforce-rao-blackwell", 1, 20_000, timed=False)
    assert found.bias_verdict != "biased"
    expected = exact_variance(to_go)
    assert found.variance_low < expected < found.variance_high
    assert found.variance < 0.9 * exact_variance(lambda x: Walk()(x).unsqueeze(-1).expand(2, 3))


def test_baselines_are_of_each_token():
    """Leave-one-out over the rewards to go of a token, by a loop over samples and tokens."""
    estimator = estimators.create("reinforce-rao-blackwell", baseline=LeaveOneOut())
    leaf = TABLE.clone().requires_grad_()
    dist = Autoregressive(leaf, EOS, LENGTH)
    torch.manual_seed(1)
    found = torch.autograd.grad(estimator.surrogate(dist, Walk(), 3).sum(), leaf)[0]
    torch.manual_seed(1)
    x = dist.sample((3,))
    terms, own, total = dist.terms(x), to_go(x), 0.0
    for k in range(3):
        for t in range(LENGTH):
            others = sum(own[j, :, t] for j in range(3) if j != k) / 2
            total = total + ((own[k, :, t] - others) * terms[k, :, t]).sum() / 3
    torch.testing.assert_close(found, torch.autograd.grad(total, leaf)[0])


@pytest.mark.parametrize("baseline", [0.0, LeaveOneOut()])
def test_no_baseline_adds_bias(baseline):
    estimator = estimators.create("reinforce-rao-blackwell", baseline=baseline)
    found = measure(PROBLEM, estimator, 2, 40_000, timed=False)
    assert found.bias_verdict == "unbiased"


def test_costs_of_elements_have_tokens_as_terms():
    problem = Problem(
        "elements", {"logits": TABLE}, lambda logits: Autoregressive(logits, EOS, LENGTH),
        lambda x, dist: quadratic(0.3)(x.double(), dist),
    )  # fmt: skip
    estimator = estimators.create("reinforce-rao-blackwell", terms=quadratic(0.3).terms)
    assert measure(problem, estimator, 1, 40_000, timed=False).bias_verdict == "unbiased"


def test_without_tokens_or_factors_there_is_a_sentence():
    normal = torch.distributions.MultivariateNormal(torch.zeros(2), torch.eye(2))
    estimator = estimators.create("reinforce-rao-blackwell", terms=lambda x, dist: x)
    with pytest.raises(estimators.Unsupported, match="no factors for a cost's terms"):
        estimator.surrogate(normal, lambda x: x.sum(-1))
    ranking = estimators.distributions.PlackettLuce(logits=torch.zeros(3))
    with pytest.raises(estimators.Unsupported, match="no log-probability for each term"):
        estimator.surrogate(ranking, lambda x: x.double().sum(-1))


def test_prompts_stand_before_prefixes():
    """A table of every prompt is that of the module with the prompt's tokens in front."""
    prompts = torch.tensor([[0, 2], [1, 1], [2, 0]])

    def module(tokens):
        weights = torch.arange(1.0, tokens.shape[-1] + 1, dtype=torch.float64)
        total = ((tokens + 1) * weights).sum(-1, keepdim=True)
        return (total * torch.tensor([0.3, 0.7, 1.1], dtype=torch.float64)).sin()

    table = prefix_table(module, 3, EOS, LENGTH, prompts)
    assert table.shape == (3, 7, 3)
    prefixes = [(), (0,), (2,), (0, 0), (0, 2), (2, 0), (2, 2)]
    for p, prompt in enumerate(prompts.tolist()):
        for row, prefix in enumerate(prefixes):
            expected = module(torch.tensor([[*prompt, *prefix]]))[0]
            torch.testing.assert_close(table[p, row], expected)
    alone = prefix_table(module, 3, EOS, LENGTH, prompts[:, :0][:1])[0]
    torch.testing.assert_close(prefix_table(module, 3, EOS, LENGTH), alone)
