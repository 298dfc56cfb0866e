"""Policies by name: a small table whose every number is exact, and a transformer that adds."""

from functools import partial

import torch

from benchmarks.problems import addition
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


def addition_policy(stage: str, lagging: bool = False) -> Policy:
    """The transformer of the problem `sequence-addition` at a stage of its training.

    The reward is 1 for the right sum, the reference the transformer before training. If `lagging`,
    completions are drawn by the stage before. ValueError for a stage that there is not.
    """
    stages = list(addition.TRAINING.steps)
    place = stages.index(stage)
    if lagging and place == 0:
        raise ValueError(f"Nothing was before {stage}, the first stage, to lag behind at.")
    models = {name: addition.Adder(addition.TRAINING.weights(name)) for name in stages}
    right = [tuple(row[: row.index(addition.EOS) + 1]) for row in addition.sums().tolist()]
    return Policy(
        models[stage],
        addition.EOS,
        addition.LENGTH,
        lambda tokens, prompt: float(tokens == right[prompt]),
        reference=models[stages[0]],
        sampler=models[stages[place - 1]] if lagging else None,
        name=_addition_name(stage, lagging),
        prompts=addition.prompts(),
    )


def _addition_name(stage: str, lagging: bool) -> str:
    """As the problem's, with the stage unless it is the last."""
    tail = "" if stage == addition.TRAINING.last else f"@{stage}"
    return f"sequence-addition{'-lagging' if lagging else ''}{tail}"


EXAMPLES = {
    "small": small_policy,
    "small-lagging": partial(small_policy, lagging=True),
    **{
        _addition_name(stage, lagging): partial(addition_policy, stage, lagging)
        for place, stage in enumerate(addition.TRAINING.steps)
        for lagging in ((False, True) if place else (False,))
    },
}
