"""Twins of distributions whose sampler and log-probability are one step of the graph each.

What torch writes as a chain of operations, each with tensors [K, R, *batch] of its own in both
directions, is here one `autograd.Function` that sums over K and over the event at once. Densities
are torch's to rounding, and so are samples; those of bits and one-hot classes, and where they are
many those that `random_numbers` has, have the same law but come from other random numbers.
Only exact types are replaced: a subclass may mean something else.
"""

import math
from functools import partial, singledispatch

import torch
from torch import Tensor, distributions
from torch.distributions import Distribution

from estimators.capabilities import random_numbers
from estimators.capabilities.sample_sums import over_samples, sums_by_loop
from estimators.special.poisson import log_poisson
from estimators.special.values import distinct

_LOG_ROOT_2PI = math.log(2 * math.pi) / 2


@singledispatch
def fused(dist: Distribution) -> Distribution:
    """A twin of `dist` that is faster to sample and to differentiate, or `dist` itself."""
    return dist


class Normal(distributions.Normal):
    """torch's normal distribution, which remembers the noise of what it drew last."""

    _drawn: tuple[Tensor, int, Tensor] | tuple[None, ...] = None, None, None  # x, as drawn; noise

    def sample(self, sample_shape=()):
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        eps = random_numbers.standard_normal(shape, self.loc)
        x = _Shifted.apply(self.loc, self.scale, eps)
        self._drawn = x, x._version, eps
        return x

    def log_prob(self, value, event=0):
        """log p(value), summed over the last `event` axes."""
        drawn, version, eps = self._drawn
        z = eps if value is drawn and value._version == version else None
        return _NormalLogProb.apply(value, self.loc, self.scale, z, event)


class OneHotCategorical(distributions.OneHotCategorical):
    """torch's one-hot categorical distribution, sampled by inverting the cumulative sum."""

    def sample(self, sample_shape=()):
        with torch.no_grad():
            above = distinct(self.probs).cumsum(-1)
            below = torch.nn.functional.pad(above[..., :-1], (1, 0))
            above[..., -1] = 1.0
            shape = (*sample_shape, *self.batch_shape, 1)
            u = torch.rand(shape, dtype=above.dtype, device=above.device)
            return (u >= below).to(above.dtype) * (u < above)

    def log_prob(self, value, event=0):
        """log p(value), summed over the last `event` batch axes as well."""
        if value.requires_grad:  # a relaxed point: what torch makes of it
            return _summed(super().log_prob(value), event)
        return _Selected.apply(value, self.logits, event + 1)


class Bernoulli(distributions.Bernoulli):
    """torch's Bernoulli distribution, sampled by comparing with uniform numbers."""

    def sample(self, sample_shape=()):
        if self.probs.dtype.itemsize < 4:  # too coarse for rare events
            return super().sample(sample_shape)
        with torch.no_grad():
            shape = self._extended_shape(sample_shape)
            u = torch.rand(shape, dtype=self.probs.dtype, device=self.probs.device)
            return (u < self.probs).to(u.dtype)

    def log_prob(self, value, event=0):
        """log p(value), summed over the last `event` axes."""
        return _summed(super().log_prob(value), event)


class Gamma(distributions.Gamma):
    """torch's gamma distribution; many samples on a CPU come from NumPy, in half of the time."""

    def sample(self, sample_shape=()):
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        if not random_numbers.many(shape, self.rate):
            return super().rsample(sample_shape)
        x = _StandardGamma.apply(self.concentration.expand(shape)) / self.rate
        x.detach().clamp_(min=torch.finfo(x.dtype).tiny)
        return x

    def log_prob(self, value, event=0):
        """log p(value), summed over the last `event` axes."""
        return _summed(super().log_prob(value), event)


class Beta(distributions.Beta):
    """torch's beta distribution; many samples on a CPU come from NumPy, in 0.4 of the time."""

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        if not random_numbers.many(shape, self.concentration1):
            return super().sample(sample_shape)
        with torch.no_grad():
            both = (part.expand(shape) for part in (self.concentration1, self.concentration0))
            return random_numbers.betas(*both)

    def log_prob(self, value, event=0):
        """log p(value), summed over the last `event` axes."""
        return _summed(super().log_prob(value), event)


class VonMises(distributions.VonMises):
    """torch's von Mises distribution; many samples on a CPU come from NumPy, in 0.3 to 0.6."""

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        if not random_numbers.many(shape, self.loc):
            return super().sample(sample_shape)
        with torch.no_grad():
            angle = random_numbers.von_mises(self.concentration.expand(shape)) + self.loc.double()
            return ((angle + math.pi) % (2 * math.pi) - math.pi).to(self.loc.dtype)

    def log_prob(self, value, event=0):
        """log p(value), summed over the last `event` axes."""
        return _summed(super().log_prob(value), event)


class Poisson(distributions.Poisson):
    """torch's Poisson distribution, whose log-probabilities of many samples are looked up."""

    _drawn: tuple[Tensor, int] | tuple[None, None] = None, None  # x, and its version as drawn

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        with torch.no_grad():
            x = random_numbers.poissons(self.rate.expand(shape))
        self._drawn = x, x._version
        return x

    def log_prob(self, value, event=0):
        """log p(value), summed over the last `event` axes."""
        if value.requires_grad:  # a relaxed count: what torch makes of it
            return _summed(super().log_prob(value), event)
        drawn, version = self._drawn
        whole = value is drawn and value._version == version
        return _PoissonLogProb.apply(value, self.rate, whole, event)


