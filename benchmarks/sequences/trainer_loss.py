"""A post-training loss as an estimator, so that a model can be trained with it."""

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from benchmarks.sequences.batch import Batch
from benchmarks.sequences.losses import Loss, of_step
from benchmarks.sequences.sources import loss_from
from estimators import Estimator, Unsupported, evaluate
from estimators.capabilities import describe
from estimators.distributions import Autoregressive


@dataclass(frozen=True)
class TrainerLoss(Estimator):
    """The gradient of a loss of trainers, on a batch of K completions of each prompt.

    Needs an Autoregressive whose last batch axis counts prompts; the cost is minus the reward, and
    the law that draws is the policy itself. Biased as `gradmeter audit` says. K cost evaluations,
    and one of the greedy completion where the advantage asks for it.
    Raises Unsupported for other distributions, and for what the `loss` itself refuses.
    """

    loss: Loss

    def surrogate(self, dist, cost, samples=1):
        if not isinstance(dist, Autoregressive):
            raise Unsupported(
                f"{self.loss.name} is a loss of completions, and {describe(dist)} has none; use a "
                "problem over sequences, such as sequence-addition."
            )
        if self.loss.coefficients["entropy"]:
            raise Unsupported("A training has no entropy of tokens; set entropy_coef to 0.")
        batch = self._batch(dist, cost, samples)  # [*R, prompts · K, T]
        refusal = self.loss.unsupported(batch)
        if refusal:
            raise Unsupported(refusal)
        if self.loss.vectorised or batch.rewards.ndim == 1:
            total = of_step(self.loss, batch)
        else:
            total = torch.stack([of_step(self.loss, batch[r]) for r in range(len(batch.rewards))])
        # a loss is a mean over prompts, the objective a sum over the batch
        return total.unsqueeze(-1).expand(dist.batch_shape) if dist.batch_shape else total

    @property
    def config(self) -> dict[str, Any]:
        """The settings of the loss, as plain values."""
        return json.loads(json.dumps(self.loss.settings, default=str))

    def _batch(self, dist: Autoregressive, cost: Callable[..., Tensor], samples: int) -> Batch:
        x = dist.sample((samples,))  # [K, *R, prompts, T]
        prompts = dist.batch_shape[-1] if dist.batch_shape else 1

        def side_by_side(each: Tensor) -> Tensor:
            each = each.movedim(0, -2) if dist.batch_shape else each
            return each.flatten(-3, -2) if dist.batch_shape else each

        log_prob = side_by_side(dist.terms(x))
        own = log_prob.detach()
        rewards = side_by_side(-evaluate(cost, x, dist).detach().unsqueeze(-1)).squeeze(-1)
        index = torch.arange(prompts).repeat_interleave(samples)
        return Batch(
            log_prob=log_prob, old=own, reference=None, sampler=own,
            entropy=torch.zeros_like(own), mask=side_by_side(dist.mask(x)).to(own), rewards=rewards,
            tokens=side_by_side(x), greedy=self._greedy(dist, cost, rewards, samples),
            group=index, prompt=index, length=dist.length,
        )  # fmt: skip

    def _greedy(self, dist, cost, rewards: Tensor, samples: int) -> Tensor:
        """The reward of each prompt's greedy completion, once for each; NaN if nobody asks."""
        settings = self.loss.settings.values()
        if not any(asked in settings for asked in ("greedy", "remax")):
            return torch.full_like(rewards, math.nan)
        found = -evaluate(cost, dist.mode.unsqueeze(0), dist).detach()[0]  # [*R, prompts]
        return found.repeat_interleave(samples, -1) if dist.batch_shape else found.expand(samples)


def trainer_loss(name: str) -> TrainerLoss:
    """The loss called `name`, as in an audit; ValueError, with one sentence, if there is none."""
    loss = loss_from(name, {})
    return TrainerLoss(loss, name=loss.name)
