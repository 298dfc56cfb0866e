"""A strategy at each node of a program: which estimator, and how many samples."""

import copy
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from torch import Tensor

from estimators import core
from estimators.core import Estimator, Unsupported, unknown
from estimators.programs.draws import Model
from estimators.programs.execution import Execution
from estimators.programs.joint import Joint
from estimators.programs.learned import learn, learns

NO_NODES = "Strategies for nodes need a program that has them; give one estimator, or a Program."
Samples = int | Mapping[str, int]


@dataclass(frozen=True)
class Strategies(Estimator):
    """An estimator at each node of a program, nested: the cost that each is given is the rest.

    `nodes` maps a node's name, or several joined by commas and drawn one after the other, or "*"
    for all, to an estimator. "b" also stands for the nodes "b.0", "b.1", … that have none of their
    own. K is `samples` of each node, for those that `counts` does not name, or with `first_only` of
    the node drawn first, and one for each other; samples of later nodes multiply those of earlier
    ones. What an estimator learns, it learns at each node by itself, in `own`: keep the object for
    a training loop. Unbiased where every estimator is. What evaluates the cost once costs one
    execution of the rest; each evaluation more costs one more of the model.
    Raises Unsupported with the node's name, ModelError for a mistake in the model.
    Source: Schulman, Heess, Weber & Abbeel 2015, arXiv:1506.05254; van Krieken, Tomczak & ten
    Teije 2021, arXiv:2104.00428; Lew, Huot, Staton & Mansinghka 2023, arXiv:2212.06386.
    """

    nodes: Mapping[str, Estimator]
    counts: Mapping[str, int] = field(default_factory=dict)
    first_only: bool = False
    own: dict[str, Estimator] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(
        cls, nodes: Mapping[str, Estimator | str], samples: Samples = 1, first_only: bool = False
    ) -> "Strategies":
        """From estimators or their names, and samples for all nodes or by node.

        ValueError for a node that is named twice, and for samples of a node without a strategy.
        """
        made = {
            _plain(key): core.create(e) if isinstance(e, str) else e for key, e in nodes.items()
        }
        named = [part for key in made for part in key.split(",")]
        for name in named:
            if named.count(name) > 1 or ("*" in named and len(named) > 1):
                raise ValueError(
                    f"Node {name!r} has two strategies in {', '.join(map(repr, made))}; give each "
                    'node one, or all of them together as {"*": …}.'
                )
        counts = {}
        if isinstance(samples, Mapping):
            counts = {_plain(key): count for key, count in samples.items()}
        for key, count in counts.items():
            if key not in made:
                raise ValueError(unknown("strategy for node", key, made))
            if count < 1:
                raise ValueError(f"samples={count} at node {key!r}: it needs at least one, K ≥ 1.")
        title = ", ".join(f"{key}={e}" for key, e in made.items())
        kind = LearningStrategies if any(map(learns, made.values())) else Strategies
        return kind(made, counts, first_only, name=title)

    @property
    def unbiased(self) -> bool:
        """Whether every node's estimator is."""
        return all(e.unbiased for e in self.nodes.values())

    @property
    def config(self) -> dict[str, Any]:
        """The configuration of each node, as plain values."""
        by_node = {key: {"estimator": str(e), **e.config} for key, e in self.nodes.items()}
        if self.first_only:
            return by_node | {"samples": "of the first node"}
        return by_node | ({"samples": dict(self.counts)} if self.counts else {})

    def surrogate(self, dist, cost, samples=1):
        if not isinstance(dist, Joint):
            raise Unsupported(NO_NODES)
        completed = getattr(cost, "completed", None)
        execution = Execution(self, dist.model, dist.parameters, samples, completed)
        return execution.surrogate(dist.batch_shape)

    def unsupported(self, dist, samples=1):
        """Why not, with the name of the node, or None. It tries each node by itself, then all."""
        if not isinstance(dist, Joint):
            return NO_NODES
        own = copy.deepcopy(self) if isinstance(self, LearningStrategies) else self
        try:
            with torch.random.fork_rng(devices=[]), torch.enable_grad():
                execution = Execution(own, dist.model, dist.parameters, samples, probing=True)
                execution.surrogate(dist.batch_shape)
        except Unsupported as refusal:
            return str(refusal)
        return None

    def at(self, name: str) -> Estimator:
        """The estimator of a node; one that learns is a copy where others share it."""
        key, unit = self.key_of(name), self.unit_of(name)
        estimator = self.own.get(unit, self.nodes[key])
        if unit != key and unit not in self.own and learns(estimator):
            self.own[unit] = estimator = copy.deepcopy(estimator)
        return estimator

    def unit_of(self, name: str) -> str:
        """What a node is drawn as: its name, or the key of all that are drawn together with it."""
        key = self.key_of(name)
        return key if key == "*" or "," in key else name

    def key_of(self, name: str) -> str:
        """The key of the strategy for a node; Unsupported if it has none."""
        for wanted in (name, name.partition(".")[0]):
            for key in self.nodes:
                if key == "*" or wanted in key.split(","):
                    return key
        raise Unsupported(
            f"Node {name!r} has no strategy; give it one beside {', '.join(map(repr, self.nodes))}."
        )


class LearningStrategies(Strategies):
    """Strategies of which some learn, each at its node and from what follows there."""

    def fitted(self, dist, cost, samples=1):
        """These with what each has learned after training at this λ."""
        own = {}
        for place in dist.layout.places:
            key = self.key_of(place.name)
            if learns(self.nodes[key]):
                own[self.unit_of(place.name)] = copy.deepcopy(self.nodes[key])
        pupils = replace(self, own=own)
        learn(pupils, dist, cost, samples)
        return pupils


def surrogate(
    model: Model,
    strategies: Mapping[str, Estimator | str] | Strategies,
    parameters: Mapping[str, Any],
    samples: Samples = 1,
) -> Tensor:
    """The surrogate loss of a program: its gradient in the parameters estimates that of E[cost].

    `model(draw, **parameters)` returns the cost [*lead]; `draw(name, dist)` returns a sample
    [K, *lead, *event], a new axis in front for every node; `draw.add(value)` adds a cost on the
    way, which weighs only on the nodes before. `strategies` maps each node's name to an estimator
    or its name; "b,z" and "*" are joint draws. `samples` is K, of all nodes or by node. The result
    has the batch_shape of the first node. Parameters are handed on as they are, modules included.
    What learns starts anew at every call from names: give a loop `Strategies.of(...)`, made once.
    Raises Unsupported or ModelError with one sentence that names the node.
    """
    by_name = False
    if not isinstance(strategies, Strategies):
        by_name = all(isinstance(e, str) for e in strategies.values())
        counts = tuple(samples.items()) if isinstance(samples, Mapping) else ()
        given = tuple(strategies.items()), counts
        strategies = _named(*given) if by_name else _made(*given)
        if isinstance(strategies, LearningStrategies):
            strategies = _made(*given)  # what is learned belongs to one training loop
    count = 1 if isinstance(samples, Mapping) else samples
    execution = Execution(strategies, model, dict(parameters), count)
    execution.teaches = not by_name
    return execution.surrogate(None)


def _made(nodes: tuple, counts: tuple[tuple[str, int], ...]) -> Strategies:
    return Strategies.of(dict(nodes), dict(counts))


_named = functools.lru_cache(maxsize=64)(_made)  # once for all steps of a training loop


def _plain(key: str) -> str:
    return ",".join(part.strip() for part in key.split(","))
