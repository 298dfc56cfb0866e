"""Measure-valued (weak) derivatives with coupled samples."""

from estimators import capabilities
from estimators.coordinates import one_at_a_time
from estimators.core import Estimator, evaluate, register


@register("measure-valued")
class MeasureValued(Estimator):
    """Measure-valued gradient: the derivative of p as the difference of two coupled samples.

    ∂p/∂θ_d = c_d (p⁺ − p⁻),   ĝ_d = c_d (f(x with x⁺ at d) − f(x with x⁻ at d))

    One coordinate d of the event is exchanged at a time, and the pair (x⁺, x⁻) shares its noise.
    Needs Normal, Laplace, Gamma, Exponential, Poisson, Bernoulli, Geometric, Binomial, Independent
    or elementwise transforms of them; the cost may be any function, also a discontinuous one.
    Unbiased. K (1 + 2 P D) cost evaluations, for P parameters of each of D coordinates.
    Raises Unsupported for other families.
    Source: Heidergott & Vázquez-Abad 2000; Mohamed, Rosca, Figurnov & Mnih 2020,
    arXiv:1906.10652, section 6.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        pairs = capabilities.weak_derivatives(dist, (samples,))
        x = dist.sample((samples,))  # [K, *B, *E]
        gradients = {}
        for path, pair in pairs.items():
            positive = one_at_a_time(cost, x, pair.positive, dist)  # [K, *B, *E]
            negative = one_at_a_time(cost, x, pair.negative, dist)
            gradients[path] = (pair.weight * (positive - negative)).mean(0)
        return evaluate(cost, x, dist).mean(0) + capabilities.carry(dist, gradients)
