"""What each distribution can do. One file a family; importing this package reads them all."""

import importlib
import pkgutil

from estimators.families.capabilities import (
    Unsupported,
    attach,
    bernoulli_logits,
    bounds,
    cdf,
    conditional_logits,
    describe,
    given_sample,
    harden,
    implicit,
    is_discrete,
    lead,
    logits,
    logits_of,
    mode,
    perturbed_logits,
    rounded,
    soften,
    sparsify,
    stated_moments,
)
from estimators.families.completed import PIECES, complete, moving_support, offers
from estimators.families.couplings import (
    Coupled,
    from_gammas,
    inside,
    jumps,
    mirrored,
    quantile,
    require_continuous,
    shared,
    uniforms,
    weak_derivatives,
)
from estimators.families.events import carry_logits, over_event, spread
from estimators.families.leaves import carry, replaced, tensors, with_leaves
from estimators.families.support import (
    LARGEST_SUPPORT,
    support_log_prob,
    support_points,
    support_table,
)

__all__ = [
    "LARGEST_SUPPORT",
    "PIECES",
    "Codebook",
    "Coupled",
    "Delta",
    "TanhNormal",
    "TruncatedNormal",
    "Unsupported",
    "VonMisesFisher",
    "attach",
    "bernoulli_logits",
    "bounds",
    "carry",
    "carry_logits",
    "cdf",
    "complete",
    "conditional_logits",
    "describe",
    "from_gammas",
    "given_sample",
    "harden",
    "implicit",
    "inside",
    "is_discrete",
    "jumps",
    "lead",
    "logits",
    "logits_of",
    "mirrored",
    "mode",
    "moving_support",
    "offers",
    "over_event",
    "perturbed_logits",
    "quantile",
    "replaced",
    "require_continuous",
    "rounded",
    "shared",
    "soften",
    "sparsify",
    "spread",
    "stated_moments",
    "support_log_prob",
    "support_points",
    "support_table",
    "tensors",
    "uniforms",
    "weak_derivatives",
    "with_leaves",
]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")

from estimators.families.codebook import Codebook  # noqa: E402
from estimators.families.delta import Delta  # noqa: E402
from estimators.families.tanh_normal import TanhNormal  # noqa: E402
from estimators.families.truncated_normal import TruncatedNormal  # noqa: E402
from estimators.families.von_mises_fisher import VonMisesFisher  # noqa: E402
