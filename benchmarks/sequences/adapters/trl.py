"""The losses of trl's GRPOTrainer and RLOOTrainer, as installed.

Compiled from trl/trainer/grpo_trainer.py (and rloo_trainer.py): `_compute_loss` with the methods it
calls, the statements that make advantages of rewards, and those that make importance ratios of the
sampler's log-probabilities. Stand-ins for a trainer's attributes hold its settings; its accelerator
is one process; its model is not called: the batch has the log-probabilities.
"""

from collections import defaultdict
from functools import partial
from types import SimpleNamespace
from typing import Any

import torch

from benchmarks.sequences.adapters.source import in_double
from benchmarks.sequences.adapters.trl_source import METHODS, TRL, grpo_code, rloo_code
from benchmarks.sequences.losses import Loss
from estimators import unknown

OWN = {"num_generations", "use_vllm"}  # of the batch, not of the settings


def create(name: str, **settings: Any) -> "Grpo | Rloo":
    """The loss of `GRPOTrainer` ("grpo") or of `RLOOTrainer` ("rloo") with settings of its config.

    Raises ValueError for other names and for settings that its config does not have.
    """
    kinds = {"grpo": Grpo, "rloo": Rloo}
    if name not in kinds:
        raise ValueError(unknown("loss of trl", name, kinds))
    return kinds[name](settings)


class _Trl(Loss):
    """Settings of a config of trl, its defaults where none are given."""

    vectorised = False
    config: str

    def __init__(self, given: dict[str, Any]):
        kind = type(self).__name__
        defaults = TRL.defaults(f"trainer/{kind.lower()}_config.py", f"{kind.upper()}Config")
        for wrong in sorted(set(given) - (set(defaults) - OWN)):
            raise ValueError(unknown(f"setting of {self.name}", wrong, sorted(set(defaults) - OWN)))
        self.given, self._all = given, defaults | given
        self.note = TRL.note

    def __getitem__(self, setting: str) -> Any:
        return self._all[setting]

    @property
    def coefficients(self):
        return {"kl": self["beta"], "entropy": self._all.get("entropy_coef", 0.0)}

    def without(self, *terms):
        names = {"kl": "beta", "entropy": "entropy_coef"}
        zero = {names[term]: 0.0 for term in terms if self.coefficients[term]}
        return type(self)(self.given | zero)

    @property
    def settings(self):
        return self.given

    def unsupported(self, batch):
        if batch.size < 2:
            return "trl asks for groups of 2 or more completions; use group=2 or more."
        return None


class Grpo(_Trl):
    """`GRPOTrainer`'s, with its sampler's correction where the policy has a sampler."""

    name = "trl:grpo"

    def __init__(self, given):
        super().__init__(given)
        scaled = self["scale_rewards"]
        self._all["scale_rewards"] = {True: "group", False: "none"}.get(scaled, scaled)
        self._trainer = SimpleNamespace(
            **_stand_ins(),
            args=SimpleNamespace(**self._all),
            scale_rewards=self["scale_rewards"],
            multi_objective_aggregation=self["multi_objective_aggregation"],
            reward_weights=torch.ones(1, dtype=torch.float64),
            beta=self["beta"],
            epsilon_low=self["epsilon"],
            epsilon_high=self["epsilon"] if self["epsilon_high"] is None else self["epsilon_high"],
            use_vllm=True,
            top_entropy_quantile=self["top_entropy_quantile"],
            entropy_coef=self["entropy_coef"],
            use_adaptive_entropy=False,
            _entropy_bonus_enabled=self["entropy_coef"] != 0.0,
            **{k: v for k, v in self._all.items() if k in _READ},
        )
        for name in METHODS:
            setattr(self._trainer, name, _bound(name, self._trainer))

    def advantages(self, batch):
        rewards = batch.rewards.unsqueeze(-1)
        unscorable = torch.zeros_like(batch.rewards, dtype=torch.bool)
        code = grpo_code()["advantages"]
        with in_double():
            found = code(self._trainer, rewards, unscorable, batch.size, rewards.device)
        return found.reshape(-1, 1)

    def loss(self, batch, advantages):
        trainer = self._trainer
        trainer.current_gradient_accumulation_steps = batch.micro_batches
        trainer.args.steps_per_generation = batch.micro_batches
        trainer.max_completion_length = batch.length
        trainer._get_per_token_logps_and_entropies = lambda *_, **__: (
            batch.log_prob, batch.entropy, None,
        )  # fmt: skip
        tokens = batch.mask.sum() if batch.step_tokens is None else batch.step_tokens
        inputs = _inputs(batch) | {
            "advantages": advantages.squeeze(-1),
            "old_per_token_logps": batch.old,
            "ref_per_token_logps": batch.reference,
            "sampling_per_token_logps": batch.sampler,
            "num_items_in_batch": tokens,
        }
        if self["vllm_importance_sampling_correction"]:
            inputs["importance_sampling_ratio"] = grpo_code()["ratio"](
                trainer, batch.old, batch.sampler, batch.mask
            )
        # trl has divided by the number of micro-batches, whose mean an audit takes
        return grpo_code()["_compute_loss"](trainer, None, inputs) * batch.micro_batches


