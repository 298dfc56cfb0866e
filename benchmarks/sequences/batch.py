"""What a loss sees: the completions of some groups, as tensors, as trainers hold them.

Axes: R batches (none for a loss that takes one batch) · B completions of a batch, those of one
group side by side · T tokens. A batch is what one optimiser step sees: a group for each prompt.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

PER_TOKEN = ("log_prob", "old", "reference", "sampler", "entropy", "mask", "tokens")
PER_COMPLETION = ("rewards", "greedy")


@dataclass(frozen=True)
class Batch:
    """Completions in groups. All log-probabilities are of the tokens that were drawn.

    [*R, B, T]: `log_prob`, `old`, `reference` (or None) and `sampler` under those laws, the
    `entropy` of the next token, `mask` and `tokens`. [*R, B]: `rewards`, and `greedy`, that of the
    prompt's greedy completion. [B]: the `group` and the `prompt` of each. `length` is the most
    tokens allowed; `step_tokens` [*R] and `micro_batches` are those of the whole step.
    """

    log_prob: Tensor  # [*R, B, T] under the policy; the leaf of the gradient
    old: Tensor  # [*R, B, T] under the law that ratios are taken to
    reference: Tensor | None  # [*R, B, T] under the reference
    sampler: Tensor  # [*R, B, T] under the law that drew them
    entropy: Tensor  # [*R, B, T] of the policy's next token; a leaf as well
    mask: Tensor  # [*R, B, T] 1. for tokens of the completion, its end token included, else 0.
    tokens: Tensor  # [*R, B, T] integers
    rewards: Tensor  # [*R, B]
    greedy: Tensor  # [*R, B] the reward of the prompt's greedy completion
    group: Tensor  # [B] the group of each completion, from 0
    prompt: Tensor  # [B] the prompt of each completion, from 0
    length: int  # the largest number of tokens that the trainer allows
    step_tokens: Tensor | None = None  # [*R] tokens of the whole step, over its micro-batches
    micro_batches: int = 1  # into which the step is split

    @property
    def size(self) -> int:
        """G, completions of a group."""
        return int((self.group == self.group[0]).sum())

    def by_group(self, values: Tensor) -> Tensor:
        """[*R, B] as [*R, groups, G]."""
        return values.unflatten(-1, (-1, self.size))

    def replaced(self, **tensors) -> "Batch":
        """This batch with other tensors."""
        return replace(self, **tensors)

    def __getitem__(self, which: int | slice) -> "Batch":
        """Some of the batches along R."""
        names = (*PER_TOKEN, *PER_COMPLETION, "step_tokens")
        present = {n: getattr(self, n) for n in names if getattr(self, n) is not None}
        return replace(self, **{name: tensor[which] for name, tensor in present.items()})

    def split(self, count: int) -> list["Batch"]:
        """The completions in `count` micro-batches of one step.

        Raises ValueError where they do not divide.
        """
        total = len(self.group)
        if total % count:
            raise ValueError(
                f"{total} completions do not split into {count} equal micro-batches; "
                f"use a divisor of {total}."
            )
        size = total // count
        tokens = self.mask.sum((-2, -1))
        return [
            self._completions(slice(first, first + size), count, tokens)
            for first in range(0, total, size)
        ]

    def _completions(self, which: slice, count: int, tokens: Tensor) -> "Batch":
        cut = {
            n: getattr(self, n)[..., which, :] for n in PER_TOKEN if getattr(self, n) is not None
        }
        cut |= {name: getattr(self, name)[..., which] for name in PER_COMPLETION}
        cut |= {"group": self.group[which], "prompt": self.prompt[which]}
        return replace(self, **cut, step_tokens=tokens, micro_batches=count)

    def padded(self, count: int) -> "Batch":
        """`count` masked positions more on the right, with numbers that must not matter."""
        if count == 0:
            return self
        filled = {}
        for place, name in enumerate(PER_TOKEN):
            tensor = getattr(self, name)
            if tensor is not None:
                fill = 0 if name in ("mask", "tokens") else -1.0 - 0.25 * place
                filled[name] = torch.nn.functional.pad(tensor, (0, count), value=fill)
        return replace(self, **filled)
