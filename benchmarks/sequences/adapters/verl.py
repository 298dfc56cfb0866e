"""The losses of verl, as installed: an advantage estimator, a policy loss, KL and entropy terms.

Compiled from verl/trainer/ppo/core_algos.py (all of it but its imports), with the masked sums of
verl/utils/torch_functional.py and the weights of verl/trainer/ppo/rollout_corr_helper.py. How the
terms are put together follows `ppo_loss` in verl/workers/utils/losses.py. Stand-ins: its config
classes are plain namespaces with its own defaults; `group_mean_std`, which computes in float32, is
verl's, and so is everything that it returns.
"""

import ast
import os
from collections import defaultdict
from collections.abc import Callable
from enum import Enum
from functools import cache
from types import SimpleNamespace
from typing import Any, Optional

import numpy as np
import torch

from benchmarks.sequences.adapters.source import Package, compiled
from benchmarks.sequences.losses import Loss
from estimators import unknown

VERL = Package("verl", tried="0.9.1")
CORE, TORCH = "trainer/ppo/core_algos.py", "utils/torch_functional.py"
GROUPS, WEIGHTS = "utils/groupwise.py", "trainer/ppo/rollout_corr_helper.py"
NEED_MORE = {"gae", "gdpo", "optimal_token_baseline", "tir_optimal_token_baseline"}


def create(name: str, **settings: Any) -> "Verl":
    """The loss with the advantage estimator or the policy loss `name`, such as opo or gspo.

    Settings are those of verl's actor and algorithm: adv_estimator, loss_mode, loss_agg_mode,
    clip_ratio, kl_loss_coef (with use_kl_loss), kl_loss_type, kl_coef (with use_kl_in_reward),
    kl_penalty, entropy_coeff, rollout_is, …. Raises ValueError for what verl does not have.
    """
    name = name.replace("-", "_")
    code = _code()
    estimators, modes = code["ADV_ESTIMATOR_REGISTRY"], code["POLICY_LOSS_REGISTRY"]
    known = {str(getattr(k, "value", k)) for k in estimators} - NEED_MORE
    if name not in known | set(modes):
        raise ValueError(unknown("loss of verl", name, sorted(known | set(modes))))
    own = {"adv_estimator": name} if name in known else {"adv_estimator": "grpo"}
    if name in modes:
        own["loss_mode"] = name
    return Verl(name, own | settings)


class Verl(Loss):
    """`ppo_loss` of verl with its defaults where no settings are given."""

    vectorised = False

    def __init__(self, name: str, given: dict[str, Any]):
        defaults = _defaults()
        for wrong in sorted(set(given) - set(defaults)):
            raise ValueError(unknown("setting of verl", wrong, sorted(defaults)))
        self.name, self.given = f"verl:{name}", given
        self._short, self._all = name, defaults | given
        self.note = VERL.note
        self._config = _Config(self._all)

    def __getitem__(self, setting: str) -> Any:
        return self._all[setting]

    @property
    def coefficients(self):
        in_loss = self["kl_loss_coef"] if self["use_kl_loss"] else 0.0
        in_reward = self["kl_coef"] if self["use_kl_in_reward"] else 0.0
        return {"kl": in_loss + in_reward, "entropy": self["entropy_coeff"]}

    def without(self, *terms):
        off = {"kl": {"use_kl_loss": False, "use_kl_in_reward": False}}
        off["entropy"] = {"entropy_coeff": 0.0}
        changes: dict[str, Any] = {}
        for term in terms:
            changes |= off[term] if self.coefficients[term] else {}
        return Verl(self._short, self.given | changes)

    @property
    def settings(self):
        return self.given

    def advantages(self, batch):
        code, mask = _code(), batch.mask
        last = torch.nn.functional.one_hot(mask.sum(-1).long() - 1, mask.shape[-1])
        rewards = batch.rewards.unsqueeze(-1) * last
        if self["use_kl_in_reward"]:
            penalty = code["kl_penalty"](batch.old, batch.reference, self["kl_penalty"])
            rewards = rewards - self["kl_coef"] * penalty * mask
        index = batch.group.numpy()
        given = {"token_level_rewards": rewards.clone(), "response_mask": mask, "index": index}
        given |= {"reward_baselines": batch.greedy, "config": self._config}
        given["norm_adv_by_std_in_grpo"] = self["norm_adv_by_std_in_grpo"]
        function = code["get_adv_estimator_fn"](self["adv_estimator"])
        wanted = function.__code__.co_varnames[: function.__code__.co_argcount]
        return function(**{k: v for k, v in given.items() if k in wanted})[0]

    def loss(self, batch, advantages):
        code, mask, mode = _code(), batch.mask, self["loss_agg_mode"]
        sums = self._global_sums(batch)
        self._config.global_batch_info = sums
        weights = None
        if self["rollout_is"] is not None:
            weights = code["compute_rollout_correction_weights"](
                batch.old - batch.sampler,
                mask,
                self["rollout_is"],
                self["rollout_is_threshold"],
                self["rollout_is_batch_normalize"],
            )[0]
        total = code["get_policy_loss_fn"](self["loss_mode"])(
            old_log_prob=batch.old,
            log_prob=batch.log_prob,
            advantages=advantages,
            response_mask=mask,
            loss_agg_mode=mode,
            config=self._config,
            rollout_is_weights=weights,
        )[0]
        if self["entropy_coeff"]:
            entropy = code["agg_loss"](batch.entropy, mask, mode, **sums)
            total = total - self["entropy_coeff"] * entropy
        if self["use_kl_loss"]:
            kl = code["kl_penalty"](batch.log_prob, batch.reference, self["kl_loss_type"])
            total = total + self["kl_loss_coef"] * code["agg_loss"](kl, mask, mode, **sums)
        return total * batch.micro_batches  # verl sums over micro-batches, an audit takes the mean

    def _global_sums(self, batch) -> dict[str, Any]:
        """What verl tells every micro-batch about the whole step."""
        tokens = batch.mask.sum() if batch.step_tokens is None else batch.step_tokens
        return {
            "dp_size": 1,
            "batch_num_tokens": tokens,
            "global_batch_size": len(batch.group) * batch.micro_batches,
            "loss_scale_factor": self["loss_scale_factor"],
        }