class Rloo(_Trl):
    """`RLOOTrainer`'s: the clipped ratio of whole completions, k1 in the reward."""

    name = "trl:rloo"

    def advantages(self, batch):
        trainer = SimpleNamespace(beta=self["beta"], normalize_advantages=False)
        trainer.normalize_advantages = self["normalize_advantages"]
        trainer.reward_clip_range = self["reward_clip_range"]
        given = (batch.rewards, batch.old, batch.reference, batch.mask, batch.size)
        with in_double():
            found = rloo_code()["advantages"](trainer, *given)
        return found.unsqueeze(-1)

    def loss(self, batch, advantages):
        high = self["epsilon_high"]
        trainer = SimpleNamespace(
            **_stand_ins(),
            epsilon_low=self["epsilon"],
            epsilon_high=self["epsilon"] if high is None else high,
        )
        trainer._get_per_token_logps_and_entropies = lambda *_, **__: (
            batch.log_prob, batch.entropy, None,
        )  # fmt: skip
        inputs = _inputs(batch) | {
            "advantages": advantages.squeeze(-1),
            "old_logps": (batch.old * batch.mask).sum(-1),
        }
        return rloo_code()["_compute_loss"](trainer, None, inputs)


_READ = (
    "loss_type",
    "importance_sampling_level",
    "off_policy_mask_threshold",
    "vllm_importance_sampling_correction",
    "vllm_importance_sampling_mode",
    "vllm_importance_sampling_clip_max",
    "vllm_importance_sampling_clip_min",
)


def _stand_ins() -> dict[str, Any]:
    """Of a trainer on one process that trains, whose metrics nobody reads."""
    accelerator = SimpleNamespace(
        num_processes=1,
        process_index=0,
        sync_gradients=False,
        gather=lambda tensor: tensor,
        gather_for_metrics=lambda tensor: tensor,
        reduce=lambda tensor, reduction: tensor,
    )
    return {
        "accelerator": accelerator,
        "model": SimpleNamespace(training=True),
        "aux_loss_enabled": False,
        "_metrics": defaultdict(lambda: defaultdict(list)),
    }


def _inputs(batch) -> dict[str, Any]:
    none = batch.tokens[:, :0]
    return {
        "prompt_ids": none,
        "prompt_mask": none,
        "completion_ids": batch.tokens,
        "completion_mask": batch.mask,
    }


def _bound(name, trainer):
    """A method of trl on `trainer`; static ones take no trainer."""
    function, static = grpo_code()[name], "self" not in grpo_code()[name].__code__.co_varnames[:1]
    return function if static else partial(function, trainer)
