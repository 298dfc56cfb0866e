"""The pieces of trl that make up its losses: compiled from trl/trainer/grpo_trainer.py and
rloo_trainer.py, once, when a loss is asked for.
"""

import ast
import math
from functools import cache
from typing import Any

import torch

from benchmarks.sequences.adapters.source import Package, as_function, compiled

TRL = Package("trl", tried="1.16.0")
GRPO, RLOO, UTILS = "trainer/grpo_trainer.py", "trainer/rloo_trainer.py", "trainer/utils.py"
METHODS = ("get_off_policy_mask", "get_gamma_weights", "get_high_entropy_mask")


def _names() -> dict[str, Any]:
    helpers = [TRL.function(UTILS, name) for name in ("nanstd", "nanmin", "nanmax")]
    return compiled(helpers, {"torch": torch, "math": math, "gather": lambda x: x}, UTILS)


@cache
def grpo_code() -> dict[str, Any]:
    """The compiled functions of GRPOTrainer by name."""
    nodes = [TRL.function(GRPO, name) for name in (*METHODS, "_compute_loss")]
    names = compiled(nodes, _names(), GRPO)
    advantages = TRL.statement(
        GRPO, "self.multi_objective_aggregation == 'sum_then_normalize'", "advantages"
    )
    ratio = TRL.statement(
        GRPO,
        "self.use_vllm and self.vllm_importance_sampling_correction",
        "vllm_importance_sampling_ratio",
    )
    arguments = "self, rewards_per_func, unscorable_mask, num_generations, device"
    sampled = "self, old_per_token_logps, sampling_per_token_logps, completion_mask"
    return names | {
        "advantages": as_function([advantages], arguments, "advantages", names, GRPO),
        "ratio": as_function(
            [ratio], f"{sampled}, tool_mask=None", "vllm_importance_sampling_ratio", names, GRPO
        ),
    }


@cache
def rloo_code() -> dict[str, Any]:
    """The compiled functions of RLOOTrainer by name."""
    names = compiled([TRL.function(RLOO, "_compute_loss")], _names(), RLOO)
    body = _between(RLOO, "_generate_and_score_completions", "self.reward_clip_range")
    arguments = (
        "self, rewards, old_per_token_logps, ref_per_token_logps, completion_mask, num_generations"
    )
    made = as_function(body, arguments, "advantages", names, RLOO)
    return names | {"advantages": made}


def _between(path: str, method: str, test: str) -> list:
    """The statements of a method from the `if` with that test to the last that makes advantages."""
    body = TRL.function(path, method).body
    first = next(
        (i for i, n in enumerate(body) if isinstance(n, ast.If) and ast.unparse(n.test) == test),
        None,
    )
    last = [i for i, n in enumerate(body) if ast.unparse(n).startswith("advantages = torch.nan_to")]
    if first is None or not last:
        raise TRL.moved(f"the computation of advantages in {path}")
    return body[first : last[0] + 1]
