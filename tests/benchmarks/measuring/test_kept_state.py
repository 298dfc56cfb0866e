"""Whatever functions keep, and wherever, is afterwards as it was."""

from dataclasses import dataclass, field
from functools import partial

import pytest
import torch
from torch import nn

from benchmarks.measuring.kept_state import as_before

seen = []
latest = None


class Module(nn.Module):
    def __init__(self):
        super().__init__()
        self.inner = nn.ModuleList([nn.BatchNorm1d(2)])
        self.register_buffer("mean", torch.zeros(()))

    def forward(self, x):
        self.mean = 0.9 * self.mean + x
        self.inner[0].running_mean = self.inner[0].running_mean + x
        self.new = x
        return self.mean

    def kept(self):
        return self.mean, self.inner[0].running_mean, hasattr(self, "new")


@dataclass
class Object:
    history: list = field(default_factory=list)
    by_name: dict = field(default_factory=lambda: {"x": {"of": 0.0}})
    mean: float = 0.0

    def __call__(self, x):
        self.mean = self.mean + x
        self.history.append(x)
        self.by_name["x"]["of"] = x
        del self.history[:-1]

    def kept(self):
        return self.mean, list(self.history), self.by_name["x"]["of"]


def closure():
    mean, memo = 0.0, {}

    def cost(x, defaults=[]):  # noqa: B006
        nonlocal mean
        mean = mean + x
        memo[len(memo)] = x
        defaults.append(x)

    def kept():
        return mean, dict(memo), list(cost.__defaults__[0])

    return cost, kept


def in_globals(x):
    global latest
    latest = x
    seen.append(x)


def each():
    module, one = Module(), Object()
    cost, kept = closure()
    method = Object()
    return {
        "module": (module, module.kept),
        "object": (one, one.kept),
        "closure": (cost, kept),
        "method": (method.__call__, method.kept),
        "partial": (partial(method.__call__), method.kept),
        "function in an attribute": (partial(lambda cost, x: cost(x), module), module.kept),
        "global variables": (in_globals, lambda: (latest, list(seen))),
    }


@pytest.mark.parametrize("kind", each())
def test_what_is_kept_is_put_back(kind):
    cost, kept = each()[kind]
    cost(torch.ones(()))
    before = kept()
    with as_before(cost):
        cost(torch.full((), 2.0))
        assert repr(kept()) != repr(before)
    assert repr(kept()) == repr(before)
    cost(torch.full((), 2.0))  # and can be called as ever
    assert repr(kept()) != repr(before)


def test_it_is_put_back_after_a_failure():
    one = Object()

    def failing():
        one(1.0)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), as_before(one):
        failing()
    assert one.kept() == (0.0, [], 0.0)


def test_tensors_stay_themselves():
    module = Module()
    before = dict(module.named_buffers())
    with as_before(module):
        module(torch.ones(()))
    assert all(value is before[name] for name, value in module.named_buffers())


def test_what_holds_itself_has_an_end():
    ring = Object()
    ring.history.append(ring)
    with as_before(ring, None, 3, "text", torch.ones(2), print, nn.Linear):
        ring.history.clear()
    assert ring.history == [ring]
