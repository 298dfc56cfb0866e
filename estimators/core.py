"""The one interface, the registry, and replicate gradients."""

import copy
import dataclasses
import difflib
import inspect
import json
import os
import sys
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.arity import takes_dist
from estimators.capabilities import Unsupported, describe, factor, with_leaves
from estimators.capabilities.fused_twins import fused
from estimators.configuration import described

Cost = Callable[..., Tensor]
MOST_NAMED = 60  # names in a message


@dataclass(frozen=True)
class Estimator(ABC):
    """Turns (distribution, cost, K) into a surrogate loss whose gradient estimates ∇_λ E[f(x)].

    A subclass with fields is a frozen dataclass; they are the configuration in results.
    Laws, each tested over every registered estimator and every problem it accepts:

    - shape: `surrogate(dist, cost, samples)` is `[*dist.batch_shape]`;
    - value: its mean is E[f], if `unbiased`;
    - truth: the mean of its gradient with respect to λ is the exact gradient, if `unbiased`;
    - isolation: one batch element depends on nothing of another, not by a single bit;
    - silence: no backward, no `.grad`, no seeding, no printing, no edits of its arguments;
    - refusal: what it cannot do raises `Unsupported` with a sentence for a person.
    """

    name: str = field(default="", kw_only=True, compare=False)
    unbiased: ClassVar[bool] = False

    @abstractmethod
    def surrogate(self, dist: Distribution, cost: Cost, samples: int = 1) -> Tensor:
        """The surrogate loss of `samples` draws of `dist`: [*dist.batch_shape].

        `cost` takes `(x, dist)` or `(x)`, with x `[K, *batch, *event]`, and returns `[K, *batch]`.
        """

    def fitted(self, dist: Distribution, cost: Cost, samples: int = 1) -> "Estimator":
        """This estimator with its learned parts as they are after training at this λ.

        Arguments are those of `surrogate`; axis 0 of the batch of `dist` counts replicates, which
        share nothing. `cost` is what it learns from, `samples` the K it will be asked for.
        """
        return self

    def serving(self, places: Tensor) -> "Estimator | None":
        """This estimator, which is `fitted`, with its learned parts at these `places` of axis 0.

        `places` [R] says which fit serves which replicate. None where that cannot be done, as in
        one that learns and does not say how.
        """
        return None

    def unsupported(self, dist: Distribution, samples: int = 1) -> str | None:
        """Why this estimator cannot handle `dist` with K = `samples`, or None. It tries.

        What torch cannot do is a refusal. A RuntimeError of somebody's own code is raised.
        """
        try:
            with torch.random.fork_rng(devices=_cuda_devices(dist)), torch.enable_grad():
                twin, leaves = with_leaves(dist)
                surrogate = copy.deepcopy(self).surrogate(twin, _Probe(), samples)
                if leaves and not surrogate.requires_grad:
                    return (
                        f"{describe(dist)} gives {self} no derivative: its samples are detached "
                        "from its parameters; use a score-function estimator such as reinforce-loo."
                    )
                if leaves:
                    torch.autograd.grad(surrogate.sum(), leaves.values(), allow_unused=True)
        except Unsupported as refusal:
            return str(refusal)
        except RuntimeError as failure:  # and NotImplementedError, which is one
            if not isinstance(failure, NotImplementedError) and not _within_torch(failure):
                raise
            return f"{describe(dist)} cannot be used by {self}: {_first_line(failure)}."
        return None

    @property
    def config(self) -> dict[str, Any]:
        """The configuration: every field but the name, as plain values, or by its type."""
        return {
            f.name: described(getattr(self, f.name))
            for f in dataclasses.fields(self)
            if f.name != "name" and f.init and f.compare
        }

    @property
    def config_json(self) -> str:
        """The configuration as it stands in results: sorted JSON."""
        return json.dumps(self.config, sort_keys=True)

    def __str__(self) -> str:
        return self.name or type(self).__name__


class Registered(NamedTuple):
    """What stands behind a name: the class, the fields set with it, and the smallest suite."""

    cls: type[Estimator]
    preset: dict[str, Any]
    suite: str


_registry: dict[str, Registered] = {}
_origins: dict[type, str] = {}  # the file in which a class was registered


