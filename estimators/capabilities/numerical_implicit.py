"""How samples move with λ for cdfs of a user's own: numerically, and coordinate by coordinate."""

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities.description import Unsupported, describe
from estimators.capabilities.implicit import cdf
from estimators.capabilities.leaf_tensors import replaced, tensors, with_leaves

STEP = 1e-3  # of a central difference, relative to the parameter
SMALLEST = 1e-5
AGREE = 1e-3  # two steps give derivatives that are as close as this


def cdf_increment(dist: Distribution, x: Tensor) -> Tensor:
    """Zero, with the derivative of F(x; λ) in λ: [*sample, *batch].

    By autograd, and for the tensors that it does not reach by central differences, which must
    agree at two steps. Raises Unsupported where they do not.
    """
    own = {path: t for path, t in tensors(dist).items() if t.requires_grad}
    lacking = _unreached(dist, x[:1] if x.ndim else x) & set(own)
    increment = torch.zeros_like(x)
    if lacking != set(own):
        below = cdf(dist, x)
        increment = below - below.detach()
    for path in sorted(lacking):
        moved = (own[path] - own[path].detach()).reshape(*dist.batch_shape, -1)  # [*B, P]
        increment = increment + (_slopes(dist, x, path) * moved).sum(-1)
    return increment


@torch.enable_grad()
def _unreached(dist: Distribution, x: Tensor) -> set[str]:
    """The paths of the tensors that autograd does not reach from the cdf."""
    twin, leaves = with_leaves(dist)
    try:
        below = cdf(twin, x)
        found = torch.autograd.grad(below.sum(), list(leaves.values()), allow_unused=True)
    except (RuntimeError, TypeError):  # detached, or one of torch's missing derivatives
        return set(leaves)
    return {path for path, slope in zip(leaves, found, strict=True) if slope is None}


@torch.no_grad()
def _slopes(dist: Distribution, x: Tensor, path: str) -> Tensor:
    """∂F(x)/∂t for each number of the tensor t at `path`, in float64: [*sample, *batch, P]."""
    own = {p: t.detach().double() for p, t in tensors(dist).items()}
    shape = own[path].shape[len(dist.batch_shape) :]
    step = (STEP * own[path].abs()).clamp_min(SMALLEST)

    def slope(h: Tensor, place: Tensor) -> Tensor:
        above, below = (
            cdf(replaced(dist, own | {path: own[path] + sign * h * place}), x.double())
            for sign in (1, -1)
        )
        width = (h * place).reshape(*dist.batch_shape, -1).sum(-1)
        return (above - below) / (2 * width)

    places = torch.eye(shape.numel(), dtype=torch.float64, device=x.device).reshape(-1, *shape)
    coarse, fine = (torch.stack([slope(h, p) for p in places], -1) for h in (step, step / 2))
    apart, size = (fine - coarse).abs().mean(), fine.abs().mean()
    if not apart <= AGREE * size + 1e-9:
        raise Unsupported(
            f"The cdf of {describe(dist)} has no numerical derivative in {path!r}: two steps "
            f"differ by {float(apart):.2g} where it is {float(size):.2g}; let autograd "
            "differentiate it, or use reinforce-loo."
        )
    best = (4 * fine - coarse) / 3  # Richardson's extrapolation
    return best.to(x.dtype)


def by_conditionals(dist: Distribution, x: Tensor) -> Tensor:
    """x [..., D] moves so that every F(x_d | x_<d) stays: ∂x/∂λ = −(∂F/∂x)⁻¹ ∂F/∂λ.

    `dist.conditional_cdfs(x)` is [..., D]; ∂F/∂x is lower triangular, with the conditional
    densities on its diagonal. Source: Figurnov et al. 2018, section 3.1.
    """
    with torch.enable_grad():
        leaf = x.clone().requires_grad_()
        each = dist.conditional_cdfs(leaf)
        rows = [
            torch.autograd.grad(each[..., d].sum(), leaf, retain_graph=True)[0]
            for d in range(x.shape[-1])
        ]
    slope = torch.stack(rows, -2).tril()  # [..., D, D]
    below = dist.conditional_cdfs(x)
    moved = (below - below.detach()).unsqueeze(-1)
    return x - torch.linalg.solve_triangular(slope, moved, upper=False).squeeze(-1)