class Independent(distributions.Independent):
    """Independent of a twin: the density sums over the event in the same pass."""

    def log_prob(self, value):
        return self.base_dist.log_prob(value, self.reinterpreted_batch_ndims)


def _twin(kind: type[Distribution], dist: Distribution) -> Distribution:
    if type(dist) is not kind.__bases__[0]:
        return dist
    twin = object.__new__(kind)
    for name, value in vars(dist).items():
        setattr(twin, name, value)
    return twin


for _kind in (Normal, OneHotCategorical, Bernoulli, Gamma, Beta, VonMises, Poisson):
    fused.register(_kind.__bases__[0], partial(_twin, _kind))


@fused.register(distributions.Independent)
def _(dist):
    base = fused(dist.base_dist)
    if base is dist.base_dist:
        return dist
    twin = _twin(Independent, dist)
    if twin is not dist:
        twin.base_dist = base
    return twin


class _StandardGamma(torch.autograd.Function):
    """Gammas of rate one, with torch's derivative in the concentration."""

    @staticmethod
    def forward(ctx, concentration):
        x = random_numbers.gammas(concentration)
        ctx.save_for_backward(concentration, x)
        return x

    @staticmethod
    def backward(ctx, grad):
        return grad * torch._standard_gamma_grad(*ctx.saved_tensors)


class _Shifted(torch.autograd.Function):
    """loc + scale · eps."""

    @staticmethod
    def forward(ctx, loc, scale, eps):
        ctx.save_for_backward(loc, eps)
        return torch.addcmul(loc, scale, eps)

    @staticmethod
    def backward(ctx, grad):
        loc, eps = ctx.saved_tensors
        by_scale = over_samples(grad * eps, loc) if ctx.needs_input_grad[1] else None
        return over_samples(grad, loc), by_scale, None


class _NormalLogProb(torch.autograd.Function):
    """log p of a normal, summed over the last `event` axes; z = (x − loc) / scale where known."""

    @staticmethod
    def forward(ctx, x, loc, scale, z, event):
        z = (x - loc) / scale if z is None else z
        ctx.save_for_backward(x, loc, scale)
        ctx.z, ctx.event = z, event
        log_scale = distinct(scale).log() + _LOG_ROOT_2PI
        if not event:
            return z.square() * -0.5 - log_scale
        flat = z.flatten(z.ndim - event)
        log_scale = log_scale.expand(*log_scale.shape[:-event], *scale.shape[-event:])
        return torch.linalg.vecdot(flat, flat) * -0.5 - log_scale.flatten(-event).sum(-1)

    @staticmethod
    def backward(ctx, grad):
        x, loc, scale = ctx.saved_tensors
        z = (x - loc) / scale if torch.is_grad_enabled() else ctx.z
        sums = None if ctx.needs_input_grad[0] else sums_by_loop(grad, z, loc)
        grad = grad.reshape(grad.shape + (1,) * ctx.event)
        if sums:
            by_scale = (sums[1] - over_samples(grad, loc)) / scale
            return None, sums[0] / scale, by_scale, None, None
        wz = grad * z
        by_x = -wz / scale if ctx.needs_input_grad[0] else None
        by_loc = over_samples(wz, loc) / scale
        by_scale = None
        if ctx.needs_input_grad[2]:
            wz2 = wz * z if torch.is_grad_enabled() else wz.mul_(z)  # in the cache still
            by_scale = (over_samples(wz2, loc) - over_samples(grad, loc)) / scale
        return by_x, by_loc, by_scale, None, None


class _PoissonLogProb(torch.autograd.Function):
    """log p of a Poisson number, summed over the last `event` axes."""

    @staticmethod
    def forward(ctx, x, rate, whole, event):
        ctx.save_for_backward(x, rate)
        ctx.event = event
        if x.device.type != "cpu":
            return _summed(log_poisson(x, rate), event)
        return _summed(torch.ops.estimators.poisson_log_prob(x, rate, whole), event)

    @staticmethod
    def backward(ctx, grad):
        x, rate = ctx.saved_tensors
        sums = sums_by_loop(grad, x, rate)
        grad = grad.reshape(grad.shape + (1,) * ctx.event)
        over_x = sums[0] if sums else over_samples(grad * x, rate)
        by_rate = over_x / rate - over_samples(grad, rate)
        return None, by_rate, None, None


class _Selected(torch.autograd.Function):
    """Σ x · logits over the last `event` axes: the log-probability of one-hot x."""

    @staticmethod
    def forward(ctx, x, logits, event):
        ctx.save_for_backward(x, logits)
        ctx.event = event
        return (x * logits).flatten(x.ndim - event).sum(-1)

    @staticmethod
    def backward(ctx, grad):
        x, logits = ctx.saved_tensors
        grad = grad.reshape(grad.shape + (1,) * ctx.event)
        return None, over_samples(grad * x, logits), None


def _summed(log_p: Tensor, event: int) -> Tensor:
    """The sum over the last `event` axes."""
    return log_p.flatten(log_p.ndim - event).sum(-1) if event else log_p
