"""Discrete laws of four shapes, each with random logits and random costs."""

import torch
from torch.distributions import (
    Bernoulli,
    Independent,
    OneHotCategorical,
)

SHAPES = {
    "Bernoulli": ((), lambda logits: Bernoulli(logits=logits)),
    "4 Bernoullis": ((4,), lambda logits: Independent(Bernoulli(logits=logits), 1)),
    "OneHotCategorical": ((5,), lambda logits: OneHotCategorical(logits=logits)),
    "2 × 3 classes": ((2, 3), lambda logits: Independent(OneHotCategorical(logits=logits), 1)),
}


def random_case(label, seed):
    generator = torch.Generator().manual_seed(seed)
    shape, family = SHAPES[label]

    def normal(*shape):
        return torch.randn(shape, generator=generator, dtype=torch.float64)

    logits = normal(*shape).requires_grad_()
    dist = family(logits)
    size = dist.event_shape.numel()
    matrix, vector = normal(size, size), normal(size)

    def linear(x):
        return x.reshape(*x.shape[: x.ndim - len(dist.event_shape)], size) @ vector

    def quadratic(x):
        flat = x.reshape(*x.shape[: x.ndim - len(dist.event_shape)], size)
        return (flat @ matrix * flat).sum(-1) + flat @ vector

    return dist, logits, linear, quadratic
