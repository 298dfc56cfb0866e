"""What all tests share: one torch thread, and registries that are as before after each test."""

import pytest
import torch
from torch.distributions import Distribution

import benchmarks.problems
import estimators.core

benchmarks.problems.names()  # read them all before the registry is looked at
torch.set_num_threads(1)  # the same bits everywhere, and workers that do not fight


@pytest.fixture(autouse=True)
def _registries_stay_as_they_are():
    registries = (estimators.core._registry, benchmarks.problems._registry)
    before = [dict(registry) for registry in registries]
    yield
    for registry, entries in zip(registries, before, strict=True):
        if registry != entries:
            registry.clear()
            registry.update(entries)


@pytest.fixture(autouse=True)
def _torch_checks_distributions_as_before():
    before = Distribution._validate_args
    yield
    Distribution.set_default_validate_args(before)  # a first `torch.compile` ends it
