"""Random streams owned by blocks of replicates: the same numbers whichever worker draws them.

torch's CPU generator keeps only 32 bits of a seed, so seeds of a large sweep would collide. A
counter-based generator with a 128-bit key fills the whole state of the Mersenne twister instead.
"""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module

import numpy as np
import torch

from benchmarks import c_loops
from benchmarks.machine.generators import drawing

WORDS = 624  # of the Mersenne twister, each in a 64-bit slot of torch's state
HEADER = 24  # bytes before them: seed, left, seeded, next
_PHILOX = np.random.Philox(0)  # whose state is set: a new one asks the system for a seed first
_UNUSED = np.random.Philox(key=0).state
_SEEDED = torch.Generator().manual_seed(0).get_state().numpy()


def stream_key(*parts: str | int) -> int:
    """The 128-bit key of the stream that belongs to `parts`."""
    digest = hashlib.sha256(json.dumps(parts).encode()).digest()
    return int.from_bytes(digest[:16], "little")


@contextmanager
def stream(
    key: int, device: torch.device | str = "cpu", generator: str | None = None
) -> Iterator[None]:
    """Draw from the stream of `key` inside the block; torch's own state is as before after it.

    Many numbers come from the `generator`, if one is named.
    """
    device = torch.device(device)
    before = torch.get_rng_state()
    torch.set_rng_state(_twister_state(key))
    cuda_before = torch.cuda.get_rng_state(device) if device.type == "cuda" else None
    if device.type == "cuda":  # Philox: all 64 bits count
        torch.cuda.default_generators[_index(device)].manual_seed(key & (2**63 - 1))
    try:
        with drawing(generator):
            yield
    finally:
        torch.set_rng_state(before)
        if cuda_before is not None:
            torch.cuda.set_rng_state(cuda_before, device)


@cache
def compile_draws() -> None:
    """Draw numbers, and add up scores of samples, with compiled loops from now on.

    Where a C compiler is: the same bits.
    """
    if c_loops.available():
        with torch.device("cpu"):  # whatever a user's code has made the default
            for loops in ("normals", "gammas", "poissons", "scores"):
                import_module(f"benchmarks.machine.compiled_{loops}").use()


def _index(device: torch.device) -> int:
    return torch.cuda.current_device() if device.index is None else device.index


def _twister_state(key: int) -> torch.Tensor:
    words = np.frombuffer(key.to_bytes(16, "little"), np.uint64)
    _PHILOX.state = _UNUSED | {"state": {"counter": _UNUSED["buffer"], "key": words}}
    state = _SEEDED.copy()
    slots = state[HEADER : HEADER + 8 * WORDS].view(np.uint64)
    slots[:] = _PHILOX.random_raw(WORDS // 2).view(np.uint32)
    return torch.from_numpy(state)
