"""Twins of distributions that bring only some pieces, or keep λ where no walk finds it."""

import functools
import inspect
import types

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities.derived_methods import Completed
from estimators.capabilities.leaf_tensors import RECIPE, Recipe, is_brought, recipe_of
from estimators.capabilities.own_laws import OWN_LAW, OwnLaw, own_law, owner

PIECES = ("sample", "rsample", "log_prob", "cdf", "icdf")
OF_THE_LAW = ("sample", "rsample", "cdf", "icdf", "mean", "variance", "stddev", "mode", "entropy")
GIVEN = "_given"  # the attribute that names what a distribution kept when it was made


def complete(
    dist: Distribution, recipe: Recipe | None = None, law: OwnLaw | str | None = "found"
) -> Distribution:
    """`dist`, or a twin of it to which what follows from its own pieces was added.

    Also takes objects of a plain class that has some of the `PIECES`; without a `batch_shape` of
    its own, that is what its tensors broadcast to. Distributions inside others are completed too.

    - `dist`: what a user's family returned.
    - `recipe`: how it is made anew at other parameters; None: by replacing the tensors in it.
    - `law`: of its class, if it is known; "found": it is tried beside the class's parent.
    """
    own = type(dist)
    if not isinstance(dist, Distribution) and not any(hasattr(own, name) for name in PIECES):
        return dist
    inner = {k: complete(v) for k, v in vars(dist).items() if isinstance(v, Distribution)}
    if isinstance(dist, Completed) or not is_brought(own):
        if recipe is None and all(vars(dist)[name] is part for name, part in inner.items()):
            return dist
        cls = own
    else:
        cls = _completed(own, own_law(dist) if law == "found" else law)
    whole = object.__new__(cls if recipe is None else _remade(cls))
    vars(whole).update(vars(dist) | inner)
    if isinstance(dist, Distribution):
        batch, event = dist._batch_shape, dist._event_shape
    else:
        own_shapes = [t.shape for t in vars(dist).values() if isinstance(t, Tensor)]
        batch = vars(whole).pop("batch_shape", torch.broadcast_shapes(*own_shapes))
        event = vars(whole).pop("event_shape", getattr(own, "event_shape", ()))
    whole._batch_shape, whole._event_shape = torch.Size(batch), torch.Size(event)
    if isinstance(whole, Completed):
        vars(whole).setdefault(GIVEN, frozenset(vars(dist)))
    if recipe is not None:
        vars(whole)[RECIPE] = recipe
    return whole


@functools.cache
def _completed(cls: type, law: OwnLaw | None) -> type:
    """A class like `cls` with `Completed` behind it; what is None in `cls` counts as deleted.

    With a `law` of its own, what `cls` inherits of its parent's law counts as deleted too.
    """
    gone = {name for name in PIECES if getattr(cls, name, cls) is None}
    inherited = _inherited(cls, law) if law else set()
    bare = {name: inspect.getattr_static(Completed, name) for name in gone | inherited}
    body = {OWN_LAW: law, "_stranger": Completed, "__module__": cls.__module__} | bare
    if "rsample" in gone:
        body["has_rsample"] = False
    elif "rsample" in inherited:
        body["has_rsample"] = inspect.getattr_static(Completed, "has_rsample")
    for name in {"sample", "rsample"} - set(bare):
        if is_brought(owner(cls, name) or Distribution):
            body[name] = _sized(cls, name)
    body["expand"] = _expand_of(cls)
    return types.new_class(cls.__name__, (cls, Completed), {}, lambda space: space.update(body))


def _inherited(cls: type, law: OwnLaw) -> set[str]:
    """What belongs to the law of the parent of `cls`, and not to its own."""
    found = {name for name in OF_THE_LAW if not is_brought(owner(cls, name) or cls)}
    if not {"sample", "rsample", "cdf", "icdf"} & set(law.pieces):
        found -= {"sample", "rsample"}  # nothing else draws
    if "log_prob" in law.pieces or "sample" in law.pieces:
        return found
    return found - {"cdf", "icdf"} if "support" not in law.pieces else found


def _sized(cls: type, name: str):
    """The sampler `name` of `cls` as torch promises it: it gets a torch.Size, and `sample` gives
    no derivative.
    """
    brought = getattr(cls, name)

    @functools.wraps(brought)
    def sampler(self, sample_shape=(), *given, **named):
        size = torch.Size(sample_shape)
        if name == "rsample":
            return brought(self, size, *given, **named)
        with torch.no_grad():
            return brought(self, size, *given, **named).detach()

    return sampler


def _expand_of(cls: type):
    """`expand` as `cls` brings it, if it gives the same kind; else from the tensors held."""

    def expand(self, batch_shape, _instance=None):
        brought = getattr(cls, "expand", Distribution.expand)
        try:
            if brought in (Distribution.expand, Completed.expand):
                raise NotImplementedError
            twin = brought(self, torch.Size(batch_shape))
        except NotImplementedError:
            return Completed.expand(self, batch_shape)
        if isinstance(twin, Completed) or type(twin) is not cls:
            return twin
        return complete(twin, law=getattr(type(self), OWN_LAW))

    return expand


@functools.cache
def _remade(cls: type) -> type:
    """A class like `cls` whose `expand` asks the family that made the distribution."""

    def expand(self, batch_shape, _instance=None):
        recipe, own = recipe_of(self), self.batch_shape
        batch_shape = torch.Size(batch_shape)
        lead = batch_shape[: len(batch_shape) - len(own)]
        if recipe is None or lead + own != batch_shape:
            return cls.expand(self, batch_shape)
        return recipe.anew({k: v.expand(lead + v.shape) for k, v in recipe.parameters.items()})

    body = {"expand": expand, "__module__": cls.__module__}
    return types.new_class(cls.__name__, (cls,), {}, lambda space: space.update(body))
