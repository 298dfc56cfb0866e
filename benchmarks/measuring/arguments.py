"""What users pass to `measure` and `compare`: plain values in, what is measured with out."""

import math
from collections.abc import Iterable, Sequence
from numbers import Integral, Real

import torch

import estimators as registry
from estimators import Estimator

DTYPES = (torch.float64, torch.float32, torch.float16, torch.bfloat16)


def estimator_of(given: Estimator | str) -> Estimator:
    """The estimator itself, or the one of that name. TypeError for anything else."""
    if isinstance(given, str):
        return registry.create(given)
    if not isinstance(given, Estimator):
        kind = given.__name__ if isinstance(given, type) else type(given).__name__
        raise TypeError(
            f"{kind} is no estimator; give a name such as 'pathwise' or an instance, such as "
            "estimators.create('pathwise')."
        )
    return given


def estimators_of(given: Iterable[Estimator | str] | Estimator | str | None) -> list[Estimator]:
    """One estimator or several, by name or as they are; None stands for every registered one."""
    if given is None:
        given = registry.names()
    each = (given,) if isinstance(given, str | Estimator) else given
    return [estimator_of(one) for one in each]


def samples_of(given: int | Sequence[int]) -> tuple[int, ...]:
    """One K or several, each a whole number of at least 1. ValueError for anything else."""
    each = tuple(given) if isinstance(given, Iterable) and not isinstance(given, str) else (given,)
    for samples in each:
        if isinstance(samples, bool) or not isinstance(samples, Integral):
            raise ValueError(f"samples={samples!r}: K is a whole number of draws, such as 4.")
        if samples < 1:
            raise ValueError(f"samples={samples}: an estimate needs at least one sample, K ≥ 1.")
    return tuple(map(int, each))


def replicates_of(given: int) -> int:
    """R, a whole number. ValueError for anything else; `Plan` says how many there must be."""
    if isinstance(given, bool) or not isinstance(given, Integral):
        raise ValueError(f"replicates={given!r}: R is a whole number of estimates, such as 10_000.")
    return int(given)


def seconds_of(given: float, precision: float | None) -> float:
    """The seconds of a race, a number above zero. ValueError for anything else."""
    whole = isinstance(given, Real) and not isinstance(given, bool)
    if not (whole and 0 < given < math.inf):
        raise ValueError(
            f"seconds={given!r}: a race takes a number of seconds above 0, such as 60."
        )
    if precision is not None:
        raise ValueError(
            "A race stops by its own rule; give either seconds or a precision, not both."
        )
    return float(given)


def device_of(given: str | torch.device) -> torch.device:
    """The device, if this machine has it. ValueError if not."""
    try:
        device = torch.device(given)
    except (RuntimeError, TypeError):
        raise ValueError(f"device={given!r} is none; use 'cpu', 'cuda' or 'cuda:1'.") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ValueError(
            f"There is no device {given} here: torch sees {torch.cuda.device_count()} GPUs; use "
            "device='cpu', or ask `gradmeter doctor`."
        )
    return device


def dtype_of(given: torch.dtype | str) -> torch.dtype:
    """The floating dtype, also by its name. ValueError for anything else."""
    dtype = getattr(torch, given, None) if isinstance(given, str) else given
    if dtype not in DTYPES:
        known = ", ".join(str(d).removeprefix("torch.") for d in DTYPES)
        raise ValueError(f"dtype={given!r} cannot be measured in; use one of {known}.")
    return dtype
