"""What a cost's terms belong to: the factors of a product, or the places of a ranking."""

from torch.distributions import Categorical, Distribution

from estimators.distributions.plackett_luce import PlackettLuce


def factor(dist: Distribution) -> Distribution:
    """One factor of `dist`, as `base_dist` has it; of a ranking, one place."""
    if isinstance(dist, PlackettLuce):
        return Categorical(logits=dist.logits, validate_args=False)
    return dist.base_dist
