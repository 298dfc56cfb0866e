"""What a post-training loss really estimates: its expected gradient beside the exact one."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Literal

import pandas
import torch
from torch import Tensor

from benchmarks.sequences.gradients import Gathered
from benchmarks.sequences.losses import Loss
from benchmarks.sequences.meaning import meaning
from benchmarks.sequences.measured import changed, measured, planned
from benchmarks.sequences.moments import TERMS, Setting, Term
from benchmarks.sequences.policy import Policy
from benchmarks.sequences.record import append
from benchmarks.sequences.soundness import check
from benchmarks.sequences.sources import loss_from

REPLICATES = 2**14


def audit(
    loss: str | Loss | Callable[..., Any],
    policy: Policy,
    group: int = 4,
    terms: str | Iterable[str] | None = None,
    exact: bool | Literal["auto"] = "auto",
    replicates: int = REPLICATES,
    seed: int = 0,
    micro_batches: int | Iterable[int] = 1,
    padding: int | Iterable[int] = 0,
    store: str | Path | None = None,
    **settings: Any,
) -> pandas.DataFrame:
    """The expected gradient of a loss, term by term, beside the exact gradient.

    The gradient is that in the policy's logits; where they come out of a module, in its weights.
    A batch is a group of `group` completions of each prompt, drawn by the policy's sampler.

    - `loss`: a name of ours, "trl:grpo", "verl:opo", "openrlhf:rloo", "FILE.py:NAME", or a
      function of a `Batch` that returns a scalar to be minimised.
    - `policy`: with its reward, reference and sampler.
    - `group`: G, completions of a group.
    - `terms`: of policy | kl | entropy | total; all that the loss has if None.
    - `exact`: enumerate all batches; "auto": where there are few enough, else sample.
    - `replicates`: R, batches to sample, at least 128.
    - `seed`: of the samples, which are the same for every loss.
    - `micro_batches`: into how many a step is split; `padding`: masked positions added. A row for
      each of them, and `change` says how far the expected gradient moved.
    - `store`: a folder; the audit is appended to the records there.
    - `settings`: fields of the loss, as beta=0.04.

    Returns:
        One row a term: loss config policy term group micro_batches padding method replicates
        scale direction_bias cosine variance variance_scaled, with _low and _high ends of 95 %
        intervals, verdict, change, meaning and note. `scale` is ⟨E ĝ, g⟩/‖g‖²; `direction_bias` is
        the sine of the angle between them; `cosine` the mean over batches; `variance` tr Cov ĝ of
        one batch, and `variance_scaled` that over scale².
    Raises ValueError, with one sentence, for a loss that does not fit.
    """
    if not isinstance(policy, Policy):
        raise ValueError(f"{policy!r} is no policy; make one with benchmarks.sequences.Policy.")
    if exact not in (True, False, "auto"):
        raise ValueError(f'exact is {exact!r}; it is True, False or "auto".')
    _whole("group", [group], 1)
    _whole("replicates", [replicates], 1)
    micro_batches = _whole("micro_batches", micro_batches, 1)
    padding = _whole("padding", padding, 0)
    terms = [terms] if isinstance(terms, str) else terms
    found = loss_from(loss, settings)
    gathered = Gathered(policy)
    wanted = _terms(found, policy, terms)
    check(found, gathered, group)
    rows = []
    for micro in micro_batches:
        for pad in padding:
            setting = Setting(group, micro, pad)
            plan = planned(found, gathered, setting, exact, replicates, seed)
            rows += changed(measured(found, gathered, wanted, plan), rows)
    for row in rows:
        row["meaning"] = meaning(row, policy)
    if store is not None:
        append(rows, store)
    return pandas.DataFrame(rows).drop(columns=["mean", "rows", "truth"])


def _whole(name: str, given: int | Iterable[int], least: int) -> list[int]:
    """One whole number or several, each at least `least`; ValueError otherwise."""
    numbers = list(given) if isinstance(given, Iterable) else [given]
    for number in numbers:
        if not isinstance(number, int) or number < least:
            raise ValueError(f"{name} is {number!r}; it must be a whole number from {least} on.")
    return numbers


def _terms(loss: Loss, policy: Policy, asked: Iterable[str] | None) -> dict[str, Term]:
    """The terms that were asked for, or those that the loss has, with their truths."""
    beta, bonus = (loss.coefficients[name] for name in ("kl", "entropy"))
    if beta and policy.reference is None:
        raise ValueError(
            f"A KL coefficient of {beta} needs a reference to be close to; give the policy a "
            "`reference`, or set the coefficient to 0."
        )
    truth = {"policy": _flat(policy.gradient("reward"))}
    plain = loss.without("kl", "entropy")
    made = {"policy": (plain, None, 1.0)}
    total = truth["policy"].clone()
    if beta:
        truth["kl"] = _flat(policy.gradient("kl"))
        made["kl"] = (loss.without("entropy"), plain, -1 / beta)
        total -= beta * truth["kl"]
    if bonus:
        truth["entropy"] = _flat(policy.gradient("entropy"))
        made["entropy"] = (loss.without("kl"), plain, 1 / bonus)
        total += bonus * truth["entropy"]
    truth["total"] = total
    made["total"] = (plain if not (beta or bonus) else loss, None, 1.0)
    names = [name for name in TERMS if name in made] if asked is None else list(asked)
    for name in names:
        if name not in made:
            raise ValueError(
                f"The loss {loss.name} has no term {name!r} with these settings; it has: "
                f"{', '.join(made)}. Set its coefficient, as in beta=0.04."
            )
    return {name: Term(*made[name], truth[name]) for name in names}


def _flat(gradient: Tensor | dict[str, Tensor]) -> Tensor:
    """A gradient of logits, or of weights one after the other: [P]."""
    parts = gradient.values() if isinstance(gradient, dict) else [gradient]
    return torch.cat([part.flatten() for part in parts])
