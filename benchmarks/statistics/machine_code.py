"""Loops in machine code, compiled by numba, of the extra `fast`. ImportError without it."""

from collections.abc import Callable

from numba import config, njit

if config.DISABLE_JIT:
    raise ImportError("numba compiles nothing here (NUMBA_DISABLE_JIT).")


def compiled(**how) -> Callable[[Callable], Callable]:
    """As `njit` with its options `how`; kept for later processes wherever numba may write."""

    def of(loop: Callable) -> Callable:
        try:
            return njit(cache=True, **how)(loop)
        except RuntimeError:
            return njit(**how)(loop)

    return of
