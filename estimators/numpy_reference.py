"""The Gaussian reparameterisation gradient by hand, in NumPy alone: an oracle for the tests."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def sample_gaussian_reparam(
    mu: NDArray, log_var: NDArray, n_samples: int = 1, rng: np.random.Generator | None = None
) -> NDArray:
    """z = μ + exp(½ log σ²) ε with ε ~ N(0, I): `n_samples` draws, [N, *mu.shape].

    `rng` makes the draws repeatable. ValueError if the two shapes differ.
    Source: Kingma & Welling 2014, arXiv:1312.6114, section 2.4.
    """
    mu, log_var = _pair(mu, log_var)
    rng = np.random.default_rng() if rng is None else rng
    return mu + np.exp(log_var / 2) * rng.standard_normal((n_samples, *mu.shape))


def reparameterise_and_grad(
    mu: NDArray,
    log_var: NDArray,
    decoder: Callable[[NDArray], NDArray],
    decoder_vjp: Callable[[NDArray, NDArray], NDArray],
    x_true: NDArray,
    eps: NDArray | None = None,
    rng: np.random.Generator | None = None,
) -> tuple[NDArray, float, NDArray, NDArray]:
    """The reconstruction loss L = mean((decoder(z) − x)²) and its gradients for fixed noise ε.

    z = μ + σ ε,  σ = exp(½ log σ²);   ∂L/∂μ = ∂L/∂z,   ∂L/∂log σ² = ∂L/∂z · ½ σ ε

    mu, log_var, eps: [B, D]. `decoder(z)` gives [B, ...]; `decoder_vjp(z, v)` gives vᵀ ∂decoder/∂z,
    [B, D]. Returns z, L, ∂L/∂μ and ∂L/∂log σ². ValueError if shapes differ.
    Source: Kingma & Welling 2014, arXiv:1312.6114, section 2.4.
    """
    mu, log_var = _pair(mu, log_var)
    if eps is None:
        eps = (np.random.default_rng() if rng is None else rng).standard_normal(mu.shape)
    std = np.exp(log_var / 2)
    z = mu + std * eps
    error = decoder(z) - x_true
    loss = np.mean(error**2)
    by_z = decoder_vjp(z, 2 * error / error.size)  # ∂L/∂z
    return z, float(loss), by_z, by_z * eps * std / 2


def _pair(mu: NDArray, log_var: NDArray) -> tuple[NDArray, NDArray]:
    mu, log_var = np.asarray(mu, float), np.asarray(log_var, float)
    if mu.shape != log_var.shape:
        raise ValueError(f"mu and log_var must have one shape, not {mu.shape} and {log_var.shape}.")
    return mu, log_var
