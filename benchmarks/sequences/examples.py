"""A small policy for tables, tests and first looks: 15 completions, everything about it exact."""

from functools import partial

import torch

from benchmarks.sequences.policy import Policy

SEED = 19


def small_policy(lagging: bool = False) -> Policy:
    """Three tokens, the last of which ends, at most three of them, with a reference.

    The reward wants the first token to be 1 and the completion to be long; both are worth it
    somewhere. If `lagging`, completions are drawn by a sampler that has other logits.
    """
    draw = torch.Generator().manual_seed(SEED)
    logits, away, behind = (
        spread * torch.randn(7, 3, generator=draw, dtype=torch.float64)
        for spread in (0.6, 0.5, 0.5)
    )
    return Policy(
        logits,
        eos=2,
        length=3,
        reward=lambda tokens: float(tokens[0] == 1) + 0.25 * len(tokens),
        reference=logits + away,
        sampler=logits + behind if lagging else None,
        name="small-lagging" if lagging else "small",
    )


EXAMPLES = {"small": small_policy, "small-lagging": partial(small_policy, lagging=True)}
