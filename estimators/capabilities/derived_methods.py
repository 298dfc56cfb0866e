"""Distributions that bring only some of their pieces: the others are derived from those."""

import contextlib
import inspect
import math

import torch
from torch import Tensor
from torch.distributions import Categorical, Distribution

from estimators.capabilities.cdf_inversion import invert_cdf
from estimators.capabilities.couplings import quantile, replayed, shared, uniforms
from estimators.capabilities.description import Unsupported, bounds, describe, is_discrete
from estimators.capabilities.implicit import implicit
from estimators.capabilities.leaf_tensors import expanded
from estimators.capabilities.numerical_implicit import by_conditionals, cdf_increment
from estimators.capabilities.support import support_log_prob, support_table


class Completed(Distribution):
    """What follows from the pieces that a class brings: it stands behind that class in its MRO.

    sample     from rsample (a parent's if the class deletes it), else F⁻¹(u) by icdf or from cdf,
               else a point of a finite support, by the masses of all
    rsample    F⁻¹(u; λ) by icdf, if the class says nothing of `has_rsample` and is continuous
    log_prob   log ∂F/∂x from cdf; log(F(x) − F(x − 1)) over integers
    expand     from the class's tensors, lists, dicts, modules and distributions

    `batch_shape` and `event_shape` are torch's.
    What does not follow raises Unsupported with the method that, added to the class, would do.
    """

    arg_constraints = {}  # noqa: RUF012

    @property
    def has_rsample(self) -> bool:
        """Whether samples can be functions of λ and noise."""
        return offers(self, "rsample") or (offers(self, "icdf") and not is_discrete(self))

    def sample(self, sample_shape=()) -> Tensor:
        """Samples, without a derivative: [*sample, *batch, *event]."""
        with torch.no_grad():
            for base in type(self).__mro__:  # where a class deletes it, its parent's still draws
                drawn = vars(base).get("rsample")
                if drawn not in (None, *(cls.rsample for cls in DEFAULTS)):
                    with contextlib.suppress(NotImplementedError):
                        return drawn(self, sample_shape)
            if offers(self, "icdf"):
                return self.icdf(self._uniforms(sample_shape))
            if offers(self, "cdf") and not self.event_shape and not is_discrete(self):
                return invert_cdf(self, self._uniforms(sample_shape))
            if offers(self, "log_prob") or (offers(self, "cdf") and not self.event_shape):
                points = support_table(self)
                if points is not None:
                    return points[self._places(sample_shape)]
        raise Unsupported(
            f"{describe(self)} cannot be sampled; add `sample`, or `icdf` or `cdf`, which a sample "
            "follows from, as it does from `log_prob` over a finite `support`."
        )

    def rsample(self, sample_shape=(), generator=None) -> Tensor:
        """Samples as functions of λ: [*sample, *batch, *event].

        `sample_shape` is that of the draws. `generator` is None, as `sample` of torch 2.14's gamma
        passes it, which wants no derivative.
        """
        if not torch.is_grad_enabled():
            return Completed.sample(self, sample_shape)
        if not offers(self, "icdf"):
            raise Unsupported(
                f"{describe(self)} has no reparameterised sampler; add `rsample`, or `icdf`, which "
                "it follows from, or use implicit or reinforce-loo."
            )
        return self.icdf(self._uniforms(sample_shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """The log density or mass at `value`: [*sample, *batch]."""
        if not offers(self, "cdf") or self.event_shape:
            raise Unsupported(
                f"{describe(self)} has no `log_prob`, which a score function differentiates; add "
                "it, or `cdf`, whose slope it is."
            )
        if is_discrete(self):
            return (self.cdf(value) - self.cdf(value - 1)).log()
        graph = torch.is_grad_enabled()
        with torch.enable_grad():
            x = value if value.requires_grad else value.detach().requires_grad_()
            below = self.cdf(x)
            if not below.requires_grad:
                raise Unsupported(
                    f"The cdf of {describe(self)} has no derivative in x by autograd, so that no "
                    "density follows; write it with torch's functions, or add `log_prob`, and a "
                    "discrete `support` if it is a step function."
                )
            slope = torch.autograd.grad(below.sum(), x, create_graph=graph)[0]
            inside = slope > 0
            return torch.where(inside, slope, 1.0).log().where(inside, -math.inf)

    def expand(self, batch_shape, _instance=None) -> Distribution:
        """This distribution with its tensors expanded to `batch_shape`."""
        return expanded(self, torch.Size(batch_shape))

    def _places(self, sample_shape) -> Tensor:
        """Drawn rows of `support_table`: [*sample, *batch]."""
        logits = support_log_prob(self).movedim(0, -1)
        return Categorical(logits=logits, validate_args=False).sample(torch.Size(sample_shape))

    def _uniforms(self, sample_shape) -> Tensor:
        return uniforms(self, tuple(sample_shape))


DEFAULTS = (Completed, Distribution)  # whose methods nobody brought


def offers(dist: Distribution, name: str) -> bool:
    """Whether the own class of `dist` brings the method `name`, and does not inherit a default."""
    found = inspect.getattr_static(type(dist), name, None)
    return all(found is not default for default in (None, *(vars(c).get(name) for c in DEFAULTS)))


@implicit.register(Completed)
def _(dist, x):
    """By the conditional cdfs, or the cdf, whose derivative in λ may be numerical."""
    if offers(dist, "conditional_cdfs"):
        return by_conditionals(dist, x.detach())
    if dist.event_shape and not is_discrete(dist):
        raise Unsupported(
            f"{describe(dist)} is multivariate; add `conditional_cdfs(x)`, which returns "
            "F(x_d | x_<d) for every coordinate d, or use pathwise or reinforce-loo."
        )
    if is_discrete(dist) or not offers(dist, "cdf"):
        return implicit.dispatch(object)(dist, x)
    return x.detach() - cdf_increment(dist, x.detach()) / dist.log_prob(x).detach().exp()


@shared.register(Completed)
def _(dist, u):
    """Through the quantile, else by a sampler that is handed the same random stream."""
    try:
        return quantile(dist, u)
    except Unsupported:
        return replayed(dist, u)


def moving_support(dist: Distribution) -> bool:
    """Whether an end of the support is known to move with λ."""
    return any(getattr(bound, "requires_grad", False) for bound in bounds(dist))
