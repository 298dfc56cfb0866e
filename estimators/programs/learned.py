"""What the estimators at the nodes of a program have learned after training at one λ.

A control variate is taught by executions of the program, as in a training loop, an average of costs
by the costs at its node. Anything else that is fitted to a law can be fitted to the first node's
alone: that of any other node moves with the draws before it.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.core import Estimator, Unsupported
from estimators.programs.execution import Chosen, Execution
from estimators.programs.joint import Joint

Executed = Callable[[], Execution]  # an execution to come, of a program with its strategies


def learns(estimator: Estimator) -> bool:
    """Whether an estimator has parts that are fitted."""
    return type(estimator).fitted is not Estimator.fitted


def learn(strategies: Chosen, dist: Joint, cost: Callable, samples: int) -> None:
    """Fit each of `strategies.own`, in place: estimators by node, or by the key of joint draws.

    `cost` hears the value of every execution, if it wants to. Raises Unsupported with the node's
    name for what can be fitted to one law only.
    """
    leaves = {
        name: value.detach().requires_grad_() if isinstance(value, Tensor) else value
        for name, value in dist.parameters.items()
    }
    completed = getattr(cost, "completed", None)

    def executed() -> Execution:
        return Execution(strategies, dist.model, leaves, samples, completed)

    with torch.enable_grad():
        _teach(strategies.own, executed, dist.batch_shape)
    first, heard = dist.layout.places[0].name, Heard(executed, dist.batch_shape)
    averaged = {
        unit: _averaged(e, CostsAt(unit, heard))
        for unit, e in strategies.own.items()
        if not hasattr(e, "kept")
    }
    for unit, found in averaged.items():
        one_law = found or _of_first(strategies.own[unit], first, unit, executed, dist.batch_shape)
        strategies.own[unit] = one_law


def _teach(own: dict[str, Estimator], executed: Executed, lead: torch.Size) -> None:
    """Execute until each has had its lessons, and keep what they taught."""
    pupils = {unit: e for unit, e in own.items() if hasattr(e, "kept") and e.fit_steps}
    while pupils:
        executed().surrogate(lead)
        for unit, estimator in list(pupils.items()):
            if estimator.kept is not None:
                own[unit] = pupils.pop(unit).kept


def _averaged(estimator: Estimator, costs: "CostsAt") -> Estimator | None:
    """The estimator with averages of the costs at its node; None where it learns otherwise."""
    try:
        return estimator.fitted(costs, lambda f, _: f, 1)
    except (Unsupported, NotImplementedError, StopIteration):
        return None


def _of_first(
    estimator: Estimator, first: str, unit: str, executed: Executed, lead: torch.Size
) -> Estimator:
    """The estimator fitted to the law of the first node."""
    if unit != "*" and first not in unit.split(","):
        raise Unsupported(
            f"Node {unit!r}: {estimator} is fitted to one law, and the law of a node moves with "
            "the draws before it; use it at the first node, or an estimator here that learns from "
            "its calls or not at all."
        )
    execution = executed()
    fitting = Fitting(estimator)
    execution.strategies = copy.copy(execution.strategies)
    object.__setattr__(execution.strategies, "own", execution.strategies.own | {unit: fitting})
    execution.surrogate(lead)
    return fitting.found[-1]


@dataclass(frozen=True)
class Fitting(Estimator):
    """Stands at a node in the place of an estimator, and fits that to the node's law."""

    estimator: Estimator

    def __post_init__(self):
        object.__setattr__(self, "found", [])

    def surrogate(self, dist, cost, samples=1):
        self.found.append(self.estimator.fitted(dist, cost, samples))
        return torch.zeros(dist.batch_shape)


class Heard:
    """The costs at every node, of one execution of a program after the other."""

    def __init__(self, executed: Executed, lead: torch.Size):
        self.executed, self.lead, self.found = executed, lead, []

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        """Those of one execution: [K, *lead] each."""
        while len(self.found) <= index:
            execution = self.executed()
            execution.heard = {}
            with torch.no_grad():
                execution.surrogate(self.lead)
            self.found.append(execution.heard)
        return self.found[index]


class CostsAt(Distribution):
    """The law of what follows a node: a sample is the costs of K draws of it, [K, *batch]."""

    arg_constraints = {}  # noqa: RUF012, as in torch.distributions

    def __init__(self, unit: str, heard: Heard):
        self.unit, self.heard, self.drawn = unit, heard, 0
        super().__init__(heard.lead, validate_args=False)

    def sample(self, sample_shape=()):
        """Of the next execution, averaged over samples of earlier nodes."""
        self.drawn += 1
        f = self.heard[self.drawn - 1][self.unit]  # [K, *lead]
        earlier = f.ndim - 1 - len(self.batch_shape)
        return f.flatten(1, earlier).mean(1) if earlier else f