def register(
    name: str, suite: Literal["quick", "full"] | None = None, /, **preset
) -> Callable[[type[Estimator]], type[Estimator]]:
    """Class decorator that adds an estimator to the registry; one class may carry several names.

    - `name`: kebab-case, as on the command line and in results.
    - `suite`: the smallest suite that measures it. None means "full" for a class of this package,
      and "quick" for any other: what its author registers is always measured.
    - `preset`: fields of the class and their values under this name.

    A file that is run again replaces its own classes. Raises ValueError if another class has the
    name already, whatever it is called, and for an unknown suite.
    """
    if suite not in (None, "quick", "full"):
        raise ValueError(f"{name}: the suite is 'quick' or 'full', not {suite!r}.")

    def add(cls: type[Estimator]) -> type[Estimator]:
        if not issubclass(cls, Estimator):
            raise TypeError(f"{cls.__name__} must inherit from estimators.Estimator.")
        _origins[cls] = origin_of(cls)
        holder = _registry[name].cls if name in _registry else cls
        place = _origins.get(holder, origin_of(holder))
        if (holder.__qualname__, place) != (cls.__qualname__, _origins[cls]):
            raise ValueError(
                f"The name {name!r} is taken by {holder.__qualname__} of {place}; choose another."
            )
        own = cls.__module__.partition(".")[0] == __package__
        _registry[name] = Registered(cls, preset, suite or ("full" if own else "quick"))
        return cls

    return add


def origin_of(defined: type | Callable) -> str:
    """The file that defines a class or function, or its module's name where there is none."""
    module = sys.modules.get(defined.__module__)
    file = getattr(module, "__file__", None)
    return os.path.realpath(file) if file else defined.__module__


def names(suite: Literal["quick", "full"] = "full") -> list[str]:
    """The registered names that `suite` measures, sorted: every one, or those of "quick"."""
    return sorted(name for name, known in _registry.items() if suite in ("full", known.suite))


def create(name: str, **fields) -> Estimator:
    """The estimator registered as `name`, with `fields` set; ValueError if there is none.

    Fields may also stand in the name: "gumbel-softmax:temperature=0.1,hard=true".
    """
    name, _, settings = name.partition(":")
    fields |= dict(_setting(setting) for setting in settings.split(",") if setting)
    if name not in _registry:
        raise ValueError(unknown("estimator", name, names()))
    cls, preset, _ = _registry[name]
    known = {f.name for f in dataclasses.fields(cls) if f.init} - {"name"}
    for wrong in set(fields) - known:
        raise TypeError(
            f"{name} has no field {wrong!r}; its fields are: {', '.join(sorted(known)) or 'none'}."
        )
    return cls(name=name, **{**preset, **fields})


def _setting(text: str) -> tuple[str, Any]:
    field_name, _, value = text.partition("=")
    try:
        return field_name.strip(), json.loads(value)
    except json.JSONDecodeError:
        raise ValueError(f"{text!r} is no setting; write FIELD=NUMBER, true or false.") from None


