"""Stochastic gradient estimators behind one interface: (distribution, cost, K) → surrogate loss.

>>> import estimators, torch
>>> loc = torch.zeros(3, requires_grad=True)
>>> reinforce = estimators.create("reinforce-loo")
>>> normal = torch.distributions.Normal(loc, 1.0)
>>> loss = reinforce.surrogate(normal, lambda x: (x - 1) ** 2, samples=8)
>>> loss.sum().backward()  # loc.grad is an unbiased estimate of ∇ E[(x − 1)²]

Importing this package imports every module in it, and with that registers every estimator.
"""

import importlib
import pkgutil

from estimators.core import (
    Estimator,
    Unsupported,
    about,
    evaluate,
    names,
    register,
    replicate_gradients,
    unknown,
)

__all__ = [
    "Estimator",
    "Unsupported",
    "about",
    "create",
    "evaluate",
    "foreign",
    "names",
    "register",
    "replicate_gradients",
    "surrogate",
    "unknown",
]

for _module in pkgutil.walk_packages(__path__, f"{__name__}."):
    if _module.name != "estimators.numpy_reference":  # an oracle for tests, not an estimator
        importlib.import_module(_module.name)

from estimators.foreign_gradients import foreign  # noqa: E402
from estimators.programs import create, surrogate  # noqa: E402
