"""Which capabilities a family has, each tried on its example; and families without one."""

import importlib
import inspect
import pkgutil
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators import capabilities, distributions
from estimators.capabilities import Unsupported, factor_log_prob, perturbed_logits, soften, uniforms
from estimators.families.examples import examples

DRAWS = 2


def registrable() -> dict[str, Callable]:
    """The capabilities that a family may register, by name."""
    return {name: f for name, f in vars(capabilities).items() if hasattr(f, "registry")}


def offered(dist: Distribution) -> list[str]:
    """The names of the capabilities that `dist` has, its own, derived or torch's: sorted."""
    with torch.random.fork_rng(devices=[]), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch warns of singular samples of Wishart
        return sorted(name for name, ability in registrable().items() if _works(ability, dist))


def _works(ability: Callable, dist: Distribution) -> bool:
    wanted = list(inspect.signature(ability).parameters)[1:]
    try:
        answer = ability(dist, *(ARGUMENTS[name](dist) for name in wanted))
    except (Unsupported, NotImplementedError, RuntimeError, ValueError):
        return False
    known = answer if isinstance(answer, tuple) else (answer,)
    return any(part is not None for part in known)


def _standard_gammas(alpha: Tensor) -> Tensor:
    return torch._standard_gamma(alpha.expand(DRAWS, *alpha.shape))


ARGUMENTS: dict[str, Callable[[Distribution], Any]] = {  # by their names in the signatures
    "shape": lambda dist: (DRAWS,),
    "x": lambda dist: dist.sample((DRAWS,)),
    "u": lambda dist: uniforms(dist, (DRAWS,)),
    "z": lambda dist: perturbed_logits(dist, (DRAWS,)),
    "p": lambda dist: soften(dist, perturbed_logits(dist, (DRAWS,))),
    "gamma": lambda dist: _standard_gammas,
    "gap": lambda dist: 1.0,
    "terms": lambda dist: factor_log_prob(dist, dist.sample((DRAWS,))),
}


def without_example() -> list[str]:
    """The families in no example: torch's for which something is registered, and all of ours."""
    registered = {cls for ability in registrable().values() for cls in ability.registry}
    known = {cls for cls in registered if cls.__module__.startswith("torch.distributions.")}
    known |= set(_distributions_of_ours())
    shown = {cls for make in examples().values() for part in _parts(make()) for cls in part.__mro__}
    return sorted(cls.__name__ for cls in known - shown)


def _distributions_of_ours() -> Iterator[type[Distribution]]:
    for found in pkgutil.iter_modules(distributions.__path__, f"{distributions.__name__}."):
        module = importlib.import_module(found.name)
        for cls in vars(module).values():
            public = isinstance(cls, type) and not cls.__name__.startswith("_")
            if public and issubclass(cls, Distribution) and cls.__module__ == module.__name__:
                yield cls


def _parts(dist: Distribution) -> Iterator[type[Distribution]]:
    """The types of `dist` and of the distributions in it."""
    yield type(dist)
    for inner in vars(dist).values():
        if isinstance(inner, Distribution):
            yield from _parts(inner)
