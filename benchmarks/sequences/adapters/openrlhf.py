"""The losses of OpenRLHF, as installed: an advantage estimator, a policy loss, KL and entropy.

Compiled from openrlhf: `PolicyLoss` and what it calls, `training_step` of ActorPPOTrainer, which
puts the terms together, and `compute_advantages_and_returns` with the KL of rewards. Stand-ins for
a trainer's attributes hold its settings; its strategy is one process that keeps the loss it is
handed; its model is not called: the batch has the log-probabilities.
"""

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor

from benchmarks.sequences.adapters import openrlhf_settings
from benchmarks.sequences.adapters.openrlhf_settings import (
    BETA,
    CLIPS,
    CORRECTION,
    DUAL,
    ENTROPY,
    ESTIMATOR,
    KIND,
    MODE,
)
from benchmarks.sequences.adapters.openrlhf_source import OPENRLHF, code
from benchmarks.sequences.adapters.source import Doubles
from benchmarks.sequences.losses import Loss
from estimators import unknown

OF_GROUPS = ("rloo", "reinforce_baseline", "group_norm", "dr_grpo")


def create(name: str, **settings: Any) -> "OpenRlhf":
    """The loss with the advantage estimator `name`, such as rloo, or "gspo" with group_norm's.

    Settings are the options of its command line, as algo.kl.init_coef. Raises ValueError for other
    names, and for settings or choices that it does not have.
    """
    name = name.replace("-", "_")
    known = openrlhf_settings.estimators()
    if name not in (*known, "gspo"):
        raise ValueError(unknown("loss of openrlhf", name, sorted([*known, "gspo"])))
    own = {ESTIMATOR: name} if name in known else {ESTIMATOR: "group_norm", KIND: "gspo"}
    return OpenRlhf(name, own | settings)


class OpenRlhf(Loss):
    """`training_step` of OpenRLHF, with the defaults of its command line where none are given."""

    vectorised = False

    def __init__(self, name: str, given: dict[str, Any]):
        openrlhf_settings.check(given)
        self.name, self.given, self._short = f"openrlhf:{name}", given, name
        self._all = openrlhf_settings.with_defaults(given)
        self.note = OPENRLHF.note
        self._policy_loss = self._made()

    def __getitem__(self, setting: str) -> Any:
        return self._all[setting]

    @property
    def coefficients(self):
        return {"kl": self[BETA], "entropy": self[ENTROPY] or 0.0}

    def without(self, *terms):
        names = {"kl": BETA, "entropy": ENTROPY}
        zero = {names[term]: 0.0 for term in terms if self.coefficients[term]}
        return OpenRlhf(self._short, self.given | zero)

    @property
    def settings(self):
        return self.given

    def unsupported(self, batch):
        if batch.size < 2 and self[ESTIMATOR] in OF_GROUPS:
            return f"{self.name} asks for groups of 2 or more completions; use group=2 or more."
        return None

    @torch.no_grad()
    def advantages(self, batch):
        maker = SimpleNamespace(
            strategy=SimpleNamespace(args=self._args(batch)),
            advantage_estimator=self[ESTIMATOR],
            kl_ctl=SimpleNamespace(value=self[BETA]),
            initial_model_group=self[BETA] or None,
        )
        maker.get_cumulative_returns = partial(code()["get_cumulative_returns"], maker)
        old, reference = (_doubles(x) for x in (batch.old, batch.reference))
        kl = code()["kl"](maker, maker.strategy.args, old, reference, batch.old.device)
        experience = SimpleNamespace(
            index=list(range(len(batch.rewards))),
            rewards=_doubles(batch.rewards),
            kl=kl,
            action_mask=batch.mask.bool(),
            info={},
        )
        code()["compute_advantages_and_returns"](maker, [experience])
        return experience.advantages.as_subclass(Tensor)

    def loss(self, batch, advantages):
        kept: list[Tensor] = []
        trainer = SimpleNamespace(
            args=self._args(batch),
            actor=_Actor(batch),
            actor_loss_fn=self._policy_loss,
            strategy=_strategy(lambda loss, *_: kept.append(loss)),
            aux_loss=False,
            ema_model=None,
            actor_optim=None,
            actor_scheduler=SimpleNamespace(get_last_lr=lambda: [0.0]),
        )
        experience = SimpleNamespace(
            sequences=batch.tokens,
            attention_mask=None,
            action_mask=batch.mask.bool(),
            action_log_probs=_doubles(batch.old),
            base_action_log_probs=_doubles(batch.reference),
            rollout_log_probs=_doubles(batch.sampler),
            advantages=advantages,
            info={},
        )
        code()["training_step"](trainer, experience, self[BETA], 0, _of_the_step(batch))
        return kept[0].as_subclass(Tensor)

    def _made(self) -> Callable[..., Any]:
        """Its PolicyLoss, as ActorPPOTrainer makes it."""
        low, high = self[CLIPS]
        correction = {name.rpartition(".")[2]: self[name] for name in CORRECTION}
        return code()["PolicyLoss"](
            clip_eps_low=low,
            clip_eps_high=high,
            dual_clip=self[DUAL],
            token_level_loss=self[MODE] == "token-mean",
            policy_loss_type=self[KIND],
            **correction,
        )

    def _args(self, batch) -> SimpleNamespace:
        """The settings as its code asks for them: args.algo.kl.init_coef."""
        own = {"rollout.n_samples_per_prompt": batch.size, "train.dynamic_batch_enable": False}
        args = SimpleNamespace()
        for name, value in (self._all | own).items():
            *path, last = name.split(".")
            place = args
            for part in path:
                place = vars(place).setdefault(part, SimpleNamespace())
            setattr(place, last, value)
        return args


class _Actor:
    """A model that has the log-probabilities and entropies of its tokens already."""

    def __init__(self, batch):
        self.output = SimpleNamespace(entropy=_doubles(batch.entropy))
        self.log_prob = _doubles(batch.log_prob)

    def train(self) -> None:
        """There is nothing to switch."""

    def __call__(self, *_, **__):
        return self.log_prob, self.output


def _strategy(backward: Callable[..., None]) -> SimpleNamespace:
    """One process, whose optimiser does nothing."""
    return SimpleNamespace(
        ring_attn_group=None,
        backward=backward,
        optimizer_step=lambda *_, **__: None,
        get_grad_norm=lambda model: 0.0,
    )


def _of_the_step(batch) -> dict[str, Any]:
    """What its `iter_grad_accum_global_norm` tells every micro-batch about the whole step."""
    tokens = batch.mask.sum() if batch.step_tokens is None else batch.step_tokens
    info = {"dp_size": 1, "global_batch_size": float(len(batch.group))}
    return info | {"batch_num_tokens": tokens / batch.micro_batches}


def _doubles(tensor: Tensor | None) -> Tensor | None:
    return None if tensor is None else tensor.as_subclass(Doubles)
