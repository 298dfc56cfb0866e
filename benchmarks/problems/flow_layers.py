"""Invertible layers of normalising flows whose weights may differ from replicate to replicate.

Samples are [*sample, *batch, D]; every weight has the same *batch axes first.
"""

import torch
from torch import Tensor
from torch.distributions import Transform, constraints

from estimators.continuous.path_gradient import pushed


def times(x: Tensor, w: Tensor) -> Tensor:
    """x w, with x [*sample, *batch, D] and w [*batch, D, H]: [*sample, *batch, H]."""
    leading = x.ndim - w.ndim + 1
    by_sample = x.reshape(-1, *x.shape[leading:])
    product = torch.einsum("k...d,...dh->k...h", by_sample, w)
    return product.reshape(*x.shape[:-1], w.shape[-1])


class VectorTransform(Transform):
    """An invertible map of vectors [D] to vectors [D]."""

    domain = constraints.real_vector
    codomain = constraints.real_vector
    bijective = True


class AffineCoupling(VectorTransform):
    """One half of a vector shifts and scales the other half, and then they change places.

    y = (x₂ ∘ exp(s) + t, x₁),   s = 2 tanh(s' / 2),   (s', t) = W₂ tanh(W₁ x₁ + b₁) + b₂

    w1 [*batch, D/2, H], b1 [*batch, H], w2 [*batch, H, D], b2 [*batch, D].
    Source: Dinh, Sohl-Dickstein & Bengio 2017, arXiv:1605.08803.
    """

    def __init__(self, w1: Tensor, b1: Tensor, w2: Tensor, b2: Tensor):
        super().__init__()
        self.w1, self.b1, self.w2, self.b2 = w1, b1, w2, b2

    def _call(self, x: Tensor) -> Tensor:
        kept, moved = x.chunk(2, -1)
        log_scale, shift = self._of(kept)
        return torch.cat([moved * log_scale.exp() + shift, kept], -1)

    def _inverse(self, y: Tensor) -> Tensor:
        moved, kept = y.chunk(2, -1)
        log_scale, shift = self._of(kept)
        return torch.cat([kept, (moved - shift) * (-log_scale).exp()], -1)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Σ s: [*sample, *batch]."""
        return self._of(x.chunk(2, -1)[0])[0].sum(-1)

    def _of(self, kept: Tensor) -> tuple[Tensor, Tensor]:
        hidden = (times(kept, self.w1) + self.b1).tanh()
        log_scale, shift = (times(hidden, self.w2) + self.b2).chunk(2, -1)
        return 2 * (log_scale / 2).tanh(), shift


@pushed.register
def _(layer: AffineCoupling, x: Tensor, slope: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """With one evaluation of the network: Vaitl et al. 2024, arXiv:2403.15881."""
    x = x if x.requires_grad else x.detach().requires_grad_()
    with torch.enable_grad():
        kept, moved = x.chunk(2, -1)
        log_scale, shift = layer._of(kept)
        y = torch.cat([moved * log_scale.exp() + shift, kept], -1)
        of_kept, of_moved = slope.chunk(2, -1)
        back = (y.chunk(2, -1)[0].detach() - shift) * (-log_scale).exp()
        rise = (of_moved * back).sum() - log_scale.sum()
        (found,) = torch.autograd.grad(rise, kept, retain_graph=True)
    slope = torch.cat([of_moved * (-log_scale.detach()).exp(), of_kept + found], -1)
    return y, log_scale.detach().sum(-1), slope


class ActNorm(VectorTransform):
    """y = x ∘ exp(log_scale) + shift, both [*batch, D]; Kingma & Dhariwal 2018, section 3.1."""

    def __init__(self, log_scale: Tensor, shift: Tensor):
        super().__init__()
        self.log_scale, self.shift = log_scale, shift

    def _call(self, x: Tensor) -> Tensor:
        return x * self.log_scale.exp() + self.shift

    def _inverse(self, y: Tensor) -> Tensor:
        return (y - self.shift) * (-self.log_scale).exp()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Σ log_scale: [*sample, *batch]."""
        return self.log_scale.sum(-1).expand(x.shape[:-1])


class Convolution1x1(VectorTransform):
    """Glow's invertible 1 × 1 convolution of one pixel: y = x L U, by an LU decomposition.

    lu [*batch, D, D] holds L below its diagonal (which is one), U above it, and the logarithm of
    U's diagonal on it. The fixed permutation of the decomposition reverses the vector.
    Source: Kingma & Dhariwal 2018, arXiv:1807.03039, section 3.2.
    """

    def __init__(self, lu: Tensor):
        super().__init__()
        self.lu = lu

    def _factors(self) -> tuple[Tensor, Tensor]:
        diagonal = self.lu.diagonal(dim1=-2, dim2=-1)
        one = torch.eye(self.lu.shape[-1]).to(self.lu)
        return self.lu.tril(-1) + one, self.lu.triu(1) + diagonal.exp().diag_embed()

    def _call(self, x: Tensor) -> Tensor:
        lower, upper = self._factors()
        return times(x.flip(-1), lower @ upper)

    def _inverse(self, y: Tensor) -> Tensor:
        lower, upper = self._factors()
        one = torch.eye(self.lu.shape[-1]).to(self.lu).expand_as(lower)
        inverse = torch.linalg.solve_triangular(
            upper, torch.linalg.solve_triangular(lower, one, upper=False, unitriangular=True),
            upper=True,
        )  # fmt: skip
        return times(y, inverse).flip(-1)

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        """Σ of the logarithms of U's diagonal: [*sample, *batch]."""
        return self.lu.diagonal(dim1=-2, dim2=-1).sum(-1).expand(x.shape[:-1])
