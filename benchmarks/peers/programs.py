"""Programs beside other libraries: `python -m benchmarks.peers.programs [PATTERN]`.

Three programs of several nodes: means, variances and speed of batches of replicates in float32, one
thread, all in turn within each round. Storchastic gets an independent plate, Pyro a vectorised
plate with TraceGraph_ELBO, or TraceEnum_ELBO where a node is summed over, GenJAX a compiled `vmap`
of one estimate by ADEV. Needs whichever of storchastic, pyro-ppl and genjax are to be compared;
docs/peers.md says how the last is put beside this suite's NumPy.
"""

import sys
import warnings

import numpy as np
import torch

from benchmarks.machine.timing import one_thread
from benchmarks.objective.definition import unvalidated
from benchmarks.peers import program_forms as forms
from benchmarks.peers.interleaved_timing import in_turn, ratio, with_ends
from benchmarks.peers.small_programs import EXAMPLES, Example

BLOCKS = 16
PEERS = {
    "ours": forms.ours,
    "storchastic": forms.storchastic,
    "Pyro": forms.pyro,
    "GenJAX": forms.genjax,
}


def main(pattern: str = "") -> None:
    """Print a table of the examples whose name holds `pattern`, as Markdown."""
    print("| program | library | estimates / s | time over ours | variance | mean gradient |")
    print("|---|---|---|---|---|---|")
    chosen = [(e, e.gradient) for e in EXAMPLES if pattern in e.name]  # before torch is patched
    with one_thread(), unvalidated():
        for e, exact in chosen:
            means = ", ".join(f"{value:.3f}" for value in exact)
            print(f"| {e.name} | exact | – | – | – | {means} |")
            _print(e)


def _print(e: Example) -> None:
    runs = {}
    for name, peer in PEERS.items():
        try:
            runs[name] = peer(e)
            runs[name]()
        except Exception as failure:  # not installed, or cannot do this
            runs.pop(name, None)
            print(f"{e.name}: {name}: {type(failure).__name__}: {failure}"[:200], file=sys.stderr)
    g = {name: torch.cat([run() for _ in range(BLOCKS)]).double() for name, run in runs.items()}
    seconds = in_turn({name: lambda run=run: len(run()) for name, run in runs.items()})
    for name in runs:
        over = "1" if name == "ours" else with_ends(ratio(seconds[name] - seconds["ours"]))
        mean, error = g[name].mean(0), g[name].std(0) / len(g[name]) ** 0.5
        means = ", ".join(f"{m:.3f} ± {s:.3f}" for m, s in zip(mean, error, strict=True))
        rate = np.exp(-np.median(seconds[name]))
        variance = g[name].var(0).sum()
        print(
            f"| {e.name} | {name} | {rate:,.0f} | {over} | {variance:.3g} | {means} |", flush=True
        )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    main(*sys.argv[1:2])