def about(name: str) -> dict[str, Any]:
    """What the registry knows of `name`: summary, unbiased, fields, preset, suite and source."""
    estimator = create(name)
    doc = inspect.cleandoc(type(estimator).__doc__ or "")
    source = doc.partition("Source: ")[2]
    return {
        "name": name,
        "summary": " ".join(doc.partition("\n\n")[0].split()),
        "unbiased": estimator.unbiased,
        "fields": estimator.config,
        "preset": {field: described(value) for field, value in _registry[name].preset.items()},
        "suite": _registry[name].suite,
        "source": " ".join(source.split()),
    }


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """One sentence for a name that does not exist: the closest one, and the list if it is short.

    - `kind`: what it should be the name of, such as "estimator".
    - `name`: what was asked for.
    - `known`: the names there are.
    """
    known = list(known)
    close = difflib.get_close_matches(name, known, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    rest = "" if len(known) <= MOST_NAMED else f", and {len(known) - MOST_NAMED} more"
    return f"There is no {kind} {name!r}.{hint} Known: {', '.join(known[:MOST_NAMED])}{rest}."


def evaluate(cost: Cost, x: Tensor, dist: Distribution) -> Tensor:
    """cost(x, dist) or cost(x): [K, *batch].

    - `cost`: reduces the event axes of x and no others.
    - `x`: samples [K, *batch, *event].
    - `dist`: the distribution that they are of.

    Raises ValueError if the cost has another shape, Unsupported if `x` carries a derivative that
    the cost cuts off.
    """
    f = cost(x, dist) if takes_dist(cost) else cost(x)
    expected = x.shape[: x.ndim - len(dist.event_shape)]
    if not isinstance(f, Tensor) or f.shape != expected:
        got = f"shape {tuple(f.shape)}" if isinstance(f, Tensor) else f"a {type(f).__name__}"
        raise ValueError(
            f"The cost {_cost_name(cost)} returned {got} where {tuple(expected)} was expected: "
            f"of samples {tuple(x.shape)} it must reduce the {len(dist.event_shape)} event axes "
            "on the right and keep all others."
        )
    if x.requires_grad and not f.requires_grad and torch.is_grad_enabled():
        raise Unsupported(
            f"The cost {_cost_name(cost)} has no derivative in x, which this estimator needs; "
            "use a score-function estimator such as reinforce-loo."
        )
    return f


def bound(cost: Cost, parameters: Mapping[str, Tensor]) -> Cost:
    """The cost at these values of λ, if it depends on λ by itself, as by a decoder's weights."""
    return cost.given(parameters) if hasattr(cost, "given") else cost


def averaged(f: Tensor) -> Tensor:
    """The mean over the samples, [K, *batch] → [*batch]: a view where there is only one."""
    return f.squeeze(0) if len(f) == 1 else f.mean(0)


def replicate_gradients(
    estimator: Estimator,
    family: Callable[..., Distribution],
    parameters: dict[str, Tensor],
    cost: Cost,
    samples: int = 1,
    replicates: int = 1,
) -> dict[str, Tensor]:
    """R independent gradient estimates from one forward and one backward: each [R, *shape].

    - `estimator`: one with learned parts must come `fitted`.
    - `family`: builds the distribution from λ as keywords, with any number of leading axes.
    - `parameters`: λ by name, each [*shape]; every replicate has its own copy of it.
    - `cost`: f(x, dist) or f(x), of x [K, R, *batch, *event]; one that depends on λ by itself has a
      method `given` that takes each replicate's copies.
    - `samples`: K, the draws of each estimate.
    - `replicates`: R.

    Raises Unsupported where the surrogate does not depend on λ.
    """
    copies = {
        name: value.detach().expand((replicates, *value.shape)).detach().requires_grad_()
        for name, value in parameters.items()
    }
    cost = bound(cost, copies)
    surrogate = estimator.surrogate(fused(family(**copies)), cost, samples)
    if not surrogate.requires_grad:
        raise Unsupported(
            f"The surrogate of {estimator} does not depend on λ: the cost {_cost_name(cost)} has "
            "no derivative in x; use a score-function estimator such as reinforce-loo."
        )
    gradients = torch.autograd.grad(
        surrogate.sum(), list(copies.values()), allow_unused=True, materialize_grads=True
    )
    return dict(zip(copies, gradients, strict=True))


class _Total:
    """A reduction of the costs of several copies, [..., copies] → [...], over the whole share."""

    share = 1.0

    def __call__(self, f: Tensor) -> Tensor:
        return f.sum(-1)


class _Probe:
    """A smooth cost for trying an estimator, the sum over the event, with all a cost may carry."""

    reduction = _Total()

    def __call__(self, x: Tensor, dist: Distribution) -> Tensor:
        return self._summed(x, dist)

    def terms(self, x: Tensor, dist: Distribution) -> Tensor:
        """What depends on each factor of `dist`, copy or place: [K, *B, *factors]."""
        return self._summed(x, factor(dist))

    def _summed(self, x: Tensor, dist: Distribution) -> Tensor:
        x = x if x.is_floating_point() else x.to(torch.get_default_dtype())
        return x.flatten(x.ndim - len(dist.event_shape)).sum(-1) if dist.event_shape else x * 1.0


def _cuda_devices(dist: Distribution) -> list[int]:
    return sorted({t.device.index or 0 for t in with_leaves(dist)[1].values() if t.is_cuda})


def _cost_name(cost: Cost) -> str:
    return repr(getattr(cost, "__name__", type(cost).__name__))


def _within_torch(failure: Exception) -> bool:
    """Whether code of torch raised it, and not a line of somebody else's."""
    names = []
    for frame, _ in traceback.walk_tb(failure.__traceback__):
        if frame.f_code.co_name == "__torch_dispatch__":
            break  # what a mode looks at is still the operation
        names.append(frame.f_globals.get("__name__", ""))
    while names[-1].startswith(("torch._compile", "torch._dynamo")):  # the way to a mode
        names.pop()
    return names[-1].partition(".")[0] == "torch"


def _first_line(failure: Exception) -> str:
    return (str(failure).strip().splitlines() or [type(failure).__name__])[0].rstrip(".")
