"""Right distributions that keep their parameters in odd places; and the exact gradients."""

import types

import torch
from torch import distributions as td
from torch.distributions import Distribution, constraints
from torch.distributions.utils import lazy_property

REAL = constraints.real


def normal(loc, scale=1.0):
    return td.Normal(loc, scale, validate_args=False)


class Plain(Distribution):
    arg_constraints = {}  # noqa: RUF012
    has_rsample = True
    support = REAL

    def __init__(self, loc, scale=None):
        self.keep(loc, scale)
        super().__init__(loc.shape, validate_args=False)

    def keep(self, loc, scale):
        self.loc, self.scale = loc, scale

    def law(self):
        return normal(self.loc, self.scale)

    def rsample(self, sample_shape=torch.Size()):  # noqa: B008  torch's own default
        return self.law().rsample(sample_shape)

    def log_prob(self, value):
        return self.law().log_prob(value)


class InList(Plain):
    def keep(self, loc, scale):
        self.parts = [normal(loc, scale)]

    def law(self):
        return self.parts[0]


class InDict(Plain):
    def keep(self, loc, scale):
        self.parts = {"first": (loc, {"scale": scale})}

    def law(self):
        loc, rest = self.parts["first"]
        return normal(loc, rest["scale"])


class InModule(Plain):
    def keep(self, loc, scale):
        self.module = torch.nn.Module()
        self.module.register_buffer("loc", loc)
        self.module.inner = torch.nn.Module()
        self.module.inner.register_buffer("scale", scale)

    def law(self):
        return normal(self.module.loc, self.module.inner.scale)


class InObject(Plain):  # an object made of one of the parameters, beside them
    def keep(self, loc, scale):
        self.loc, self.scale, self.tool = loc, scale, types.SimpleNamespace(scale=scale)

    def law(self):
        return normal(self.loc, self.tool.scale)


class InSlots:
    __slots__ = ("scale",)

    def __init__(self, scale):
        self.scale = scale


class InSlot(Plain):  # where no walk finds it
    def keep(self, loc, scale):
        self.loc, self.scale, self.tool = loc, scale, InSlots(scale)

    def law(self):
        return normal(self.loc, self.tool.scale)


class InClosure(Plain):
    def keep(self, loc, scale):
        self.made = lambda: normal(loc, scale)

    def law(self):
        return self.made()


class Derived(Plain):  # a tensor made of a parameter, and used beside it
    def keep(self, loc, scale):
        self.loc, self.variance_held = loc, scale.square()
        self.precision = 1 / self.variance_held

    def law(self):
        return normal(self.loc, self.variance_held.sqrt())

    def log_prob(self, value):
        exponent = -(value - self.loc).square() * self.precision / 2
        return exponent - self.variance_held.log() / 2 - 0.9189385332046727


class Lazy(Plain):  # each made from the other, as in torch
    def keep(self, loc, scale):
        self.loc, self.log_scale = loc, scale.log()

    @lazy_property
    def spread(self):
        return self.log_scale.exp()

    @lazy_property
    def log_scale(self):
        return self.spread.log()

    def law(self):
        return normal(self.loc, self.spread)


class Sized(Plain):  # uses what torch's signature promises
    def rsample(self, sample_shape=torch.Size()):  # noqa: B008
        noise = torch.randn(sample_shape.numel(), *self.loc.shape, dtype=self.loc.dtype)
        return self.loc + self.scale * noise.view(sample_shape + self.loc.shape)


class Expands(Plain):  # with the `expand` that one would write
    def expand(self, batch_shape, _instance=None):
        return Expands(self.loc.expand(batch_shape), self.scale.expand(batch_shape))


class ExpandsToNormal(Plain):
    def expand(self, batch_shape, _instance=None):
        return normal(self.loc.expand(batch_shape), self.scale.expand(batch_shape))


class ExpandsToNothing(Plain):
    def expand(self, batch_shape, _instance=None):
        return None


class Attached(Distribution):  # `sample` is not under no_grad
    arg_constraints = {}  # noqa: RUF012
    support = REAL

    def __init__(self, loc, scale):
        self.loc, self.scale = loc, scale
        super().__init__(loc.shape, validate_args=False)

    def sample(self, sample_shape=torch.Size()):  # noqa: B008
        y = normal(self.loc, self.scale).sample(sample_shape)
        return torch.where(torch.rand_like(y) < 0.5, y, -y + 2 * self.loc)

    def log_prob(self, value):
        return normal(self.loc, self.scale).log_prob(value)


class OnNormal(td.Normal):  # keeps another tensor beside its parent's
    def __init__(self, loc, scale):
        self.doubled = 2 * scale
        super().__init__(loc, scale, validate_args=False)


ODD = (
    InList, InDict, InModule, InObject, InSlot, InClosure, Derived, Lazy, Sized, Expands,
    ExpandsToNormal, ExpandsToNothing, Attached, OnNormal,
)  # fmt: skip
AT = {"loc": torch.tensor(0.6), "scale": torch.tensor(0.8)}
EXACT = {"loc": 2 * 0.6, "scale": 2 * 0.8}  # of E x² = loc² + scale²
