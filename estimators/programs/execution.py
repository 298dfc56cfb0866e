"""A model executed with an estimator at each node, each left halfway until its cost is known."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.control_variates.learning import Learning
from estimators.core import Estimator, Unsupported, unknown
from estimators.programs.draws import Drawn, Draws, Model, ModelError, fitted_to
from estimators.programs.halves import Apart, Half, first_half
from estimators.programs.nested import Group, Nested
from estimators.programs.refusals import At, readable

MOST = 2**21  # samples of one node for one estimate


class Chosen(Protocol):
    """What an execution asks of the strategies."""

    nodes: Mapping[str, Estimator]
    counts: Mapping[str, int]
    first_only: bool

    def key_of(self, name: str) -> str:
        """The key of the strategy for a node."""

    def at(self, name: str) -> Estimator:
        """The estimator of a node."""

    def unit_of(self, name: str) -> str:
        """The node's name, or the key of all that are drawn together with it."""


@dataclass
class Node:
    """A node whose estimator has drawn and waits, and after how many draws it came."""

    name: str
    place: int
    half: Half


class Execution:
    """The model with a strategy at each node. `completed` hears the costs of every execution."""

    def __init__(
        self,
        strategies: Chosen,
        model: Model,
        parameters: dict[str, Any],
        samples: int,
        completed: Callable[[Tensor], Any] | None = None,
        probing: bool = False,
    ):
        self.strategies, self.model, self.parameters = strategies, model, parameters
        self.samples, self.completed, self.probing = samples, completed, probing
        self.used: dict[str, list[str]] = {}
        self.heard: dict[str, Tensor] | None = None  # the costs at each node, if wanted
        self.repeats = 0  # executions within one another that answer a further question
        self.teaches = not probing  # those that learn from calls

    def surrogate(self, lead: torch.Size | None) -> Tensor:
        """The surrogate of the whole program: [*lead]."""
        found = self.after((), lead, 0)
        for key in self.strategies.nodes:
            for part in key.split(","):
                names = self.used.get(key, [])
                if part != "*" and not any(part in (n, n.partition(".")[0]) for n in names):
                    drawn = [name for names in self.used.values() for name in names]
                    raise Unsupported(unknown("node", part, dict.fromkeys(drawn)))
        return found

    def after(self, history: tuple[Drawn, ...], lead: torch.Size | None, since: int) -> Tensor:
        """The surrogate of what comes after `since` draws, those in `history` given: [*lead]."""
        run = Run(self, history, lead, since)
        try:
            run.run(self.model, self.parameters)
        except Nested as nested:
            end = len(run.drawn)
            with At(nested.name):
                f = nested.surrogate(self, tuple(run.drawn), run.lead, run.leads[0])
            f = _plus(f, run.costs.pop(end, None))
        except RuntimeError as failure:
            raise readable(failure) from failure
        else:
            end = len(run.drawn)
            if self.completed is not None:
                self.completed(run.total())
            f = self._full(run.costs.pop(end, None), run.lead)
        return self._settled(run, f)

    def repeated(self, history: tuple[Drawn, ...], lead: torch.Size, since: int) -> Tensor:
        """The surrogate again, of other draws in `history`; nothing is learned from it."""
        self.repeats += 1
        try:
            return self.after(history, lead, since)
        finally:
            self.repeats -= 1

    def hear(self, unit: str, f: Tensor) -> None:
        """Keep the costs at a node [K, *lead], if somebody wants them."""
        if self.heard is not None and not self.repeats:
            self.heard.setdefault(unit, f.detach())

    def _settled(self, run: "Run", f: Tensor) -> Tensor:
        for node in reversed(run.nodes):
            drawn = tuple(run.drawn[: node.place])

            def again(x: Tensor, node=node, drawn=drawn) -> Tensor:
                given = Drawn.of(node.name, x, node.half.dist.event_shape)
                f = self.repeated((*drawn, given), run.leads[0], node.place + 1)
                return f.unsqueeze(0) if len(x) == 1 else f

            with At(node.name):
                f = f.unsqueeze(0) if len(node.half.x) == 1 else f
                self.hear(node.name, f)
                f = node.half.finish(f, again)
                if f.shape != run.leads[node.place]:
                    raise Unsupported(
                        f"The surrogate of {node.half.estimator} has shape {tuple(f.shape)} where "
                        f"{tuple(run.leads[node.place])} was expected."
                    )
            f = _plus(f, run.costs.pop(node.place, None))
        for value in run.costs.values():  # of a group, between its members
            f = f + value
        return f

    def _full(self, value: Tensor | None, lead: torch.Size | None) -> Tensor:
        if lead is None:
            raise ModelError("The model draws no node; call draw(name, dist) at least once in it.")
        if value is None:
            return torch.zeros(lead)
        return value if value.shape == lead else value.expand(lead)

    def count(self, key: str, first: bool) -> int:
        """K of a strategy, at the node drawn first or at another."""
        if self.strategies.first_only:
            return self.samples if first else 1
        return self.strategies.counts.get(key, self.samples)


class Run(Draws):
    """One execution, in which each node's estimator draws and is left waiting."""

    def __init__(self, execution: Execution, history, lead, since):
        super().__init__(history, lead, since)
        self.execution, self.nodes = execution, []

    def draw(self, name: str, dist: Distribution) -> Drawn:
        """What the node's estimator draws. Raises Nested where it has to be asked as a whole."""
        ours, place = self.execution, len(self.drawn)
        law = fitted_to(name, dist, self.lead)
        if self.lead is None:
            self.leads[0] = law.batch_shape
        key = ours.strategies.key_of(name)
        estimator, samples = ours.strategies.at(name), ours.count(key, not place)
        if samples * law.batch_shape.numel() > MOST * self.leads[0].numel():
            raise Unsupported(
                f"Node {name!r}: with {samples} samples here and those of the {place} nodes before "
                f"it, one estimate draws it more than {MOST:,} times; give fewer samples by node, "
                'or draw nodes together, as {"*": "reinforce-loo"}.'
            )
        learning = getattr(estimator, "learning", None)
        if isinstance(learning, Learning):
            learning.axes = len(self.leads[0])
            learning.rests = ours.repeats > 0 or not ours.teaches
        if ours.strategies.unit_of(name) == key != name:
            raise Group(name, key, estimator, samples)
        ours.used.setdefault(key, []).append(name)
        with At(name):
            if ours.probing and len(ours.used[key]) == len(set(ours.used[key])):
                _try(estimator, law, samples)
            try:
                half = first_half(estimator, law, samples)
            except Apart:
                raise Nested(name, estimator, law, samples) from None
        self.nodes.append(Node(name, place, half))
        return Drawn.of(name, half.x, law.event_shape)


def _plus(f: Tensor, more: Tensor | None) -> Tensor:
    return f if more is None else f + more


def _try(estimator: Estimator, law: Distribution, samples: int) -> None:
    refusal = estimator.unsupported(law, samples)
    if refusal is not None:
        raise Unsupported(refusal)
