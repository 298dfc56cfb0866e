"""What a cost's terms belong to: the factors of a product, or the places of a ranking."""

from torch.distributions import Distribution

from estimators.capabilities.by_type import by_type
from estimators.capabilities.description import Unsupported, describe


@by_type
def factor(dist: Distribution) -> Distribution:
    """One factor of `dist`, as `base_dist` has it; of a ranking, one place."""
    base = getattr(dist, "base_dist", None)
    if base is None:
        raise Unsupported(
            f"{describe(dist)} has no factors for a cost's terms to belong to; wrap them in "
            "torch.distributions.Independent, or use reinforce-loo."
        )
    return base
