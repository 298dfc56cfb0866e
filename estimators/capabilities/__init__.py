"""What a distribution can do, looked up by its type: one file a kind of ability.

Most functions here are dispatched by the type of the distribution (`by_type`), to which
`estimators.families` adds what it knows of each. Their own bodies are for distributions nothing is
known about: they try what torch offers, or refuse with a sentence.
"""

from estimators.capabilities.code_space import CodeSpace, code_space
from estimators.capabilities.completion import PIECES, complete
from estimators.capabilities.couplings import (
    Coupled,
    from_gammas,
    inside,
    jumps,
    mirrored,
    quantile,
    replayed,
    require_continuous,
    shared,
    uniforms,
    weak_derivatives,
)
from estimators.capabilities.derived_methods import Completed, moving_support, offers
from estimators.capabilities.description import (
    Unsupported,
    bounds,
    describe,
    is_discrete,
    is_point_mass,
    mode,
    stated_moments,
)
from estimators.capabilities.events import carry_logits, over_event, spread
from estimators.capabilities.exact_marginals import gumbel_logits, marginals
from estimators.capabilities.factors import depending, factor, factor_log_prob
from estimators.capabilities.implicit import attach, cdf, common_cdf, implicit
from estimators.capabilities.leaf_tensors import (
    Recipe,
    carry,
    replaced,
    tensors,
    with_leaves,
    without_score,
)
from estimators.capabilities.rebuilding import completed_family, require_free
from estimators.capabilities.relaxation import (
    at_logits,
    bernoulli_logits,
    categorical_logits,
    conditional_logits,
    given_sample,
    harden,
    lead,
    logits,
    logits_of,
    perturbed_logits,
    rounded,
    soften,
    sparsify,
)
from estimators.capabilities.support import (
    LARGEST_SUPPORT,
    support_log_prob,
    support_points,
    support_table,
)

__all__ = [
    "LARGEST_SUPPORT",
    "PIECES",
    "CodeSpace",
    "Completed",
    "Coupled",
    "Recipe",
    "Unsupported",
    "at_logits",
    "attach",
    "bernoulli_logits",
    "bounds",
    "carry",
    "carry_logits",
    "categorical_logits",
    "cdf",
    "code_space",
    "common_cdf",
    "complete",
    "completed_family",
    "conditional_logits",
    "depending",
    "describe",
    "factor",
    "factor_log_prob",
    "from_gammas",
    "given_sample",
    "gumbel_logits",
    "harden",
    "implicit",
    "inside",
    "is_discrete",
    "is_point_mass",
    "jumps",
    "lead",
    "logits",
    "logits_of",
    "marginals",
    "mirrored",
    "mode",
    "moving_support",
    "offers",
    "over_event",
    "perturbed_logits",
    "quantile",
    "replaced",
    "replayed",
    "require_continuous",
    "require_free",
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
    "without_score",
]
