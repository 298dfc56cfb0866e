"""Generators of random numbers beside torch's own: chosen for a whole run, part of its identity.

Inside of `drawing`, what asks torch for many random numbers on a CPU gets them from the generator,
whether a distribution of torch asks, an estimator or a user's own sampler. Each call has a stream
of its own, whose key is drawn from torch's: the same numbers whichever worker draws them. What is
asked for a few at a time, or with other parameters for each number, comes from torch as before.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor
from torch._C._functorch import maybe_current_level
from torch.overrides import (
    TorchFunctionMode,
    _get_current_function_mode,
    _pop_mode_temporarily,
)

from benchmarks.machine import mkl_numbers
from benchmarks.machine.mkl_operations import OPS, new_key
from estimators.capabilities.random_numbers import torch_numbers

GENERATORS = ("mkl",)
MANY = 2**12  # numbers from which a stream of their own pays
ALIKE = 2**8  # numbers of the same parameters from which a call for them pays
LARGEST = 1e6  # rate or trials of integers that are drawn


def check_generator(name: str | None) -> None:
    """ValueError with the way out for a generator that is not known, or not installed."""
    if name is None:
        return
    if name not in GENERATORS:
        raise ValueError(f"There is no generator {name!r}; use {GENERATORS[0]!r}, or none.")
    mkl_numbers.library()


@contextmanager
def drawing(generator: str | None) -> Iterator[None]:
    """Draw from the generator inside; from torch's, and NumPy's as ever, where it is None."""
    if generator is None:
        yield
        return
    check_generator(generator)
    with torch_numbers(), _FromMkl():
        yield


@contextmanager
def paused() -> Iterator[None]:
    """Answer nothing inside, as for a compiled graph, which has its own calls of the generator."""
    if not isinstance(_get_current_function_mode(), _FromMkl):
        yield
        return
    with _pop_mode_temporarily():
        yield


class _FromMkl(TorchFunctionMode):
    """Answers what asks for random numbers itself."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        draw = _DRAWS.get(func)
        if draw is not None and maybe_current_level() is None:  # `vmap` has rules of its own
            found = draw(*args, **(kwargs or {}))
            if found is not None:
                return found
        return func(*args, **(kwargs or {}))


def _new(*size, **kwargs) -> Tensor | None:
    """The tensor that a call of `torch.rand` asks for, or None where torch shall fill it."""
    if kwargs.keys() - {"size", "dtype", "device", "requires_grad"}:
        return None
    made = torch.empty(*size, **kwargs)
    return made if _large(made) and not made.requires_grad else None


def _large(x: Tensor) -> bool:
    floating = x.dtype in (torch.float32, torch.float64)
    return floating and x.device.type == "cpu" and x.numel() >= MANY


def _fills(op: Callable) -> dict[str, Callable]:
    """What draws by `op`: into a new tensor, one like another, and one that there is."""

    def new(*size, **kwargs):
        made = _new(*size, **kwargs)
        return None if made is None else op(new_key(), made.shape, made.dtype)

    def like(x, **kwargs):
        made = torch.empty_like(x, **kwargs)
        return op(new_key(), made.shape, made.dtype) if _large(made) else None

    def into(x, low=0.0, high=1.0, **named):  # of normals: mean and sd
        if named or not _large(x):
            return None
        width = high if op is OPS.normals else high - low
        return x.copy_(op(new_key(), x.shape, x.dtype).mul_(width).add_(low))

    return {"new": new, "like": like, "into": into}


def _normal(mean, std=1.0, *rest, **named):
    if rest or named or not (isinstance(mean, Tensor) and isinstance(std, Tensor)):
        return None
    if mean.shape != std.shape or mean.dtype != std.dtype or not _large(mean):
        return None
    return OPS.normals(new_key(), mean.shape, mean.dtype).mul_(std.detach()).add_(mean.detach())


def _exponential(x, lambd=1.0, **named):
    if named or not _large(x):
        return None
    u = OPS.uniforms(new_key(), x.shape, x.dtype)
    return x.copy_(torch.log1p(u.neg_()).mul_(-1 / lambd).clamp_(min=torch.finfo(x.dtype).tiny))


def _bernoulli(probs, *rest, **named):
    if rest or named or not _large(probs):
        return None
    return (OPS.uniforms(new_key(), probs.shape, probs.dtype) < probs).to(probs.dtype)


