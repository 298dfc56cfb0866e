"""Local expectation gradients: exact where factors do not interact, quieter where they do."""

import pytest
import torch
from torch.distributions import Independent, OneHotCategorical

import estimators
from benchmarks import measure, problems, ratio
from benchmarks.truth.exact import find_truth


def test_a_sum_over_factors_has_no_noise():
    problem = problems.load("bernoulli-10-quadratic")
    row = measure(problem, "local-expectation", samples=1, replicates=200, timed=False)
    assert row.variance < 1e-20
    assert row.bias_verdict == "unbiased"
    assert row.evaluations == 1 + 2 * 10


@pytest.mark.parametrize("samples", [1, 3])
def test_factors_that_interact_leave_less_noise_than_the_score_function(samples):
    problem = problems.load("one-hot-4-quadratic")
    rows = [
        measure(problem, name, samples=samples, replicates=4_000, timed=False)
        for name in ("local-expectation", "reinforce")
    ]
    assert rows[0].bias_verdict in {"unbiased", "undetermined"}
    assert ratio(*rows).high < 0.5
    assert find_truth(problem).method == "enumeration"


def test_each_factor_sees_its_own_values():
    """Σ_v f(x with x_d = v) ∇p_d(v), by hand for two categoricals."""
    logits = torch.tensor([[0.2, -0.4, 1.0], [0.0, 0.7, -0.3]], dtype=torch.float64)
    logits.requires_grad_()
    table = torch.arange(9, dtype=torch.float64).sin().reshape(3, 3)

    def cost(x):
        return torch.einsum("...i,...j,ij->...", x[..., 0, :], x[..., 1, :], table)

    dist = Independent(OneHotCategorical(logits=logits), 1)
    torch.manual_seed(0)
    first, second = dist.sample((1,))[0].argmax(-1).tolist()
    torch.manual_seed(0)
    surrogate = estimators.create("local-expectation").surrogate(dist, cost, 1)
    (found,) = torch.autograd.grad(surrogate, logits)
    p = logits.softmax(-1)
    by_hand = (p[0] * table[:, second]).sum() + (p[1] * table[first]).sum()
    (exact,) = torch.autograd.grad(by_hand, logits)
    assert torch.allclose(found, exact)
