"""Means and variances of R replicates, in standard errors from closed forms.

The standard error of a variance is √((m₄ − v²)/R). Where a variance is exactly zero, only
roundoff is allowed.
"""

import torch

from estimators import replicate_gradients

Z = 4.5


ROUNDOFF = 1e-20  # of a variance that is zero, relative to gradients of order one


REPLICATES = 100_000


LAMBDA = {"loc": 1.0, "scale": 1.0}


def quadratic(k):
    return lambda x: (x - k).square()


def bump(k):
    return lambda x: (-k * x.square()).exp()


def cosine(k):
    return lambda x: (k * x).cos()


def gradients(estimator, samples, family, values, cost, replicates=REPLICATES):
    """R gradients of one estimate: [R, P]."""
    torch.manual_seed(0)
    parameters = {k: torch.as_tensor(v, dtype=torch.float64) for k, v in values.items()}
    found = replicate_gradients(estimator, family, parameters, cost, samples, replicates)
    return torch.cat([g.reshape(replicates, -1) for g in found.values()], 1)


def z_of_mean(g, exact):
    """Standard errors between the mean and the exact gradient; a zero error allows roundoff."""
    error = g.std(0) / len(g) ** 0.5
    return (g.mean(0) - torch.tensor(exact, dtype=torch.float64)).abs() / error.clamp_min(1e-13)


def z_of_variance(g, exact):
    """Standard errors between the variance and the exact one."""
    centred = (g - g.mean(0)).square()
    error = (centred.square().mean(0) - centred.mean(0).square()).sqrt() / len(g) ** 0.5
    return (centred.mean(0) - torch.tensor(exact, dtype=torch.float64)).abs() / error.clamp_min(
        ROUNDOFF
    )
