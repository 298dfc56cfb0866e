"""Speed against what users would pick instead: `python -m benchmarks.peers.speed [WORKLOAD]`.

Every peer that is installed makes the same estimates in float32, one thread, in turn with the
suite's own loop within each round; the table gives the ratio of CPU times with its 95 % interval.
Needs whichever of jax, storchastic and pyro-ppl are to be compared.
"""

import sys
import warnings

import numpy as np
import torch

from benchmarks.machine.allocator import keep_freed_memory
from benchmarks.machine.timing import one_thread
from benchmarks.objective.definition import unvalidated
from benchmarks.peers import torch_forms
from benchmarks.peers.interleaved_timing import in_turn, ratio, with_ends
from benchmarks.peers.jax_form import jax_jit_vmap
from benchmarks.peers.workloads import Workload, workloads

PEERS = {
    "ours, compiled": torch_forms.ours_compiled,
    "ours, four shared": torch_forms.ours_shared,
    "ours in float64": torch_forms.ours_in_float64,
    "torch loop": torch_forms.loop,
    "vmap(grad)": torch_forms.vmapped,
    "storchastic": torch_forms.storchastic,
    "storchastic, batched": torch_forms.storchastic_batched,
    "Pyro": torch_forms.pyro,
    "Pyro, batched": torch_forms.pyro_batched,
    "JAX jit(vmap(grad))": jax_jit_vmap,
    "noise only": torch_forms.noise,
}


def compared(w: Workload) -> tuple[float, dict[str, tuple[float, float, float]]]:
    """Our estimates per second, and the ratio (median, low, high) of ours to each peer's."""
    runs = {"ours": torch_forms.ours(w)}
    for name, peer in PEERS.items():
        try:
            run = peer(w)
            if run is not None:
                run()
                runs[name] = run
        except Exception as failure:  # not installed, or cannot do this
            print(f"{w.name}: {name}: {type(failure).__name__}: {failure}"[:200], file=sys.stderr)
    log_seconds = in_turn(runs)
    ours = log_seconds.pop("ours")
    return float(np.exp(-np.median(ours))), {
        name: ratio(theirs - ours) for name, theirs in log_seconds.items()
    }


def main(pattern: str = "") -> None:
    """Print the table of all workloads whose name holds `pattern`, as Markdown."""
    keep_freed_memory()  # as `gradmeter run` does; it serves every peer
    print("| workload | estimates / s | " + " | ".join(PEERS) + " |")
    print("|---|---|" + "---|" * len(PEERS))
    with one_thread(), unvalidated():
        for w in workloads():
            if pattern in w.name:
                rate, ratios = compared(w)
                cells = (with_ends(ratios.get(name)) for name in PEERS)
                print(f"| {w.name} | {rate:,.0f} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    main(*sys.argv[1:2])
