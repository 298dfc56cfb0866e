"""NeuralSort and SoftSort of three and four scores, entry by entry from their definitions."""

import math

import pytest
import torch

import estimators

SCORES = {3: [0.3, 1.2, -0.5], 4: [0.3, 1.2, -0.5, 0.9]}


def softmax(numbers):
    powers = [math.exp(number) for number in numbers]
    return [power / sum(powers) for power in powers]


def soft_sort(z, temperature):
    """Row i: softmax over j of −|z_[i] − z_j| / τ, z_[i] the i-th largest."""
    ordered = sorted(z, reverse=True)
    return [softmax([-abs(s - x) / temperature for x in z]) for s in ordered]


def neural_sort(z, temperature):
    """Row i = 1 … n: softmax over j of ((n + 1 − 2i) z_j − Σ_l |z_j − z_l|) / τ."""
    n = len(z)
    apart = [sum(abs(x - y) for y in z) for x in z]
    return [
        softmax([((n + 1 - 2 * i) * x - a) / temperature for x, a in zip(z, apart, strict=True)])
        for i in range(1, n + 1)
    ]


@pytest.mark.parametrize("temperature", [0.4, 1.0])
@pytest.mark.parametrize("n", [3, 4])
@pytest.mark.parametrize("by_hand", [soft_sort, neural_sort])
def test_every_entry_is_that_of_the_definition(by_hand, n, temperature):
    name = by_hand.__name__.replace("_", "-")
    z = torch.tensor([SCORES[n], SCORES[n][::-1]], dtype=torch.float64)
    relaxed = estimators.create(name, temperature=temperature).relax(z)
    expected = torch.tensor([by_hand(row.tolist(), temperature) for row in z], dtype=torch.float64)
    torch.testing.assert_close(relaxed, expected, rtol=0, atol=1e-14)
    assert (relaxed.argmax(-1) == z.argsort(-1, descending=True)).all()


@pytest.mark.parametrize("by_hand", [soft_sort, neural_sort])
def test_the_derivative_is_that_of_the_definition(by_hand):
    name = by_hand.__name__.replace("_", "-")
    z = torch.tensor(SCORES[3], dtype=torch.float64, requires_grad=True)
    costs = torch.arange(9, dtype=torch.float64).sin().reshape(3, 3)
    value = (estimators.create(name, temperature=0.7).relax(z) * costs).sum()
    (found,) = torch.autograd.grad(value, z)

    def at(scores):
        return (torch.tensor(by_hand(scores, 0.7), dtype=torch.float64) * costs).sum().item()

    for j in range(3):
        up, down = (
            [x + sign * 1e-6 * (i == j) for i, x in enumerate(SCORES[3])] for sign in (1, -1)
        )
        assert found[j].item() == pytest.approx((at(up) - at(down)) / 2e-6, abs=1e-7)
