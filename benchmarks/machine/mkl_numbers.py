"""Random numbers of Intel's MKL by its C interface: several times as many a second as torch's.

https://www.intel.com/content/www/us/en/docs/onemkl/developer-reference-c, "Random Number
Generators". Each call fills one tensor from a stream of its own. Single precision is drawn as such.
"""

import ctypes
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from importlib.metadata import PackageNotFoundError, files, version

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from benchmarks.machine import inversion

ARS5, SFMT19937 = 15 << 20, 13 << 20  # quick to start · quicker where many numbers make one
INVERSION = 2  # of normals
LP64, SEQUENTIAL = 0, 1
BELOW_ONE = 1 - 2**-24  # the largest number in single precision
MISSING = (
    "The generator 'mkl' needs Intel's MKL, which is not installed: pip install 'gradmeter[fast]' "
    "on an x86-64 processor, or leave the generator out."
)


@cache
def library() -> ctypes.CDLL:
    """MKL, if it is installed as a package. ValueError with the way out where it is not."""
    for file in _files():
        with suppress(OSError):
            found = ctypes.CDLL(str(file.locate()))
            found.MKL_Set_Interface_Layer(LP64)
            found.MKL_Set_Threading_Layer(SEQUENTIAL)
            return found
    raise ValueError(MISSING)


def installed() -> str | None:
    """The version of MKL, or None where it cannot be used."""
    try:
        library()
    except ValueError:
        return None
    return version("mkl")


def _files() -> list:
    try:
        listed = files("mkl") or []
    except PackageNotFoundError:
        return []
    return [file for file in listed if "mkl_rt" in file.name and file.suffix != ".lib"]


class Stream:
    """The stream of a key, two numbers of 64 bits; a context manager."""

    def __init__(self, key: Tensor, kind: int = ARS5):
        words = (ctypes.c_uint32 * 4)(*key.view(torch.int32).tolist())
        self._place = ctypes.c_void_p()
        _check(library().vslNewStreamEx(ctypes.byref(self._place), kind, 4, words))

    def __enter__(self) -> "Stream":
        return self

    def __exit__(self, *_) -> None:
        library().vslDeleteStream(ctypes.byref(self._place))

    def fill(self, name: str, out: Tensor, *parameters, method: int = 0) -> Tensor:
        """Fill `out`, a contiguous tensor, by the function of that name, with its parameters."""
        call: Callable[..., int] = getattr(library(), name)
        where = ctypes.c_void_p(out.data_ptr())
        _check(call(method, self._place, ctypes.c_int(out.numel()), where, *parameters))
        return out


def normals(key: Tensor, out: Tensor) -> Tensor:
    """Standard normal numbers, by inversion: of 2³² different values, the largest 6.2."""
    with Stream(key) as stream:
        name, real = _named("RngGaussian", out)
        return stream.fill(name, out, real(0), real(1), method=INVERSION)


def uniforms(key: Tensor, out: Tensor) -> Tensor:
    """Uniform numbers in [0, 1), of 2⁵² different values in double precision."""
    with Stream(key) as stream:
        if out.dtype is torch.float32:
            stream.fill("vsRngUniform", out, ctypes.c_float(0), ctypes.c_float(1))
            return out.clamp_(max=BELOW_ONE)  # it rounds to 1 now and then
        bits = stream.fill("viRngUniformBits64", out.view(torch.int64))
        mantissa = bits.bitwise_right_shift_(12).bitwise_and_((1 << 52) - 1)
        return torch.sub(mantissa.bitwise_or_(1023 << 52).view(torch.float64), 1.0, out=out)


def gammas(key: Tensor, concentration: Tensor, out: Tensor) -> Tensor:
    """Gammas of rate 1, `out` [P, n] a row for each concentration [P]."""
    with Stream(key, SFMT19937) as stream:
        name, real = _named("RngGamma", out)
        for row, value in zip(out, concentration.tolist(), strict=True):
            stream.fill(name, row, real(value), real(0), real(1))
        return out


def poissons(key: Tensor, rate: Tensor, out: Tensor) -> Tensor:
    """Poisson numbers as int32, `out` [P, n] a row for each rate [P].

    By inversion, few of a rate by PTPE: the probabilities of the quicker method, POISNORM, are off
    by up to 0.6 % at a rate of 5, as 4 · 10⁷ numbers show.
    """
    if inversion.pays(rate, out):
        for row, bits, value in zip(out.numpy(), _bits(key, out), rate.tolist(), strict=True):
            inversion.poissons(bits, value, row)
        return out
    with Stream(key, SFMT19937) as stream:
        for row, value in zip(out, rate.tolist(), strict=True):
            stream.fill("viRngPoisson", row, ctypes.c_double(value))
        return out


def binomials(key: Tensor, probs: Tensor, trials: Tensor, out: Tensor) -> Tensor:
    """Binomial numbers as int32, `out` [P, n] a row for each probability and its trials, [P]."""
    each = list(zip(probs.tolist(), map(int, trials.tolist()), strict=True))
    if inversion.pays(trials, out):
        for row, bits, (p, n) in zip(out.numpy(), _bits(key, out), each, strict=True):
            inversion.binomials(bits, n, p, row)
        return out
    with Stream(key, SFMT19937) as stream:
        for row, (p, n) in zip(out, each, strict=True):
            stream.fill("viRngBinomial", row, ctypes.c_int(n), ctypes.c_double(p))
        return out


def _bits(key: Tensor, like: Tensor) -> NDArray:
    """64 random bits for each place of `like`; the first 52 are a number of `uniforms`."""
    with Stream(key) as stream:
        bits = stream.fill("viRngUniformBits64", like.new_empty(like.shape, dtype=torch.int64))
        return bits.numpy().view(np.uint64)


def _named(function: str, out: Tensor) -> tuple[str, type]:
    """The function for the precision of `out`, and the type of its parameters."""
    if out.dtype is torch.float64:
        return f"vd{function}", ctypes.c_double
    return f"vs{function}", ctypes.c_float


def _check(status: int) -> None:
    if status != 0:
        raise RuntimeError(f"MKL could not draw random numbers: status {status} of its library.")
