"""ScalarQuantiser: the stochastic choice of a level for one number, as FSQ and LFQ round it."""

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.nn.functional import one_hot

from estimators import capabilities


class LevelConstraint(constraints.Constraint):
    """Numbers that are a level."""

    is_discrete = True
    event_dim = 0

    def __init__(self, points: Tensor):
        self.points = points

    def check(self, value: Tensor) -> Tensor:
        return (value.unsqueeze(-1) == self.points.to(value)).any(-1)


class ScalarQuantiser(Distribution):
    """P(level l) ∝ exp(−(b(value) − l)² / temperature), the levels evenly from −1 to 1.

    b is tanh if `bounded`, as in finite scalar quantisation (FSQ), else the identity; two levels
    without a bound are lookup-free quantisation (LFQ), the sign. As `temperature` goes to zero, it
    becomes the nearest level; straight-through-copied is the gradient that both are trained with.

    Args:
        `value`: what is rounded, [*batch]; events are numbers.
        `levels`: how many there are, two or more.
        `temperature`: in units of squared distance, positive.
        `bounded`: whether tanh comes first.

    Raises ValueError for fewer than two levels or a temperature ≤ 0.
    Source: Mentzer, Minnen, Agustsson & Tschannen 2023, arXiv:2309.15505 (FSQ, here without its
    shift for an even number of levels); Yu et al. 2023, arXiv:2310.05737 (LFQ, here without its
    entropy terms); both from public code after them, the papers were not read here.
    """

    arg_constraints = {"value": constraints.real}  # noqa: RUF012, as in torch.distributions

    def __init__(
        self,
        value: Tensor,
        levels: int,
        temperature: float = 1.0,
        bounded: bool = True,
        validate_args: bool | None = None,
    ):
        if levels < 2 or not temperature > 0:
            raise ValueError(
                f"A quantiser needs two levels or more and a positive temperature, not {levels} "
                f"and {temperature}."
            )
        self.value, self.levels, self.temperature = value, levels, temperature
        self.bounded = bounded
        super().__init__(value.shape, validate_args=validate_args)

    @property
    def points(self) -> Tensor:
        """The levels: [levels]."""
        kind = {"dtype": self.value.dtype, "device": self.value.device}
        return torch.linspace(-1, 1, self.levels, **kind)

    @property
    def rounded(self) -> Tensor:
        """What is rounded to the nearest level: b(value), [*batch]."""
        return self.value.tanh() if self.bounded else self.value

    @property
    def log_masses(self) -> Tensor:
        """log P of each level: [*batch, levels]."""
        apart = (self.rounded.unsqueeze(-1) - self.points).square()
        return (-apart / self.temperature).log_softmax(-1)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self):
        return LevelConstraint(self.points)

    def expand(self, batch_shape, _instance=None):
        value = self.value.expand(batch_shape)
        return ScalarQuantiser(value, self.levels, self.temperature, self.bounded, False)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        place = ((value + 1) * (self.levels - 1) / 2).round().long()
        return (one_hot(place, self.levels) * self.log_masses).sum(-1)

    @property
    def mean(self) -> Tensor:
        return self.log_masses.exp() @ self.points

    @property
    def variance(self) -> Tensor:
        return self.log_masses.exp() @ self.points.square() - self.mean.square()

    @property
    def mode(self) -> Tensor:
        return self.points[self.log_masses.argmax(-1)]

    def enumerate_support(self, expand=True):
        points = self.points.reshape(-1, *[1] * len(self.batch_shape))
        return points.expand(-1, *self.batch_shape) if expand else points

    @torch.no_grad()
    def sample(self, sample_shape=()):
        kind = {"dtype": self.value.dtype, "device": self.value.device}
        return capabilities.quantile(self, torch.rand(self._extended_shape(sample_shape), **kind))


@capabilities.rounded.register(ScalarQuantiser)
def _(dist):
    return dist.rounded


@capabilities.quantile.register(ScalarQuantiser)
def _(dist, u):
    below = dist.log_masses.detach().exp().cumsum(-1)[..., :-1]
    return dist.points[(u.unsqueeze(-1) > below).sum(-1)]
