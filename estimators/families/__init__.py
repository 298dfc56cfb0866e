"""The families: one file each registers what a distribution can do; importing this reads them all.

What can be registered stands in `estimators.capabilities`, whose names are also to be had here.
"""

import importlib
import pkgutil

from estimators.capabilities import *  # noqa: F403
from estimators.distributions import *  # noqa: F403

for _module in pkgutil.iter_modules(__path__):  # noqa: F405
    importlib.import_module(f"{__name__}.{_module.name}")
