"""Identities between `log_prob`, its derivatives and samples, in any number of dimensions."""

import itertools
import math
from collections.abc import Iterator

import torch
from scipy.special import stdtrit
from torch import Tensor
from torch.distributions import Distribution

from benchmarks.machine.random_streams import stream, stream_key
from benchmarks.objective.definition import Problem
from estimators import Unsupported, capabilities

ALARM = 1e-6  # false alarms of each test
WRONG = "`log_prob` has a wrong derivative"
NONE_FOUND = "autograd says 0;"
MOVED = 0.01  # relative, of a parameter, by which a support that moves is seen to do so
FURTHER = 0.04  # by which enough samples leave one at whose end the density falls to 0
OUTSIDE = 5e-4  # share of samples that leave a support that moves
WIDE = 8.0  # widths of a projection within which its mean is looked at
BLOCKS = 32  # whose means are compared by Student's t
DIRECTIONS = ("the mean", "a random direction", "another, of scaled coordinates", "coordinate 0")


def of_gradients(problem: Problem, count: int) -> Iterator[str]:
    """E[∇ log p] = 0, and ∇E[h(x)] through `rsample` is that by the score; a sentence if not."""
    copies = {
        k: v.detach().expand(BLOCKS, *v.shape).clone().requires_grad_()
        for k, v in problem.parameters.items()
    }
    with torch.enable_grad():
        dist = problem.family(**copies)
        if capabilities.moving_support(dist):
            return  # a score function does not see the boundary
        size = (max(count // BLOCKS, 16),)
        x = dist.rsample(size) if dist.has_rsample else dist.sample(size)
        yield from _about_support(problem, copies, x.detach())
        try:
            log_p = dist.log_prob(x.detach())
            if not log_p.requires_grad:
                yield (
                    "`log_prob` has no derivative in any parameter by autograd: on its way it "
                    "leaves torch, for NumPy or SciPy or by `.detach()`, `.item()` or no_grad; "
                    "write it with torch's functions, or as a torch.autograd.Function with a "
                    "`backward`."
                )
                return
            score = _gradients(log_p.mean(0), copies)
            _gradients(x.sum(), copies) if x.requires_grad else None
        except (Unsupported, NotImplementedError, RuntimeError):
            return  # no density, so no score; or a sampler without a derivative, which refuses
        yield from _about_derivative(problem, copies, x.detach()[0])
        for name, means in score.items():
            if off(means):
                found = mean_of(means[:, worst_of(means)])
                yield (
                    "`sample` and `log_prob` disagree: the derivative of `log_prob` in "
                    f"{name!r} averages to {found} over {count} samples instead of to 0; a "
                    "normaliser that depends on it is missing, samples have another law, or the "
                    "support moves with it (then declare `support`)."
                )
        if x.requires_grad:
            yield from _about_path(dist, copies, x, log_p)


@torch.no_grad()
def _about_support(problem: Problem, copies: dict, x: Tensor) -> Iterator[str]:
    """Whether samples x [K, R, ...] leave the support where a parameter moves, unbeknown to all."""
    rest = {k: v.detach() for k, v in copies.items()}

    def outside(**moved: Tensor) -> float:
        try:
            log_p = problem.family(**rest | moved).log_prob(x)
        except Exception:  # other checks say what is wrong
            return 0.0
        return float((log_p == -math.inf).double().mean())

    for name, value in rest.items():
        near, far = (
            max(outside(**{name: value * (1 + step)}) for step in (-size, size))
            for size in (MOVED, FURTHER)
        )
        share, moved = (near, MOVED) if near > OUTSIDE else (far, FURTHER)
        if near > 0 and share > OUTSIDE and outside() == 0:
            yield (
                f"the support moves with {name!r}, and does not say so: of samples drawn there, "
                f"{share:.2%} have no density (`log_prob` is -inf) where it is {moved:.0%} "
                "another; declare `support` as a constraint of the parameters, as "
                "torch.distributions.Uniform does, because a score function does not see a "
                "boundary that moves."
            )
            return


def _about_path(dist, copies: dict, x: Tensor, log_p: Tensor) -> Iterator[str]:
    """∂E[h(x)]/∂λ through `rsample` and by the score, for bounded functions h of projections."""
    for along in projections(dist, x):
        fixed = along.detach()
        centre = fixed.median()
        z = (along - centre) / (fixed - centre).abs().median().clamp_min(1e-12)
        bounded = (z.tanh(), (-z.square() / 2).exp(), WIDE * (z / WIDE).tanh())
        paths = [_gradients(h.mean(0), copies) for h in bounded]
        scores = [_gradients(((h - h.mean()).detach() * log_p).mean(0), copies) for h in bounded]
        for name, (path, score) in itertools.product(copies, zip(paths, scores, strict=True)):
            by_path, by_score = path[name], score[name]
            if off(by_path - by_score):
                at = worst_of(by_path - by_score)
                if not by_path.any():
                    yield (
                        f"`rsample` moves wrongly with {name!r}: through it the derivative of "
                        "E[h(x)] is exactly 0, by the score of `log_prob` it is "
                        f"{mean_of(by_score[:, at])}; pathwise estimators see nothing of it."
                    )
                    continue
                yield (
                    f"`rsample` moves wrongly with {name!r}: through it the derivative of "
                    f"E[h(x)] is {mean_of(by_path[:, at])}, by the score of `log_prob` it is "
                    f"{mean_of(by_score[:, at])}, with a false-alarm rate of {ALARM:g}; a "
                    "rejection sampler needs a correction for its acceptance."
                )


def _about_derivative(problem: Problem, copies: dict, x: Tensor) -> Iterator[str]:
    """The derivative of `log_prob` by autograd and by differences, at BLOCKS samples x [R, ...]."""
    by_graph = _gradients(problem.family(**copies).log_prob(x.unsqueeze(0))[0], copies)
    for name, value in copies.items():
        value = value.detach()
        step = 1e-6 * (value.abs() + 1e-3) * _signs(value)
        rest = {k: v.detach() for k, v in copies.items()}
        with torch.no_grad():
            above, below = (
                problem.family(**rest | {name: value + sign * step}).log_prob(x.unsqueeze(0))[0]
                for sign in (1, -1)
            )
        change = (above - below).reshape(BLOCKS, -1).sum(1) / 2
        expected = (by_graph[name] * step.reshape(BLOCKS, -1)).sum(1)
        scale = change.abs() + expected.abs()
        size = scale[scale.isfinite()].mean() if scale.isfinite().any() else scale.new_zeros(())
        wrong = (change - expected).abs() > 1e-3 * scale + 1e-3 * size + 1e-12
        if wrong.float().mean() > 0.5:
            at = int(wrong.nonzero()[0])
            yield (
                f"{WRONG} in {name!r}: over a small step it changes by "
                f"{float(change[at]):.4g}, autograd says {float(expected[at]):.4g}; do not detach "
                "what it is made of."
            )


def says_no_score(caution: str) -> bool:
    """Whether a sentence says that `log_prob` has no derivative by autograd where it has one."""
    return WRONG in caution and NONE_FOUND in caution


def _signs(value: Tensor) -> Tensor:
    """Random signs, symmetric where `value` [R, ...] is a symmetric matrix, and stays one."""
    signs = torch.randn_like(value).sign()
    if value.ndim > 2 and value.shape[-1] == value.shape[-2] and torch.equal(value, value.mT):
        return signs.tril() + signs.tril(-1).mT
    return signs


def projections(dist: Distribution, x: Tensor) -> Iterator[Tensor]:
    """x [..., *batch, *event] along each of `DIRECTIONS`, or as it is: [..., *batch].

    Angles are their cosine and sine.
    """
    if getattr(dist, "circular", False):  # angles: where they begin again, nothing jumps
        yield x.cos()
        yield x.sin()
        return
    if dist.event_shape.numel() == 1:
        yield x.reshape(x.shape[: x.ndim - len(dist.event_shape)])
        return
    flat = x.flatten(x.ndim - len(dist.event_shape))
    rows = flat.detach().reshape(-1, flat.shape[-1])
    with stream(stream_key("directions")):
        drawn = torch.randn(2, flat.shape[-1], dtype=x.dtype)
    for direction in (rows.mean(0), drawn[0], drawn[1] / rows.std(0).clamp_min(1e-12)):
        yield flat @ direction
    yield flat[..., 0]


def _gradients(surrogate: Tensor, copies: dict) -> dict[str, Tensor]:
    """Of each block, for each parameter: [R, P]."""
    found = torch.autograd.grad(
        surrogate.sum(), list(copies.values()), retain_graph=True, allow_unused=True,
        materialize_grads=True,
    )  # fmt: skip
    return {k: g.reshape(BLOCKS, -1) for k, g in zip(copies, found, strict=True)}


def off(means: Tensor) -> bool:
    """Whether block means [R, P] have a mean other than 0, along the axes or random signs."""
    if means.shape[1] > 8:
        means = means @ torch.randn(means.shape[1], 8, dtype=means.dtype).sign()
    spread = means.std(0)
    known = spread > 1e-9 * means.abs().max()  # else an event that did not happen in any block
    t = (means.mean(0).abs() / spread * math.sqrt(BLOCKS))[known & means.isfinite().all(0)]
    return bool((t > -stdtrit(BLOCKS - 1, ALARM / 2 / means.shape[1])).any())


def worst_of(means: Tensor) -> int:
    """The number whose block means [R, P] are furthest from 0."""
    error = means.std(0).clamp_min(1e-300)
    return int((means.mean(0).abs() / error).argmax())


def mean_of(means: Tensor) -> str:
    """The mean of block means [R], with its standard error."""
    return f"{float(means.mean()):.4f} ± {float(means.std()) / math.sqrt(BLOCKS):.4f}"
