"""LinearDiffusion: the path of a linear stochastic differential equation in Euler steps."""

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, Normal, constraints


class LinearDiffusion(Distribution):
    """Euler steps of dX = (drift + rate X) dt + (noise + volatility X) dW from X_0 = start.

    X_{i+1} ~ Normal(X_i + (drift + rate X_i) h, |noise + volatility X_i| √h),   h = horizon / steps

    With rate = volatility = 0 the steps are exact, as for the logarithm of a price; else they have
    a discretisation error of their own, which no estimator takes away.

    - `start`, `drift`, `rate`, `noise`, `volatility`: [*batch] or numbers.
    - `horizon`: the time at the end of the last step.
    - `steps`: how many steps there are.

    Events are [steps]: X after each step. `rsample` is differentiable in all parameters.
    Raises ValueError for a horizon ≤ 0 or fewer than one step.
    Source: Maruyama 1955; Kloeden & Platen 1992, section 10.2.
    """

    arg_constraints = {}  # noqa: RUF012, as in torch.distributions
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        start: Tensor | float,
        drift: Tensor | float = 0.0,
        rate: Tensor | float = 0.0,
        noise: Tensor | float = 0.0,
        volatility: Tensor | float = 0.0,
        horizon: float = 1.0,
        steps: int = 10,
        validate_args: bool | None = None,
    ):
        if not horizon > 0 or steps < 1:
            raise ValueError(
                f"horizon must be positive and steps at least 1, not {horizon} and {steps}."
            )
        given = (start, drift, rate, noise, volatility)
        like = next((t for t in given if isinstance(t, Tensor)), torch.zeros(()))
        given = (torch.as_tensor(t, dtype=like.dtype, device=like.device) for t in given)
        parts = torch.broadcast_tensors(*given)
        self.start, self.drift, self.rate, self.noise, self.volatility = parts
        self.horizon, self.steps = horizon, steps
        super().__init__(parts[0].shape, torch.Size((steps,)), validate_args=validate_args)

    def expand(self, batch_shape, _instance=None):
        names = ("start", "drift", "rate", "noise", "volatility")
        parts = (getattr(self, name).expand(batch_shape) for name in names)
        return LinearDiffusion(*parts, self.horizon, self.steps, validate_args=False)

    def step_from(self, x: Tensor) -> Normal:
        """The law of the next value after x [..., *batch]."""
        h = self.horizon / self.steps
        scale = (self.noise + self.volatility * x).abs() * math.sqrt(h)
        return Normal(x + (self.drift + self.rate * x) * h, scale, validate_args=False)

    def rsample(self, sample_shape=()):
        shape = torch.Size(sample_shape) + self.batch_shape
        noise = torch.randn((self.steps, *shape), dtype=self.start.dtype, device=self.start.device)
        x, path = self.start.expand(shape), []
        for eps in noise:
            step = self.step_from(x)
            x = step.loc + step.scale * eps
            path.append(x)
        return torch.stack(path, -1)

    def before(self, x: Tensor) -> Tensor:
        """The value before each of a path x [..., *batch, steps]: the same shape."""
        start = self.start.expand(x.shape[:-1]).unsqueeze(-1)
        return torch.cat((start, x[..., :-1]), -1)

    def log_prob(self, value):
        steps = LinearDiffusion.step_from(_Columns(self), self.before(value))
        return steps.log_prob(value).sum(-1)


class _Columns:
    """The parameters of a diffusion with an axis for its steps."""

    def __init__(self, dist: LinearDiffusion):
        self.horizon, self.steps = dist.horizon, dist.steps
        for name in ("drift", "rate", "noise", "volatility"):
            setattr(self, name, getattr(dist, name).unsqueeze(-1))
