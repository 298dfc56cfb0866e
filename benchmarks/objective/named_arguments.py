"""Families and costs that are given what they name: parameters, modules among them, and a batch."""

import copy
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.nn.modules.module import register_module_forward_hook
from torch.utils._pytree import tree_map

from benchmarks.objective.networks import Networks, cast_like
from benchmarks.objective.replicated_calls import NetworkError
from estimators import capabilities
from estimators.arity import positional

BATCH = "batch"  # the argument under which a function is given the batch
SKETCHED = 13  # samples at which a cost is looked at, unlike the sizes of most batches


def names_of(function: Callable) -> tuple[list[str], bool]:
    """The arguments that can be given by name, in order, and whether it takes any other."""
    try:
        given = inspect.signature(getattr(function, "forward", function)).parameters.values()
    except (TypeError, ValueError):  # some builtins have no signature
        return [], True
    named = [p.name for p in given if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)]
    return named, any(p.kind is p.VAR_KEYWORD for p in given)


class Named:
    """A function with the arguments it is given by name: λ, modules as callables, and a batch.

    How many axes the inputs of modules have in a training loop is seen once, in `sketch`, without
    samples and replicates; what has more later on has these in front.
    """

    def __init__(self, function: Callable, wanted: list[str], networks: Networks, batch: Any):
        self.function, self.wanted, self.networks, self.batch = function, wanted, networks, batch
        self.__wrapped__, self.__name__ = function, getattr(function, "__name__", "")
        self._moved: dict[tuple, tuple] = {}
        self._sketches: list[Sketch] = []  # shared with all that are made of this one

    @property
    def sketch(self) -> "Sketch":
        """The inputs of modules without samples and replicates, seen once."""
        if not self._sketches:
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                self._sketches.append(self.sketched())
        return self._sketches[0]

    def on(self, batch: Any) -> "Named":
        """The same with another batch, of the same form."""
        other = copy.copy(self)
        other.batch, other._moved = batch, {}
        return other

    def call(self, values: Mapping[str, Tensor], axes: Callable, *args: Any) -> Any:
        """The function of `args` and of what it names of `values`."""
        function, batch = self.moved(values)
        given = self.networks.arriving(values, axes) | {BATCH: batch}
        return function(*args, **{name: given[name] for name in self.wanted})

    def moved(self, values: Mapping[str, Tensor]) -> tuple[Callable, Any]:
        """The function and the batch, on the device and in the dtype of `values`."""
        like = next(iter(values.values()))
        place = like.device, like.dtype
        if place not in self._moved:
            function = self.function
            if isinstance(function, nn.Module):
                function = copy.deepcopy(function).to(like)
            self._moved[place] = function, tree_map(lambda part: cast_like(part, like), self.batch)
        return self._moved[place]


class NamedFamily(Named):
    """A family: λ by name, with any number of leading axes, to a distribution."""

    def __call__(self, **values: Tensor) -> Distribution:
        name, value = next(iter(values.items()))
        plain = value.ndim == self.networks.tensors[name].ndim
        axes = _whole if plain or not self.networks.modules else self.sketch.axes
        return capabilities.complete(self.call(values, axes))

    def sketched(self) -> "Sketch":
        """The family once without leading axes."""
        with Sketch(0) as found:
            self.call(self.networks.doubled, found.record)
        return found


class NamedCost(Named):
    """A cost of (x, dist) and of what it names, at the values of λ in `values`.

    Without leading axes they are the same for all replicates; `given` are each replicate's own.
    """

    def __init__(self, cost, wanted, networks, batch, family: NamedFamily):
        super().__init__(cost, wanted, networks, batch)
        self.family, self.values = family, networks.tensors
        self.takes_dist = positional(cost, wanted) >= 2
        if hasattr(cost, "terms"):
            self.terms = cost.terms

    def given(self, values: Mapping[str, Tensor]) -> "NamedCost":
        """This cost at other values of λ."""
        other = copy.copy(self)
        other.values = values
        return other

    def __call__(self, x: Tensor, dist: Distribution) -> Tensor:
        axes = self.sketch.axes if self.networks.modules else _whole
        return self.call(self.values, axes, *((x, dist) if self.takes_dist else (x,)))

    def sketched(self) -> "Sketch":
        """The cost once, of samples without replicates."""
        tensors = self.networks.doubled
        dist = self.family(**tensors)
        x = dist.sample((SKETCHED,))
        with Sketch(SKETCHED) as found:
            self.call(tensors, found.record, *((x, dist) if self.takes_dist else (x,)))
        return found


def beside_data(function: Callable) -> str:
    """What to do about tensors that do not meet the data of a family or a cost, or nothing."""
    if getattr(function, "batch", None) is None:
        return ""
    return (
        "; tensors and a module's own parameters arrive with the replicates' axis in front: beside "
        "a batch of data a vector needs .unsqueeze(-2) and a number .unsqueeze(-1), or to be used "
        "in a method of the module"
    )


class Sketch:
    """How many axes each input of a function's modules has, call by call, and what they hold.

    `held` are the numbers that the modules' layers write for one sample. Tensors with `samples` in
    front have one axis less. Inside, as a context, layers are heard.
    """

    def __init__(self, samples: int):
        self.samples, self.ranks, self.held = samples, [], 0

    def __enter__(self):
        self._hook = register_module_forward_hook(self._hear)
        return self

    def __exit__(self, *_):
        self._hook.remove()

    def _hear(self, module: nn.Module, inputs: Any, output: Any) -> None:
        if isinstance(output, Tensor) and not any(True for _ in module.children()):
            self.held += output.numel()

    def record(self, weights: Mapping) -> Callable[[Tensor], int]:
        """Of a call that is looked at: how many axes of samples an input has, 0 or 1."""
        ranks = []
        self.ranks.append(ranks)

        def measure(value: Tensor) -> int:
            sampled = int(bool(self.samples) and value.shape[:1] == (self.samples,))
            ranks.append(value.ndim - sampled)
            return sampled

        return measure

    @property
    def axes(self) -> Callable:
        """For one execution of the function: how many axes are in front of inputs, call by call."""
        calls = iter(self.ranks)

        def of_call(weights: Mapping) -> Callable[[Tensor], int]:
            ranks = iter(next(calls, ()))

            def measure(value: Tensor) -> int:
                rank = next(ranks, None)
                if rank is None or rank > value.ndim:
                    raise NetworkError(
                        "The modules are called in another order or with other inputs than before; "
                        "call them in the same way every time, with all axes in front."
                    )
                return value.ndim - rank

            return measure

        return of_call


def _whole(weights: Mapping) -> Callable[[Tensor], int]:
    """Inputs have no axes in front."""
    return lambda value: 0
