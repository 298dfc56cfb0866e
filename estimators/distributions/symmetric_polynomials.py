"""Elementary symmetric polynomials of exp(logits), in log space, by halves: O(n k) for degree k.

The items are the leaves of a binary tree. Each node holds the coefficients of Π (1 + x exp(logit))
over its items, up to the degree k; a parent is the product of its two children. That takes log₂ n
steps, whatever the batch, where the usual recursion takes n.
"""

import torch
from torch import Tensor
from torch.nn.functional import pad

ABSENT = -1e30  # the log of a coefficient that is zero; finite, so that it has a derivative


def log_polynomials(logits: Tensor, degree: int) -> list[Tensor]:
    """The log-coefficients of every node, by level from the leaves [*B, n] up to the root.

    Level l is [*B, n / 2^l, min(2^l, degree) + 1]; n is filled up to a power of two with items that
    are never chosen. The last entry of the root is log e_degree(exp(logits)).
    """
    count = logits.shape[-1]
    full = 1 << (count - 1).bit_length()
    items = pad(logits.clamp_min(ABSENT), (0, full - count), value=ABSENT)
    levels = [torch.stack((torch.zeros_like(items), items), -1)]  # [*B, n, 2]: 1 + x exp(logit)
    while levels[-1].shape[-2] > 1:
        below = levels[-1]
        levels.append(log_product(below[..., 0::2, :], below[..., 1::2, :], degree))
    return [level[..., : degree + 1] for level in levels]


def log_product(a: Tensor, b: Tensor, degree: int) -> Tensor:
    """Log-coefficients of the product of two polynomials [..., m + 1], up to `degree`."""
    top = a.shape[-1] - 1
    last = min(2 * top, degree)
    # windows[j, i] = b_{j − m + i}, which meets a_{m − i}
    windows = pad(b, (top, max(last - top, 0)), value=ABSENT).unfold(-1, top + 1, 1)
    return (a.flip(-1).unsqueeze(-2) + windows[..., : last + 1, :]).logsumexp(-1)
