"""ConditionalBernoulli.of_uniforms at the ends of [0, 1), under extreme logits, and every shape."""

import pytest
import torch

from estimators.distributions import ConditionalBernoulli


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 7, 8, 9])
def test_every_uniform_makes_a_subset_of_size_k(n, dtype):
    top = 1 - torch.finfo(dtype).eps / 2
    u = torch.tensor([0.0, 0.5, top, 1.0], dtype=dtype)  # the end too, which rounding may make
    grid = torch.cartesian_prod(*[u] * n).reshape(-1, n) if n < 6 else u[torch.randint(4, (500, n))]
    spread = torch.linspace(-1, 1, n, dtype=dtype)
    for logits in (0 * spread, 90 * spread, -90 * spread, 90 * spread.abs(), spread.sin() * 300):
        for k in range(1, n + 1):
            x = ConditionalBernoulli(k, logits).of_uniforms(grid)
            assert x.shape == grid.shape
            assert ((x == 0) | (x == 1)).all(), (k, logits)
            assert (x.sum(-1) == k).all(), (k, logits)


def test_likely_subsets_are_made_whatever_the_uniforms():
    logits = torch.tensor([40.0, -40, 40, -40, -40], dtype=torch.float64)
    u = torch.rand(300, 5, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    x = ConditionalBernoulli(2, logits).of_uniforms(u)
    assert (x == torch.tensor([1.0, 0, 1, 0, 0])).all()


@pytest.mark.parametrize(("n", "k"), [(3, 1), (5, 2), (6, 4)])
def test_a_grid_of_uniforms_has_the_probabilities(n, k):
    """The mean over uniforms is the marginal: each u but the first is used once."""
    logits = torch.linspace(-1, 1, n, dtype=torch.float64).sin()
    dist = ConditionalBernoulli(k, logits)
    draws = 60_000
    u = torch.rand(draws, n, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    mean = dist.of_uniforms(u).mean(0)
    assert ((mean - dist.mean).abs() < 4.5 * (dist.variance / draws).sqrt()).all()
    moved = u.clone()
    moved[:, 0] = 1 - moved[:, 0]
    assert torch.equal(dist.of_uniforms(u), dist.of_uniforms(moved))