def _standard_gamma(concentration, *rest, **named):
    found = None if rest or named else _few(concentration)
    return None if found is None else _Gamma.apply(concentration, found[0])


def _dirichlet(concentration, *rest, **named):
    found = None if rest or named else _few(concentration)
    if found is None:
        return None
    x = _gammas(concentration, found[0])
    return (x / x.sum(-1, keepdim=True)).clamp_(min=torch.finfo(x.dtype).tiny)


def _poisson(rate, *rest, **named):
    found = None if rest or named else _few(rate)
    if found is None or found[0].max() > LARGEST:
        return None
    return _spread(OPS.poissons(new_key(), found[0].flatten(), _each(rate, *found)), rate, *found)


def _binomial(count, prob, *rest, **named):
    if rest or named or not _large(prob) or count.shape != prob.shape:
        return None
    found = _few(prob, count)
    if found is None or found[0].max() >= 1 or found[1].max() > LARGEST:
        return None
    drawn = OPS.binomials(new_key(), *(f.flatten() for f in found), _each(prob, *found))
    return _spread(drawn, prob, *found)


class _Gamma(torch.autograd.Function):
    """Gammas of rate one, with torch's derivative in the concentration."""

    @staticmethod
    def forward(ctx, concentration, few):
        x = _gammas(concentration, few)
        ctx.save_for_backward(concentration, x)
        return x

    @staticmethod
    def backward(ctx, grad):
        return grad * torch._standard_gamma_grad(*ctx.saved_tensors), None


def _gammas(concentration: Tensor, few: Tensor) -> Tensor:
    drawn = OPS.gammas(new_key(), few.detach().flatten(), _each(concentration, few))
    x = _spread(drawn, concentration, few)
    return x.clamp_(min=torch.finfo(x.dtype).tiny)


def _few(x: Tensor, beside: Tensor | None = None) -> tuple[Tensor, ...] | None:
    """`x`, and another like it, with each axis along which both repeat themselves of length one.

    None where what is left is not positive, or so much that a call for each number does not pay,
    or where nobody knows the numbers yet, as a compiler does not.
    """
    if not _large(x) or type(x) is not Tensor:
        return None
    few = [part.detach() for part in (x, beside) if part is not None]
    for axis in range(x.ndim):
        first = [part.narrow(axis, 0, 1) for part in few]
        if all(_repeats(part, one, axis) for part, one in zip(few, first, strict=True)):
            few = first
    left = few[0].numel()
    if left * ALIKE > x.numel() or not all(bool((part > 0).all()) for part in few):
        return None
    return tuple(few)


def _repeats(x: Tensor, first: Tensor, axis: int) -> bool:
    return x.shape[axis] == 1 or x.stride(axis) == 0 or bool((x == first).all())


def _each(x: Tensor, few: Tensor, *_) -> int:
    return x.numel() // few.numel()


def _spread(drawn: Tensor, like: Tensor, few: Tensor, *_) -> Tensor:
    """Numbers [P, n], n for each of the P in `few`, in the shape and type of `like`."""
    rows = [axis for axis in range(like.ndim) if few.shape[axis] > 1]
    order = rows + [axis for axis in range(like.ndim) if axis not in rows]
    wide = drawn.view([like.shape[axis] for axis in order])
    back = [order.index(axis) for axis in range(like.ndim)]
    return wide.permute(back).contiguous().to(like.dtype)  # integers are the shorter way


_NORMALS, _UNIFORMS = _fills(OPS.normals), _fills(OPS.uniforms)
_DRAWS: dict[Callable, Callable[..., Tensor | None]] = {
    torch.randn: _NORMALS["new"],
    torch.randn_like: _NORMALS["like"],
    torch.Tensor.normal_: _NORMALS["into"],
    torch.rand: _UNIFORMS["new"],
    torch.rand_like: _UNIFORMS["like"],
    torch.Tensor.uniform_: _UNIFORMS["into"],
    torch.normal: _normal,
    torch.Tensor.exponential_: _exponential,
    torch.bernoulli: _bernoulli,
    torch._standard_gamma: _standard_gamma,
    torch._sample_dirichlet: _dirichlet,
    torch.poisson: _poisson,
    torch.binomial: _binomial,
}
