"""Independent: every capability of the base distribution, with batch axes read as event axes."""

from torch.distributions import Independent

from estimators import capabilities

ELEMENTWISE = (
    capabilities.implicit,
    capabilities.logits,
    capabilities.perturbed_logits,
    capabilities.soften,
    capabilities.harden,
    capabilities.code_space,
    capabilities.rounded,
    capabilities.bernoulli_logits,
    capabilities.categorical_logits,
    capabilities.logits_of,
    capabilities.conditional_logits,
    capabilities.given_sample,
    capabilities.lead,
    capabilities.sparsify,
    capabilities.mode,
    capabilities.quantile,
    capabilities.mirrored,
    capabilities.from_gammas,
)
BY_PATH = (capabilities.weak_derivatives, capabilities.jumps)


def of_base(capability):
    """The capability of the base distribution."""
    return lambda dist, *given: capability(dist.base_dist, *given)


def of_base_by_path(capability):
    """The same where the answer is a table by the path of the tensors within `dist`."""

    def found(dist, *given):
        table = capability(dist.base_dist, *given)
        return {f"base_dist.{path}": pair for path, pair in table.items()}

    return found


@capabilities.at_logits.register(Independent)
def _(dist, z):
    return Independent(capabilities.at_logits(dist.base_dist, z), dist.reinterpreted_batch_ndims)


for _capability in ELEMENTWISE:
    _capability.register(Independent)(of_base(_capability))
for _capability in BY_PATH:
    _capability.register(Independent)(of_base_by_path(_capability))
