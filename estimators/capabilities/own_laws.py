"""Which of its parent's pieces a class has replaced, and whether by something else."""

import functools
import inspect
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities.leaf_tensors import is_brought

LAW = ("sample", "rsample", "log_prob", "cdf", "icdf", "support", "enumerate_support")
DRAWS = 7
SEED = 20
BARE = (object, Distribution)
OWN_LAW = "_own_law"  # what was found out about a class by trying it


class OwnLaw(NamedTuple):
    """A class whose samples or density are not those of the class that it inherits from."""

    parent: type[Distribution]
    pieces: tuple[str, ...]

    def sentence(self, dist: Distribution) -> str:
        """Why what is known of the parent is not taken over."""
        pieces = " and ".join(f"`{piece}`" for piece in self.pieces)
        return (
            f"{type(dist).__name__} has another {pieces} than {self.parent.__name__}, so that what "
            "is known of that does not hold for it."
        )


def overridden(dist: Distribution) -> OwnLaw | None:
    """The law of its own that the class of `dist` has, or None if it is its parent's."""
    cls = type(dist)
    return getattr(cls, OWN_LAW) if hasattr(cls, OWN_LAW) else _overridden(cls)


@functools.cache
def _overridden(cls: type) -> OwnLaw | None:
    """By the methods that a class from outside replaces."""
    if not is_brought(cls):
        return None
    parent = next((c for c in cls.__mro__ if not is_brought(c)), Distribution)
    if not issubclass(parent, Distribution) or all(owner(parent, n) in (None, *BARE) for n in LAW):
        return None  # a parent without a law
    brought = (name for name in LAW if is_brought(owner(cls, name) or Distribution))
    pieces = tuple(name for name in brought if getattr(cls, name) is not None)  # else deleted
    return OwnLaw(parent, pieces) if pieces else None


def owner(cls: type, name: str) -> type | None:
    """The class in the order of resolution of `cls` that brings `name`."""
    return next((c for c in cls.__mro__ if name in vars(c)), None)


def own_law(dist: Distribution) -> OwnLaw | None:
    """The same, where each replaced piece is tried beside the parent's, at these parameters.

    A piece that gives the same numbers, from the same random stream, is the parent's.
    """
    law = _overridden(type(dist))
    if law is None:
        return None
    pieces = tuple(piece for piece in law.pieces if not _same(dist, law.parent, piece))
    return OwnLaw(law.parent, pieces) if pieces else None


def _same(dist: Distribution, parent: type[Distribution], piece: str) -> bool:
    try:
        own, theirs = (_tried(dist, cls, piece) for cls in (type(dist), parent))
    except Exception:  # what one of them cannot do, the other does differently
        return False
    if isinstance(own, Tensor):
        alike = own.shape == theirs.shape and own.dtype == theirs.dtype
        return alike and torch.allclose(own, theirs, rtol=1e-5, atol=1e-7, equal_nan=True)
    return own == theirs


@torch.no_grad()
def _tried(dist: Distribution, cls: type, piece: str):
    """What `piece` of `cls` says of `dist`."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        found = inspect.getattr_static(cls, piece)
        if piece == "support":
            return _described(found.__get__(dist, cls) if hasattr(found, "__get__") else found)
        method = functools.partial(getattr(cls, piece), dist)
        if piece in ("sample", "rsample"):
            return method(torch.Size((DRAWS,)))
        if piece == "enumerate_support":
            return method()
        x = dist.sample(torch.Size((DRAWS,)))
        return method(torch.rand_like(x) if piece == "icdf" else x)


def _described(support) -> tuple:
    """A support, so that it can be compared."""
    ends = (getattr(support, name, None) for name in ("lower_bound", "upper_bound"))
    ends = tuple(e.tolist() if isinstance(e, Tensor) else e for e in ends)
    kind = type(getattr(support, "base_constraint", support)).__name__
    return support.is_discrete, support.event_dim, kind, ends
