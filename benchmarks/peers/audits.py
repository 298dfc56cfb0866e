"""Audits of many groups: ours at once, and a loop that calls the trainer's own loss once a group.

`python -m benchmarks.peers.audits` prints the CPU time of a group of eight completions of 16 tokens
from a table policy, and that of a whole audit of 10⁵ of them; trl 1.16 or later beside it where it
is installed.
"""

import importlib.util
import time

import numpy as np
import torch

from benchmarks.peers.interleaved_timing import Run, in_turn, ratio, with_ends
from benchmarks.sequences import Policy, audit, losses
from benchmarks.sequences.gradients import Gathered
from benchmarks.sequences.groups import sampled
from benchmarks.sequences.losses import Loss
from benchmarks.sequences.sources import loss_from

LENGTH, GROUP, GROUPS, BLOCK, FEW = 16, 8, 100_000, 512, 8
TRL = {"loss_type": "grpo", "vllm_importance_sampling_correction": False}


def table_policy() -> Policy:
    """Three tokens, of which the end is rare: 65,535 prefixes, completions of up to 16."""
    draw = torch.Generator().manual_seed(0)
    logits = torch.randn(2**LENGTH - 1, 3, generator=draw, dtype=torch.float64)
    logits[:, 2] -= 4
    return Policy(logits, 2, LENGTH, lambda tokens: float(sum(tokens) % 3))


def gradients(loss: Loss, gathered: Gathered, groups: int) -> Run:
    """The derivatives of some groups, as an audit takes them; a trainer's by one call a group."""
    index = next(iter(sampled(gathered.policy, GROUP, 64 * groups, 0))).index[:groups]

    def run():
        gathered.derivatives(loss, index, GROUP)
        return groups

    return run


def main() -> None:
    """Our loss, the trainer's, their ratio, and an audit."""
    gathered = Gathered(table_policy())
    runs = {"ours": gradients(losses.create("grpo"), gathered, BLOCK)}
    if importlib.util.find_spec("trl"):
        runs["trl"] = gradients(loss_from("trl:grpo", TRL), gathered, FEW)
    found = in_turn(runs)
    for name, logs in found.items():
        print(f"{name}: {1e6 * np.exp(np.median(logs)):.3g} µs a group")
    if "trl" in found:
        print(f"trl's over ours: {with_ends(ratio(found['trl'] - found['ours']))}")
    start = time.process_time()
    audit("grpo", gathered.policy, GROUP, exact=False, replicates=GROUPS)
    print(f"an audit of {GROUPS:,} groups: {time.process_time() - start:.3g} s")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
