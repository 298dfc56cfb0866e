"""How TFP calls the pieces of a distribution, and what it says of parameters and support."""

from typing import Any

from torch.distributions import constraints
from torch.distributions.constraints import Constraint

BY_BIJECTOR = {  # that TFP maps the reals onto a parameter with
    "Identity": constraints.real,
    "Softplus": constraints.positive,
    "Exp": constraints.positive,
    "Sigmoid": constraints.unit_interval,
    "SoftmaxCentered": constraints.simplex,
}
BOOLEAN = {"Bernoulli", "ProbitBernoulli"}
COUNTED = {"BetaBinomial", "Binomial", "DirichletMultinomial", "Multinomial"}  # of `total_count`


class TFP:
    """The pieces of `tensorflow_probability.substrates.jax.distributions`."""

    name = "tfp"

    @staticmethod
    def sample(dist, key, shape):
        """Draws [*shape, *event] of a law without batch."""
        return dist.sample(shape, seed=key)

    @staticmethod
    def log_prob(dist, x):
        """The log density; x in the dtype that a discrete law has."""
        return dist.log_prob(x.astype(dist.dtype) if "int" in str(dist.dtype) else x)

    @staticmethod
    def cdf(dist, x):
        """P(X ≤ x)."""
        return dist.cdf(x)

    @staticmethod
    def icdf(dist, u):
        """The quantile."""
        return dist.quantile(u)

    @staticmethod
    def discrete(dist) -> bool:
        """Whether its support is, as far as TFP says: it maps the reals onto no discrete one."""
        if "int" in str(dist.dtype):
            return True
        try:
            return dist.experimental_default_event_space_bijector() is None
        except NotImplementedError:
            return True

    @staticmethod
    def reparameterised(dist) -> bool:
        """Whether samples are functions of all its parameters and noise."""
        return "FULLY" in str(dist.reparameterization_type) and not TFP.discrete(dist)

    @staticmethod
    def constraints(dist) -> dict[str, tuple[int, Constraint | None]]:
        """How many axes of its own each parameter has, and its constraint where that is known."""
        found = {}
        for name, stated in type(dist).parameter_properties(dtype=dist.dtype).items():
            axes = stated.event_ndims if isinstance(stated.event_ndims, int) else 0
            try:
                kind = type(stated.default_constraining_bijector_fn()).__name__
            except (NotImplementedError, TypeError):
                kind = ""
            found[name] = axes, BY_BIJECTOR.get(kind)
        if type(dist).__name__ in COUNTED:
            found["total_count"] = 0, constraints.nonnegative_integer
        return found

    @staticmethod
    def ends(dist) -> tuple[Any, Any]:
        """The ends of a univariate support, None where there is none."""
        import jax.numpy as jnp

        onto = dist.experimental_default_event_space_bijector()
        low, high = (onto.forward(jnp.asarray(end, dist.dtype)) for end in (-jnp.inf, jnp.inf))
        return low, high

    @staticmethod
    def support(dist, low, high) -> Constraint | None:
        """The support between ends that were made tensors, or None where it is not known."""
        if TFP.discrete(dist):
            if type(dist).__name__ in BOOLEAN:
                return constraints.boolean
            return _classes(dist) or constraints.nonnegative_integer
        if len(dist.event_shape):
            kind = type(dist.experimental_default_event_space_bijector()).__name__
            simplex = kind == "SoftmaxCentered"
            return constraints.simplex if simplex else None
        if low is None and high is None:
            return constraints.real
        if high is None:
            return constraints.greater_than(low)
        return constraints.less_than(high) if low is None else constraints.interval(low, high)


def _classes(dist) -> Constraint | None:
    """The support of a law over classes."""
    kind = type(dist).__name__
    if kind == "OneHotCategorical":
        return constraints.one_hot
    if kind == "Categorical":
        return constraints.integer_interval(0, int(dist._num_categories()) - 1)
    if kind == "Binomial":
        return constraints.integer_interval(0, int(dist.total_count))
    return None
