"""Normalisations: how the losses of tokens [*R, B, T] become one number [*R]."""

from collections.abc import Callable

from torch import Tensor

from benchmarks.sequences.batch import Batch


def sequence_sum(each: Tensor, batch: Batch) -> Tensor:
    """1/B Σ_i Σ_t: the log-probability of a completion is the sum over its tokens."""
    return (each * batch.mask).sum(-1).mean(-1)


def sequence_mean(each: Tensor, batch: Batch) -> Tensor:
    """1/B Σ_i 1/|o_i| Σ_t: long completions count less a token. Source: arXiv:2402.03300."""
    return ((each * batch.mask).sum(-1) / batch.mask.sum(-1).clamp_min(1)).mean(-1)


def token_mean(each: Tensor, batch: Batch) -> Tensor:
    """Σ_it / Σ_i |o_i| over this micro-batch. Source: trl's bnpo, after arXiv:2506.02864."""
    return (each * batch.mask).sum((-2, -1)) / batch.mask.sum((-2, -1)).clamp_min(1)


def step_token_mean(each: Tensor, batch: Batch) -> Tensor:
    """Σ_it / Σ_i |o_i| with the tokens of the whole step below. Source: arXiv:2503.14476."""
    tokens = batch.mask.sum((-2, -1)) if batch.step_tokens is None else batch.step_tokens
    return (each * batch.mask).sum((-2, -1)) * batch.micro_batches / tokens.clamp_min(1)


def constant(each: Tensor, batch: Batch) -> Tensor:
    """1/(B · length) Σ_it, with the largest length allowed. Source: arXiv:2503.20783."""
    return (each * batch.mask).sum((-2, -1)) / (each.shape[-2] * batch.length)


NORMALISATIONS: dict[str, Callable[[Tensor, Batch], Tensor]] = {
    "sequence-sum": sequence_sum,
    "sequence-mean": sequence_mean,
    "token-mean": token_mean,
    "step-token-mean": step_token_mean,
    "constant": constant,
}
