"""Post-training losses, one file each; importing this package registers them all.

>>> from benchmarks.sequences import losses
>>> losses.create("grpo", scale_rewards=False)
"""

import importlib
import pkgutil

from benchmarks.sequences.losses.core import Loss, PolicyLoss, of_step
from benchmarks.sequences.losses.registry import about, create, names, register

__all__ = ["Loss", "PolicyLoss", "about", "create", "names", "of_step", "register"]

for _module in pkgutil.iter_modules(__path__):
    importlib.import_module(f"{__name__}.{_module.name}")
