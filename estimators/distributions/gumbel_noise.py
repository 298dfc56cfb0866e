"""Gumbel noise, whose arg-max, largest k and arg-sort are samples in proportion to weights."""

import torch
from torch import Tensor


def perturbed(logits: Tensor, shape: torch.Size) -> Tensor:
    """logits + Gumbel noise: [*shape, *logits]."""
    u = torch.rand((*shape, *logits.shape), dtype=logits.dtype, device=logits.device)
    return logits - (-u.clamp_min(torch.finfo(u.dtype).tiny).log()).log()
