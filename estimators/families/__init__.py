"""What each distribution can do. One file a family; importing this package reads them all."""

import importlib
import pkgutil

from estimators.families.capabilities import (
    Unsupported,
    attach,
    bounds,
    cdf,
    describe,
    harden,
    implicit,
    is_discrete,
    logits,
    perturbed_logits,
    soften,
)
from estimators.families.leaves import carry, tensors, with_leaves

__all__ = [
    "TruncatedNormal",
    "Unsupported",
    "attach",
    "bounds",
    "carry",
    "cdf",
    "describe",
    "harden",
    "implicit",
    "is_discrete",
    "logits",
    "perturbed_logits",
    "soften",
    "tensors",
    "with_leaves",
]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

from estimators.families.truncated_normal import TruncatedNormal  # noqa: E402