class _Config(SimpleNamespace):
    """Stands in for verl's config classes, and for the types that its code asks about."""

    def __init__(self, values: dict[str, Any]):
        super().__init__(**values, policy_loss=SimpleNamespace(**values))
        self.policy_loss.get = self.get

    def get(self, name: str, default: Any = None) -> Any:
        """The setting, as omegaconf gives it."""
        return getattr(self, name, default)


@cache
def _defaults() -> dict[str, Any]:
    """The plain defaults of verl's actor, algorithm, policy loss and rollout correction."""
    found: dict[str, Any] = {"kl_coef": 0.001}
    for path, cls in (
        ("workers/config/actor.py", "PolicyLossConfig"),
        ("workers/config/actor.py", "ActorConfig"),
        ("trainer/config/algorithm.py", "AlgoConfig"),
    ):
        found |= VERL.defaults(path, cls)
    correction = VERL.defaults("trainer/config/algorithm.py", "RolloutCorrectionConfig")
    names = ("rollout_is", "rollout_is_threshold", "rollout_is_batch_normalize")
    found |= {name: correction[name] for name in names}
    return found | {"rollout_is": None}  # null in its YAML, which a run of verl starts from


@cache
def _code() -> dict[str, Any]:
    """Everything that core_algos.py defines, with what it imports from verl's other files."""
    plain = {"torch": torch, "np": np, "os": os, "Any": Any, "Optional": Optional}
    sums = ("masked_sum", "masked_mean", "masked_var", "masked_whiten", "entropy_from_logits")
    masked = compiled([VERL.function(TORCH, name) for name in sums], dict(plain), TORCH)
    grouped = _without_imports(GROUPS, plain | {"get_device_name": lambda: "cpu"})
    names = plain | {
        "defaultdict": defaultdict,
        "Enum": Enum,
        "Callable": Callable,
        "DictConfig": dict,
        "ActorConfig": _Config,
        "AlgoConfig": type("AlgoConfig", (), {}),
        "deprecated": lambda *_: lambda function: function,
        "verl_F": SimpleNamespace(**masked),
        "as_torch_index": lambda index, device=None: grouped["as_torch_index"](index, "cpu"),
        "group_mean_std": lambda *given, **named: grouped["group_mean_std"](*given, device="cpu"),
    }
    found = _without_imports(CORE, names)
    helper = ("_parse_rollout_is_threshold", "compute_rollout_correction_weights")
    weights = [VERL.function(WEIGHTS, name) for name in (*helper, "compute_is_metrics")]
    bound = [n for n in VERL.tree(WEIGHTS).body if ast.unparse(n).startswith("SAFETY_BOUND")]
    return found | compiled([*bound, *weights], names | found, WEIGHTS)


def _without_imports(path: str, names: dict[str, Any]) -> dict[str, Any]:
    imports = (ast.Import, ast.ImportFrom)
    body = [node for node in VERL.tree(path).body if not isinstance(node, imports)]
    return compiled(body, dict(names), path)
