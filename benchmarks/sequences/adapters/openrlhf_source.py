"""The pieces of OpenRLHF that make up its losses: compiled from openrlhf/models/loss.py and
utils.py, the trainer's experience_maker.py and ppo_actor.py, once, when a loss is asked for.
"""

import ast
import itertools
from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any, Optional, Union

import torch
from torch import nn

from benchmarks.sequences.adapters.source import Package, as_function, compiled

OPENRLHF = Package("openrlhf", tried="0.11.2")
CLI, LOSS, SUMS = "cli/train_ppo_ray.py", "models/loss.py", "models/utils.py"
ACTOR, MAKER = "trainer/ray/ppo_actor.py", "trainer/ppo_utils/experience_maker.py"
BOUND = "KL_IS_WEIGHT_CLIP"
PENALISES = "self.initial_model_group is not None and (not args.algo.kl.use_loss)"


@cache
def code() -> dict[str, Any]:
    """The compiled classes and functions by name; `kl` is that of its rewards."""
    names = compiled(_sums(), _plain(), SUMS)
    body = [n for n in OPENRLHF.tree(LOSS).body if not isinstance(n, ast.Import | ast.ImportFrom)]
    names = compiled(body, names, LOSS)
    methods = ("compute_advantages_and_returns", "get_cumulative_returns")
    names = compiled([OPENRLHF.function(MAKER, name) for name in methods], names, MAKER)
    names = compiled([OPENRLHF.function(ACTOR, "training_step")], names, ACTOR)
    kl = OPENRLHF.statement(MAKER, PENALISES, "kl")
    arguments = "self, args, action_log_probs, base_action_log_probs, device"
    return names | {"kl": as_function([kl], arguments, "kl", names, MAKER)}


@cache
def options() -> dict[str, tuple[Any, list[str] | None]]:
    """Of its command line, by name without dashes: the default and the choices."""
    return dict(_options(OPENRLHF.tree(CLI)))


def _sums() -> list[ast.stmt]:
    functions = ("masked_mean", "compute_approx_kl", "compute_reward")
    bound = [n for n in OPENRLHF.tree(SUMS).body if ast.unparse(n).startswith(BOUND)]
    return [*bound, *(OPENRLHF.function(SUMS, name) for name in functions)]


def _plain() -> dict[str, Any]:
    """What its files import; what an audit has none of does nothing."""
    typing = {"Dict": dict, "List": list, "Optional": Optional, "Tuple": tuple, "Union": Union}
    return typing | {
        "torch": torch,
        "nn": nn,
        "F": nn.functional,
        "itertools": itertools,
        "Experience": SimpleNamespace,
        "fields": lambda kind: (),  # of an Experience, to be logged
        "apply_length_penalties": lambda experiences, args: None,
        "logger": SimpleNamespace(warning=lambda text: None),
    }


def _options(tree: ast.Module) -> Iterator[tuple[str, tuple[Any, list[str] | None]]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".add_argument"):
            said = {k.arg: k.value for k in node.keywords}
            try:
                name = ast.literal_eval(node.args[0]).removeprefix("--")
                given = {k: ast.literal_eval(v) for k, v in said.items() if k in READ}
            except (ValueError, TypeError):
                continue  # a prefix of several models, or a default that is computed
            default = False if given.get("action") == "store_true" else given.get("default")
            yield name, (default, given.get("choices"))


READ = ("action", "default", "choices")
