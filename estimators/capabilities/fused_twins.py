"""Twins of distributions whose sampler and log-probability are one step of the graph each.

What torch writes as a chain of operations, each with tensors [K, R, *batch] of its own in both
directions, is here one `autograd.Function` that sums over K and over the event at once. Densities
are torch's to rounding, and so are samples; those of bits and one-hot classes, and where they are
many of gammas, and of normals in float64, have the same law but come from other random numbers.
Only exact types are replaced: a subclass may mean something else.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial, singledispatch

import numpy
import torch
from torch import Tensor, distributions
from torch.distributions import Distribution

from estimators.special.poisson import distinct, log_poisson, log_poisson_looked_up

MANY = 2**14  # numbers from which a generator of their own pays
_LOG_ROOT_2PI = math.log(2 * math.pi) / 2
_from_torch = ContextVar("random numbers that torch is asked for alone", default=False)


@contextmanager
def torch_numbers() -> Iterator[None]:
    """Ask torch for all random numbers inside, so that whoever answers for it can give others."""
    before = _from_torch.set(True)
    try:
        yield
    finally:
        _from_torch.reset(before)


@singledispatch
def fused(dist: Distribution) -> Distribution:
    """A twin of `dist` that is faster to sample and to differentiate, or `dist` itself."""
    return dist


class Normal(distributions.Normal):
    """torch's normal distribution, which remembers the noise of what it drew last."""

    _drawn: tuple[Tensor, Tensor] | tuple[None, None] = None, None  # x and its noise

    def sample(self, sample_shape=()):
        with torch.no_grad():
            return self.rsample(sample_shape)

    def rsample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        eps = _standard_normal(shape, self.loc)
        x = _Shifted.apply(self.loc, self.scale, eps)
        self._drawn = x, eps
        return x

    def log_prob(self, value, event=0):
        """log p(value), summed over the last `event` axes."""
        drawn, eps = self._drawn
        z = eps if value is drawn else None
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
        if not _many(shape, self.rate):
            return super().rsample(sample_shape)
        x = _StandardGamma.apply(self.concentration.expand(shape)) / self.rate
        x.detach().clamp_(min=torch.finfo(x.dtype).tiny)
        return x

    def log_prob(self, value, event=0):
        """log p(value), summed over the last `event` axes."""
        return _summed(super().log_prob(value), event)


class Poisson(distributions.Poisson):
    """torch's Poisson distribution, whose log-probabilities of many samples are looked up."""

    _drawn: tuple[Tensor, int] | tuple[None, None] = None, None  # x, and its version as drawn

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        if _draw_poissons is not torch.poisson and _many(shape, self.rate):
            with torch.no_grad():
                x = torch.ops.estimators.poissons(self.rate.expand(shape))
        else:
            x = super().sample(sample_shape)
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


for _kind in (Normal, OneHotCategorical, Bernoulli, Gamma, Poisson):
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
        x = torch.ops.estimators.gammas(_key(), concentration)
        ctx.save_for_backward(concentration, x)
        return x

    @staticmethod
    def backward(ctx, grad):
        return grad * torch._standard_gamma_grad(*ctx.saved_tensors)


def _standard_normal(shape: torch.Size, like: Tensor) -> Tensor:
    """Numbers like torch's; many in float64 on a CPU come from NumPy, in 0.4 of the time."""
    if like.dtype is not torch.float64 or not _many(shape, like):
        return torch.randn(shape, dtype=like.dtype, device=like.device)
    return torch.ops.estimators.normals(_key(), shape)


def _many(shape: torch.Size, like: Tensor) -> bool:
    """Whether a generator of NumPy's pays."""
    return like.device.type == "cpu" and shape.numel() >= MANY and not _from_torch.get()


def _key() -> Tensor:
    """The seed of a generator of NumPy's, drawn from torch's."""
    return torch.randint(2**63 - 1, (4,))


def _source(key: Tensor) -> numpy.random.SFC64:
    return numpy.random.SFC64(key.tolist())


def _by_numpy(source: numpy.random.SFC64, out: numpy.ndarray) -> None:
    numpy.random.Generator(source).standard_normal(out=out)


_fill_normals = _by_numpy


def draw_normals_by(fill: Callable[[numpy.random.SFC64, numpy.ndarray], None] | None) -> None:
    """Draw many normals with `fill(source, out)`, which must give those that NumPy gives.

    None: with NumPy itself.
    """
    global _fill_normals
    _fill_normals = fill or _by_numpy


def _poissons(rate: Tensor) -> Tensor:
    return _draw_poissons(rate)


_draw_poissons = torch.poisson


def draw_poissons_by(draw: Callable[[Tensor], Tensor] | None) -> None:
    """Draw many Poisson numbers with `draw(rate)`, which must give those that torch gives.

    None: with torch itself.
    """
    global _draw_poissons
    _draw_poissons = draw or torch.poisson


def _normals(key: Tensor, shape: list[int]) -> Tensor:
    drawn = _double(key, shape)
    _fill_normals(_source(key), drawn.numpy())
    return drawn


def _double(key: Tensor, shape: list[int]) -> Tensor:
    return key.new_empty(shape, dtype=torch.float64)


def _gammas(key: Tensor, concentration: Tensor) -> Tensor:
    few = distinct(concentration).numpy()  # which are checked in a moment
    drawn = numpy.random.Generator(_source(key)).standard_gamma(few, size=concentration.shape)
    return torch.from_numpy(drawn).to(concentration.dtype)


def _like(key: Tensor, concentration: Tensor) -> Tensor:
    return concentration.new_empty(concentration.shape)


_TAGS = torch.Tag.pt2_compliant_tag, torch.Tag.nondeterministic_seeded
_STEPS = torch.library.Library("estimators", "DEF")  # what a compiler shall not look into
_STEPS.define("normals(Tensor key, SymInt[] shape) -> Tensor", tags=_TAGS)
_STEPS.impl("normals", _normals, "CPU")
_STEPS.impl("normals", _double, "Meta")
_STEPS.define("poisson_log_prob(Tensor x, Tensor rate, bool whole) -> Tensor", tags=_TAGS[:1])
_STEPS.impl("poisson_log_prob", log_poisson_looked_up, "CPU")
_STEPS.impl("poisson_log_prob", lambda x, rate, whole: x + rate, "Meta")
_STEPS.define("poissons(Tensor rate) -> Tensor", tags=_TAGS)
_STEPS.impl("poissons", _poissons, "CPU")
_STEPS.impl("poissons", lambda rate: rate.new_empty(rate.shape), "Meta")
_STEPS.define("gammas(Tensor key, Tensor concentration) -> Tensor", tags=_TAGS)
_STEPS.impl("gammas", _gammas, "CPU")
_STEPS.impl("gammas", _like, "Meta")


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
        grad = grad.reshape(grad.shape + (1,) * ctx.event)
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
        grad = grad.reshape(grad.shape + (1,) * ctx.event)
        by_rate = over_samples(grad * x, rate) / rate - over_samples(grad, rate)
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


def over_samples(t: Tensor, like: Tensor) -> Tensor:
    """The sum of t over the axes in front of those of `like`, without a copy if there is one."""
    extra = t.ndim - like.ndim
    if t.shape[:extra].numel() == 1:
        return t.reshape(t.shape[extra:])
    return t.flatten(0, extra - 1).sum(0)
