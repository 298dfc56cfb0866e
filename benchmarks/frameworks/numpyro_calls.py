"""How NumPyro calls the pieces of a distribution, and what it says of parameters and support."""

from collections.abc import Callable
from typing import Any

from torch.distributions import constraints
from torch.distributions.constraints import Constraint

FREE = {  # constraints without numbers in them, by the name of NumPyro's class
    "_Boolean": constraints.boolean,
    "_CorrCholesky": constraints.corr_cholesky,
    "_LowerCholesky": constraints.lower_cholesky,
    "_PositiveDefinite": constraints.positive_definite,
    "_Real": constraints.real,
    "_RealMatrix": constraints.independent(constraints.real, 2),
    "_RealVector": constraints.real_vector,
    "_Simplex": constraints.simplex,
}
ENDS: dict[str, Callable[[Any, Any], Constraint]] = {  # and those between two ends
    "_Circular": constraints.interval,
    "_GreaterThan": lambda low, _: constraints.greater_than(low),
    "_GreaterThanEq": lambda low, _: constraints.greater_than_eq(low),
    "_IntegerGreaterThan": lambda low, _: integers_from(low),
    "_IntegerInterval": constraints.integer_interval,
    "_IntegerNonnegative": lambda low, _: constraints.nonnegative_integer,
    "_IntegerPositive": lambda low, _: constraints.positive_integer,
    "_Interval": constraints.interval,
    "_LessThan": lambda _, high: constraints.less_than(high),
    "_LessThanEq": lambda _, high: constraints.less_than(high),
    "_Nonnegative": lambda low, _: constraints.nonnegative,
    "_OpenInterval": constraints.interval,
    "_Positive": lambda low, _: constraints.positive,
    "_SoftplusPositive": lambda low, _: constraints.positive,
    "_UnitInterval": lambda low, high: constraints.unit_interval,
}


def integers_from(low: Any) -> Constraint:
    """The integers from `low` on."""
    return constraints.nonnegative_integer if low == 0 else constraints.positive_integer


class NumPyro:
    """The pieces of `numpyro.distributions`."""

    name = "numpyro"

    @staticmethod
    def sample(dist, key, shape):
        """Draws [*shape, *event] of a law without batch."""
        return dist.sample(key, shape)

    @staticmethod
    def log_prob(dist, x):
        """The log density; whole numbers where the support is discrete."""
        return dist.log_prob(x.astype(int) if dist.support.is_discrete else x)

    @staticmethod
    def cdf(dist, x):
        """P(X ≤ x)."""
        return dist.cdf(x)

    @staticmethod
    def icdf(dist, u):
        """The quantile."""
        return dist.icdf(u)

    @staticmethod
    def discrete(dist) -> bool:
        """Whether its support is."""
        return bool(dist.support.is_discrete)

    @staticmethod
    def reparameterised(dist) -> bool:
        """Whether samples are functions of all its parameters and noise."""
        return bool(dist.has_rsample) and not dist.support.is_discrete

    @staticmethod
    def constraints(dist) -> dict[str, tuple[int, Constraint | None]]:
        """How many axes of its own each parameter has, and its constraint where that is known."""
        stated = {}
        for part in (getattr(dist, "base_dist", None), dist):
            stated |= getattr(part, "arg_constraints", {})
        found = {}
        for name, constraint in stated.items():
            try:
                found[name] = constraint.event_dim, constraint_of(constraint)
            except NotImplementedError:  # dependent on other parameters
                found[name] = 0, None
        return found

    @staticmethod
    def ends(dist) -> tuple[Any, Any]:
        """The ends of a univariate support, None where there is none."""
        support = dist.support
        return getattr(support, "lower_bound", None), getattr(support, "upper_bound", None)

    @staticmethod
    def support(dist, low, high) -> Constraint | None:
        """The support between ends that were made tensors, or None where it is not known."""
        return constraint_of(dist.support, low, high)


def constraint_of(theirs: Any, low: Any = None, high: Any = None) -> Constraint | None:
    """torch's constraint for NumPyro's, or None where it is none of these.

    `low` and `high` stand in for its own ends.
    """
    kind = type(theirs).__name__
    if kind == "_IndependentConstraint":
        inner = constraint_of(theirs.base_constraint, low, high)
        axes = theirs.reinterpreted_batch_ndims
        return None if inner is None else constraints.independent(inner, axes)
    if kind in FREE:
        return FREE[kind]
    if kind not in ENDS:
        return None
    low = getattr(theirs, "lower_bound", None) if low is None else low
    high = getattr(theirs, "upper_bound", None) if high is None else high
    return ENDS[kind](low, high)
