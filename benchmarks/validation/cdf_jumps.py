"""Where a cdf jumps, if the density that follows from it lacks mass."""

from collections.abc import Iterator

import torch
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.validation.integrated_density import INTEGRATES, Integral
from estimators.capabilities import Completed, is_discrete

HALVINGS = 60  # of the interval between two nodes
ZERO = 1e-12  # what halving leaves of it
MOST = 0.1  # of the lacking mass, at least, is what a jump has


@torch.no_grad()
def of_cdf(dist: Distribution, integral: Integral) -> Iterator[str]:
    """Whether the slope of `cdf`, where that is the density, has all of the mass.

    `integral` is that of the density of `dist` over its support.
    """
    if type(dist).log_prob is not Completed.log_prob or is_discrete(dist):
        return
    total = integral.below[:, -1]
    row = int((total - 1).abs().argmax())
    lacking = 1 - float(total[row])
    if integral.given is None or abs(lacking) <= INTEGRATES + 10 * integral.error:
        return
    apart = (integral.given - integral.below)[row]
    place = int(apart.diff(prepend=apart.new_zeros(1)).argmax())
    at, size = float(integral.points[row, 0]), float(apart[0])  # where the support begins
    if place:
        at, size = _narrowed(dist, row, *integral.points[row, place - 1 : place + 1])
    follows = f"the density that follows from it integrates to {1 - lacking:.6g} instead of 1"
    at = at if abs(at) > ZERO else 0.0
    if size > MOST * abs(lacking):
        yield (
            f"`cdf` jumps by {size:.4g} at x = {at:.4g}, and {follows}: a law with such an atom "
            "has none. Bring `icdf` or `sample` in place of `cdf`, which need none; or declare a "
            "discrete `support`, if it takes whole numbers only."
        )
    else:
        yield (
            f"`cdf` does not rise smoothly from 0 to 1 over the support, and {follows}; mend it, "
            "declare the `support` that samples have, or add `log_prob`."
        )


def _narrowed(dist: Distribution, row: int, low: Tensor, high: Tensor) -> tuple[float, float]:
    """The end of the half of [low, high] that rises more, again and again, and its rise."""

    def below(x: Tensor) -> Tensor:
        return dist.cdf(x.expand(dist.batch_shape)).flatten()[row]

    for _ in range(HALVINGS):
        middle = (low + high) / 2
        rises = below(middle) - below(low) > below(high) - below(middle)
        low, high = (low, middle) if rises else (middle, high)
    return float(high), float(below(high) - below(low))
