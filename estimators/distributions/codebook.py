"""Codebook: the choice of a code by its distance, the stochastic form of vector quantisation."""

import torch
from torch import Tensor
from torch.distributions import OneHotCategorical

from estimators import capabilities
from estimators.capabilities import CodeSpace, Unsupported


class Codebook(OneHotCategorical):
    """P(code c) ∝ exp(−‖vector − code_c‖² / temperature), one-hot over the codes.

    `vector` is [*batch, D] and `codes` [C, D]; as `temperature` goes to zero, this becomes the
    nearest code. Source: Sønderby, Poole & Mnih 2017; van den Oord et al. 2017, arXiv:1711.00937.
    """

    def __init__(self, vector: Tensor, codes: Tensor, temperature: float = 1.0, validate_args=None):
        self.vector, self.codes, self.temperature = vector, codes, temperature
        # ‖v − c‖² without the ‖v‖² that all codes share
        near = 2 * vector @ codes.mT - codes.square().sum(-1)
        super().__init__(logits=near / temperature, validate_args=validate_args)


@capabilities.code_space.register(Codebook)
def _(dist):
    """The way back is the pseudo-inverse E⁺ of the codes [C, D]: v E⁺ moves x E by v."""
    codes = dist.codes.detach()
    if torch.linalg.matrix_rank(codes) < codes.shape[-1]:
        raise Unsupported(
            f"The {len(codes)} codes do not span their {codes.shape[-1]} dimensions, so no change "
            "of the choice moves the code like the vector; use more codes, or straight-through."
        )
    back = torch.linalg.pinv(codes)
    return CodeSpace(dist.vector, dist.mode @ codes, lambda step: step @ back)


@capabilities.rounded.register(Codebook)
def _(dist):
    space = capabilities.code_space(dist)
    return space.to_samples(space.vector)
