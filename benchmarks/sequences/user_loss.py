"""A loss of the user's: any function of one batch that returns a scalar."""

import inspect
from collections.abc import Callable
from typing import Any

from torch import Tensor

from benchmarks.sequences.losses import Loss

COEFFICIENTS = {"kl": "beta", "entropy": "entropy_coef"}


class UserLoss(Loss):
    """`function(batch, **settings)` of one batch, [B, T] and [B], called once for each.

    If the function takes `beta` or `entropy_coef`, those are the coefficients of the terms, and the
    terms can be told apart; else all of it is one.
    Raises ValueError for settings that the function does not take.
    """

    vectorised = False

    def __init__(self, function: Callable[..., Tensor], **settings: Any):
        self.function, self.given = function, settings
        self.name = getattr(function, "__name__", type(function).__name__)
        self._known = _keywords(function)
        for wrong in sorted(set(settings) - set(self._known)):
            have = ", ".join(sorted(self._known)) or "none"
            raise ValueError(f"The loss {self.name} has no setting {wrong!r}; it has: {have}.")

    @property
    def coefficients(self):
        effective = self._known | self.given
        return {term: float(effective.get(name) or 0.0) for term, name in COEFFICIENTS.items()}

    def without(self, *terms):
        zero = {COEFFICIENTS[term]: 0.0 for term in terms if self.coefficients[term]}
        return UserLoss(self.function, **(self.given | zero))

    @property
    def settings(self):
        return self._known | self.given

    def loss(self, batch, advantages):
        found = self.function(batch, **self.given)
        if not isinstance(found, Tensor) or found.numel() != 1:
            got = f"shape {tuple(found.shape)}" if isinstance(found, Tensor) else type(found)
            raise ValueError(
                f"The loss {self.name} returned {got}; it must return one number for a batch: "
                "take a mean over its completions and tokens, with batch.mask."
            )
        if not found.requires_grad:
            raise ValueError(
                f"The loss {self.name} does not depend on batch.log_prob, so that it has no "
                "gradient; use it, and do not detach it."
            )
        return found.reshape(())


def _keywords(function: Callable[..., Tensor]) -> dict[str, Any]:
    """The parameters after the batch, with their defaults."""
    try:
        parameters = list(inspect.signature(function).parameters.values())[1:]
    except (TypeError, ValueError):
        return {}
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return {
        p.name: None if p.default is p.empty else p.default for p in parameters if p.kind in named
    }
