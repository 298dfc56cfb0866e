"""Vibrato by hand: each path has its own last step, drawn as a mirrored pair of its own law."""

import torch

import estimators
from estimators.distributions import LinearDiffusion

SAMPLES = 3


def payoff(x):
    """Jumps in the last value, and weighs the paths differently."""
    return (1.5 + x[..., 0].square()) * (x[..., -1] > 1.0).to(x) + 0.2 * x[..., -1]


def law(at):
    return LinearDiffusion(at[0], rate=at[1], volatility=at[2], steps=4)


def test_it_is_the_sum_over_paths_and_pairs():
    at = torch.tensor([1.0, 0.2, 0.4], dtype=torch.float64, requires_grad=True)
    torch.manual_seed(2)
    surrogate = estimators.create("vibrato").surrogate(law(at), payoff, SAMPLES)
    (found,) = torch.autograd.grad(surrogate, at)

    torch.manual_seed(2)
    dist = law(at)
    paths = dist.rsample((SAMPLES,))[:, :-1]
    noise = torch.randn(SAMPLES, dtype=torch.float64)
    expected, values = torch.zeros(3).double(), []
    for path, eps in zip(paths, noise, strict=True):
        before, step = path[-1], 1.0 / 4
        loc = before + at[1] * before * step
        scale = (at[2] * before).abs() * step**0.5
        for sign in (1, -1):
            end = (loc + sign * scale * eps).detach()
            f = payoff(torch.cat((path, end.unsqueeze(0))))
            log_p = -((end - loc) ** 2) / (2 * scale**2) - scale.log()
            (slope,) = torch.autograd.grad(f + f.detach() * log_p, at, retain_graph=True)
            expected += slope / (2 * SAMPLES)
            values.append(f.detach())
    torch.testing.assert_close(found, expected, rtol=1e-10, atol=1e-12)
    torch.testing.assert_close(surrogate.detach(), torch.stack(values).mean())
    assert len({round(float(v), 9) for v in values}) == 2 * SAMPLES  # no two weigh the same


def test_a_mirrored_pair_has_no_noise_of_its_own_for_a_linear_payoff():
    """½ (μ + σε) + ½ (μ − σε) = μ: the value is the mean over paths of where they are led."""
    at = torch.tensor([1.0, 0.2, 0.4], dtype=torch.float64)
    torch.manual_seed(4)
    value = estimators.create("vibrato").surrogate(law(at), lambda x: x[..., -1], 5)
    torch.manual_seed(4)
    before = law(at).rsample((5,))[:, -2]
    torch.testing.assert_close(value, (before * (1 + 0.2 / 4)).mean())
