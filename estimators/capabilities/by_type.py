"""Capabilities, looked up by the type of a distribution, if it still is what that type says."""

import functools
from collections.abc import Callable

from torch.distributions import Distribution

from estimators.capabilities.own_laws import overridden
from estimators.capabilities.refusal import Unsupported


def by_type(function: Callable) -> Callable:
    """`functools.singledispatch` that takes no subclass with a law of its own for its parent.

    - `function`: what is done for distributions nothing is known about; its first argument is the
      distribution.

    A class that brings another `sample`, `log_prob`, `cdf` or `support` than the class it inherits
    from is dispatched as a stranger, and what it is then refused says so.
    """
    known = functools.singledispatch(function)

    @functools.wraps(function)
    def ability(dist, *given, **named):
        law = overridden(dist) if isinstance(dist, Distribution) else None
        if law is None:
            return known.dispatch(type(dist))(dist, *given, **named)
        stranger = getattr(type(dist), "_stranger", Distribution)
        try:
            return known.dispatch(stranger)(dist, *given, **named)
        except Unsupported as refusal:
            raise Unsupported(f"{refusal} ({law.sentence(dist)})") from None

    for name in ("register", "dispatch", "registry"):
        setattr(ability, name, getattr(known, name))
    return ability
