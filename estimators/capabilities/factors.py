"""What a cost's terms belong to: the factors of a product, or the places of a ranking."""

from functools import singledispatch

from torch.distributions import Distribution


@singledispatch
def factor(dist: Distribution) -> Distribution:
    """One factor of `dist`, as `base_dist` has it; of a ranking, one place."""
    return dist.base_dist
