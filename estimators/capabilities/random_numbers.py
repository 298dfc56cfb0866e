"""Many random numbers on a CPU, from NumPy or a loop that was brought (`special.loops`).

Each is an operation of torch that a compiler leaves as it is. What asks for them gets numbers of
the same law as torch's, in a part of the time; Poisson numbers are torch's own.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy
import torch
from torch import Tensor

from estimators.special.loops import brought
from estimators.special.poisson import log_poisson_looked_up
from estimators.special.values import distinct

MANY = 2**14  # numbers from which a generator of their own pays
OPS = torch.ops.estimators
_from_torch = ContextVar("random numbers that torch is asked for alone", default=False)


@contextmanager
def torch_numbers() -> Iterator[None]:
    """Ask torch for all random numbers inside, so that whoever answers for it can give others."""
    before = _from_torch.set(True)
    try:
        yield
    finally:
        _from_torch.reset(before)


def many(shape: torch.Size, like: Tensor) -> bool:
    """Whether a generator of NumPy's pays for numbers of this shape on the device of `like`."""
    return like.device.type == "cpu" and shape.numel() >= MANY and not _from_torch.get()


def standard_normal(shape: torch.Size, like: Tensor) -> Tensor:
    """Normals in the type of `like`; many in float64 come from NumPy, in 0.4 of the time."""
    if like.dtype is not torch.float64 or not many(shape, like):
        return torch.randn(shape, dtype=like.dtype, device=like.device)
    return OPS.normals(_key(), shape)


def gammas(concentration: Tensor) -> Tensor:
    """Gammas of rate 1, one for each concentration."""
    return OPS.gammas(_key(), concentration)


def betas(concentration1: Tensor, concentration0: Tensor) -> Tensor:
    """Beta numbers, one for each pair; never 0 nor 1, as torch's."""
    x = OPS.betas(_key(), concentration1, concentration0)
    limits = torch.finfo(x.dtype)
    return x.clamp_(limits.tiny, 1 - limits.eps / 2)


def von_mises(concentration: Tensor) -> Tensor:
    """Angles about 0 in (−π, π), in float64, one for each concentration."""
    return OPS.von_mises(_key(), concentration)


def poissons(rate: Tensor) -> Tensor:
    """Poisson numbers, one for each rate."""
    if brought("poissons") and many(rate.shape, rate):
        return OPS.poissons(rate)
    return torch.poisson(rate)


def _key() -> Tensor:
    """The seed of a generator of NumPy's, drawn from torch's."""
    return torch.randint(2**63 - 1, (4,))


def _source(key: Tensor) -> numpy.random.SFC64:
    return numpy.random.SFC64(key.tolist())


def _generator(key: Tensor) -> numpy.random.Generator:
    return numpy.random.Generator(_source(key))


def _normals(key: Tensor, shape: list[int]) -> Tensor:
    drawn = key.new_empty(shape, dtype=torch.float64)
    fill = brought("normals")
    if fill:
        fill(_source(key), drawn.numpy())
    else:
        _generator(key).standard_normal(out=drawn.numpy())
    return drawn


def _gammas(key: Tensor, concentration: Tensor) -> Tensor:
    few = distinct(concentration).double().numpy()  # which are checked in a moment
    drawn = _generator(key).standard_gamma(few, size=concentration.shape)
    return torch.from_numpy(drawn).to(concentration.dtype)


def _betas(key: Tensor, concentration1: Tensor, concentration0: Tensor) -> Tensor:
    few = (distinct(part).double().numpy() for part in (concentration1, concentration0))
    drawn = _generator(key).beta(*few, size=concentration1.shape)
    return torch.from_numpy(drawn).to(concentration1.dtype)


def _von_mises(key: Tensor, concentration: Tensor) -> Tensor:
    few = distinct(concentration).double().numpy()
    return torch.from_numpy(_generator(key).vonmises(0.0, few, size=concentration.shape))


def _poissons(rate: Tensor) -> Tensor:
    return (brought("poissons") or torch.poisson)(rate)


def _define(name: str, arguments: str, draw: Callable, empty: Callable, random=True) -> None:
    """An operation that is `draw` on a CPU, and whose result is a tensor like `empty`'s."""
    tags = [torch.Tag.pt2_compliant_tag] + [torch.Tag.nondeterministic_seeded] * random
    _LIBRARY.define(f"{name}({arguments}) -> Tensor", tags=tags)
    _LIBRARY.impl(name, draw, "CPU")
    _LIBRARY.impl(name, empty, "Meta")


def _like_last(*given: Tensor) -> Tensor:
    return given[-1].new_empty(given[-1].shape)


def _in_double(key: Tensor, shape: list[int] | Tensor) -> Tensor:
    shape = shape.shape if isinstance(shape, Tensor) else shape
    return key.new_empty(shape, dtype=torch.float64)


_LIBRARY = torch.library.Library("estimators", "DEF")
_define("normals", "Tensor key, SymInt[] shape", _normals, _in_double)
_define("gammas", "Tensor key, Tensor concentration", _gammas, _like_last)
_define("betas", "Tensor key, Tensor concentration1, Tensor concentration0", _betas, _like_last)
_define("von_mises", "Tensor key, Tensor concentration", _von_mises, _in_double)
_define("poissons", "Tensor rate", _poissons, _like_last)
_define(
    "poisson_log_prob", "Tensor x, Tensor rate, bool whole", log_poisson_looked_up,
    lambda x, rate, whole: x + rate, random=False,
)  # fmt: skip
