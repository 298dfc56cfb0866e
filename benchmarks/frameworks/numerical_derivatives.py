"""Derivatives by central differences, each with an error estimate, of what autograd cannot reach.

Central differences at three steps h, h/2 and h/4 are extrapolated twice (Richardson 1911, Phil.
Trans. A 210): the error is of order h⁶, and how far the last extrapolation moved the value is its
estimate. Where that is not small, no derivative is given.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from estimators import Unsupported

STEP = 1e-2  # of the room there is: to the end of the domain, or 1 + |value|
SHRINK, TRIES = 8.0, 6  # of the step, where the function is not finite beside the point
AGREE = 1e-4  # relative error of a derivative that is believed
ROUNDED = 1e-11  # of the value: so near to an end that a step is lost in rounding
SHARE = 0.01  # of the places at which it may be larger: at kinks


class Elementwise:
    """A NumPy function, elementwise in all its arguments, as a differentiable function of tensors.

    - `function`: float64 arrays of one shape → an array of that shape.
    - `label`, `names`: of the function and of its arguments, for messages.
    - `room`: (place of an argument, arrays) → how far it may be moved; None: 1 + |value|.
    - `known`: derivatives that are known, as functions of tensors, by the place of the argument.

    Raises Unsupported, when it is differentiated, where the differences do not agree.
    """

    def __init__(
        self,
        function: Callable[..., NDArray],
        label: str,
        names: Sequence[str],
        room: Callable[[int, Sequence[NDArray]], NDArray] | None = None,
        known: dict[int, Callable[..., Tensor]] | None = None,
    ):
        self.function, self.label, self.names = function, label, names
        self.room, self.known = room, known or {}
        self._slopes: dict[int, Callable[..., Tensor]] = {}

    def __call__(self, *tensors: Tensor) -> Tensor:
        return _Elementwise.apply(self, *torch.broadcast_tensors(*tensors))

    def run(self, tensors: Sequence[Tensor]) -> Tensor:
        """The values, without derivatives."""
        dtype = tensors[0].dtype
        with np.errstate(all="ignore"):
            found = self.function(*(t.detach().cpu().double().numpy() for t in tensors))
        return torch.as_tensor(np.array(found, float)).to(tensors[0].device, dtype)

    def slope(self, place: int) -> Callable[..., Tensor]:
        """The derivative in one argument: known, or by differences."""
        if place in self.known:
            return self.known[place]
        if place not in self._slopes:

            def by_differences(*arrays):
                return richardson(self, place, arrays)

            label = f"the derivative of {self.label} in {self.names[place]}"
            self._slopes[place] = Elementwise(by_differences, label, self.names, self.room)
        return self._slopes[place]


class _Elementwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx, function: Elementwise, *tensors: Tensor):
        ctx.function = function
        ctx.save_for_backward(*tensors)
        return function.run(tensors)

    @staticmethod
    def backward(ctx, cotangent: Tensor):
        tensors = ctx.saved_tensors
        found = [
            cotangent * ctx.function.slope(place)(*tensors) if needed else None
            for place, needed in enumerate(ctx.needs_input_grad[1:])
        ]
        return None, *found


def richardson(of: Elementwise, place: int, arrays: Sequence[NDArray]) -> NDArray:
    """The derivative of an elementwise function in one argument, at arrays of one shape.

    Steps are shortened where the function is not finite beside the point; where it is not finite
    at the point, neither is the derivative. Within `ROUNDED` of an end it is not held to anything.
    Raises Unsupported where the differences disagree.
    """
    value = arrays[place]
    room = 1 + np.abs(value) if of.room is None else of.room(place, arrays)
    step = STEP * np.minimum(room, 1 + np.abs(value))

    def difference(h: NDArray) -> NDArray:
        ends = []
        for sign in (1, -1):
            moved = list(arrays)
            moved[place] = value + sign * h
            ends.append((of.function(*moved), moved[place]))
        (above, right), (below, left) = ends
        return (above - below) / (right - left)

    with np.errstate(all="ignore"):
        finite = np.isfinite(of.function(*arrays))
        best, error = extrapolated(difference, step)
        for _ in range(TRIES):
            lost = finite & ~(np.isfinite(best) & (error <= AGREE * np.abs(best) + AGREE))
            if not lost.any():
                break
            step = np.where(lost, step / SHRINK, step)
            again, apart = extrapolated(difference, step)
            better = lost & (np.isnan(error) | (apart < error))
            best, error = np.where(better, again, best), np.where(better, apart, error)
    known = finite & (step > ROUNDED * np.abs(value))
    _believe(of, place, best[known], error[known])
    return np.where(finite & ~known & ~np.isfinite(best), 0.0, best)


def extrapolated(difference: Callable, step: NDArray) -> tuple[NDArray, NDArray]:
    """The limit of central differences at steps h, h/2, h/4, and its estimated error."""
    coarse, middle, fine = (difference(step / n) for n in (1, 2, 4))
    first, second = (4 * middle - coarse) / 3, (4 * fine - middle) / 3
    best = (16 * second - first) / 15
    return best, np.abs(best - second)


def _believe(of: Elementwise, place: int, best: NDArray, error: NDArray) -> None:
    if not best.size:
        return
    usual = np.nanmedian(np.abs(best)) if np.isfinite(best).any() else 0.0
    wrong = ~(error <= AGREE * (np.abs(best) + usual) + 1e-9)
    if wrong.mean() > SHARE:
        raise Unsupported(
            f"{of.label} has no numerical derivative in {of.names[place]}: central differences at "
            f"three steps differ by {np.nanmedian(error[wrong]):.2g} where it is "
            f"{np.nanmedian(np.abs(best[wrong])):.2g}; write it with torch's functions, or use an "
            "estimator that does not differentiate it."
        )
