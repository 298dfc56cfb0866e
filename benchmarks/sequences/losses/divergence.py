"""Estimates of KL(policy ‖ reference) from the tokens that were drawn.

Source: Schulman 2020, http://joschu.net/blog/kl-approx.html. Their values have the mean KL, or are
close to it; their gradients need not have the mean ∇KL, which is what an audit shows.
"""

from torch import Tensor


def divergence(kind: str, log_prob: Tensor, reference: Tensor) -> Tensor:
    """k1 = log π/π_ref, k2 = k1²/2, or k3 = e^{−k1} − 1 + k1, of each token."""
    k1 = log_prob - reference
    if kind == "k1":
        return k1
    if kind == "k2":
        return k1.square() / 2
    return (-k1).exp() + k1 - 1
