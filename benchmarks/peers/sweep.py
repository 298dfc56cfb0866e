"""A sweep of small cells from nothing: `python -m benchmarks.peers.sweep`.

Twelve cells with 100,000 estimates each, in float32 on one thread. JAX compiles every one of them,
and that counts; ours and JAX's take turns, each in an order drawn anew.
"""

import time

import numpy as np
import torch

from benchmarks.machine.allocator import keep_freed_memory
from benchmarks.machine.timing import one_thread
from benchmarks.objective.definition import unvalidated
from benchmarks.peers import torch_forms
from benchmarks.peers.interleaved_timing import ratio, with_ends
from benchmarks.peers.jax_form import jax_jit_vmap
from benchmarks.peers.workloads import normals

SIZES = (5, 10, 20, 50)
ESTIMATES = 100_000
ROUNDS = 7


def main() -> None:
    """Print the CPU seconds of ours, and the ratio of JAX's to them with its interval."""
    import jax

    cells = [w for size in SIZES for w in normals(size)]
    seconds = {torch_forms.ours: [], jax_jit_vmap: []}
    order = np.random.default_rng(0)
    keep_freed_memory()
    with one_thread(), unvalidated():
        for _ in range(ROUNDS):
            for peer in order.permutation(list(seconds)):
                jax.clear_caches()
                start = time.process_time()
                for w in cells:
                    _estimates(peer(w))
                seconds[peer].append(time.process_time() - start)
    ours, theirs = map(np.log, seconds.values())
    each = f"{len(cells)} cells, {ESTIMATES:,} estimates each"
    spread = f"{np.exp(ours.min()):.3g} to {np.exp(ours.max()):.3g}"
    print(f"{each}: {np.exp(np.median(ours)):.3g} s ({spread})")
    print(f"JAX, compilation included, over ours: {with_ends(ratio(theirs - ours))}")


def _estimates(run) -> None:
    made = 0
    while made < ESTIMATES:
        made += run()


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
