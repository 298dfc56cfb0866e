"""The rotation trick: the gradient of a quantiser, turned and scaled on its way back."""

from estimators import capabilities
from estimators.core import register
from estimators.straight_through import StraightThroughArgmax


@register("rotation-trick")
class RotationTrick(StraightThroughArgmax):
    """Gradient of vector quantisation that is rotated from the code back to the vector.

    q = the code nearest to e,   ∂q/∂e := (‖q‖ / ‖e‖) R,   R = I − 2 r rᵀ + 2 q̂ êᵀ,
    ê = e/‖e‖, q̂ = q/‖q‖, r = (ê + q̂)/‖ê + q̂‖

    R rotates ê to q̂ in their plane, and is held constant, as the ratio of lengths is.
    Needs Codebook or Independent of it, whose codes span their space, and a cost differentiable in
    x. Biased: it does not even estimate the value of E[f]. K cost evaluations, all alike.
    Raises Unsupported for other distributions.
    Source: Fifty, Junkins, Duan, Iyengar, Liu, Amid, Thrun & Ré 2024, arXiv:2410.06424; of the
    paper the abstract was read, R in public code after it.
    """

    def backward(self, dist):
        vector, nearest, to_samples = capabilities.code_space(dist)
        return to_samples(rotated(vector - vector.detach(), vector.detach(), nearest))


def rotated(step, vector, code):
    """(‖code‖ / ‖vector‖) R step, R turning `vector` into the direction of `code`: [..., D]."""
    length, size = (v.norm(dim=-1, keepdim=True).clamp_min(1e-12) for v in (vector, code))
    here, there = vector / length, code / size
    axis = here + there
    axis = axis / axis.norm(dim=-1, keepdim=True).clamp_min(1e-12)

    def along(direction):
        return (step * direction).sum(-1, keepdim=True)

    return (size / length) * (step - 2 * axis * along(axis) + 2 * there * along(here))
