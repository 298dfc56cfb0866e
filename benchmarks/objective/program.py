"""A program: a model that draws by name, whose gradient is wanted with a strategy at each node."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor, nn
from torch.distributions import Distribution

from benchmarks.objective.batches import Batches, DataError
from benchmarks.objective.definition import Problem, ProblemError
from benchmarks.objective.networks import Networks
from benchmarks.objective.program_laws import Laws, ProgramCost
from benchmarks.objective.replicated_calls import NetworkError
from estimators import Estimator
from estimators.programs import ModelError, Strategies

Strategy = Estimator | str | Mapping[str, Estimator | str]
MOST_TIMES = 64  # samples of later nodes that the size of a block takes into account


@dataclass(frozen=True, eq=False, init=False)
class Program(Problem):
    """∇_λ E[model(draw, **λ)], over all that the model draws.

    `model` takes `draw` and the parameters by name, with any number of leading axes, and returns
    the cost [*lead]; `draw(name, dist)` returns a sample, whose law may depend on earlier ones;
    `draw.add(value)` adds a cost on the way, which weighs only on the nodes before it. `parameters`
    are floating tensors or modules, which arrive as callables that take leading axes; with a
    `minibatch`, the model also takes `batch`. `truth` and further `fields` as for a Problem;
    `family` and `cost` are what copies of a program are made with, and not given by hand.

    It is the Problem of the nodes' joint law: an estimator by itself draws all nodes together, a
    mapping from nodes to estimators treats each by its own.
    Raises ProblemError for a mistake in the model: one sentence with the node's name.
    """

    model: Callable[..., Tensor] | None = None

    def __init__(
        self,
        name: str,
        parameters: Mapping[str, Tensor | nn.Module],
        model: Callable[..., Tensor],
        truth: Any = "auto",
        *,
        family: Callable[..., Distribution] | None = None,
        cost: Callable[..., Tensor] | None = None,
        **fields,
    ):
        cost, new = cost or ProgramCost(), family is None
        if new:
            family, fields["minibatch"] = self._laws(name, parameters, model, fields)
            parameters = family.networks.tensors
        super().__init__(name, parameters, family, cost, truth, **fields)
        object.__setattr__(self, "model", model)
        if new:
            try:
                object.__setattr__(self, "family", self.family.sketched(self.parameters))
            except (ModelError, NetworkError) as mistake:
                raise ProblemError(f"Program {name!r}: {mistake}") from mistake

    @staticmethod
    def _laws(name: str, parameters: Mapping, model: Callable, fields: Mapping) -> tuple:
        """The joint law as a family, and the data in batches if there are any."""
        data = fields.get("minibatch")
        try:
            if data is not None and not callable(data):
                data = Batches(data, fields.get("batch_size", 64))
            networks = Networks(parameters)
        except (NetworkError, DataError) as mistake:
            raise ProblemError(f"Program {name!r}: {mistake}") from mistake
        return Laws(model, networks, data[0] if isinstance(data, Batches) else None), data

    @property
    def nodes(self) -> dict[str, bool]:
        """The nodes in the order drawn, and whether each is discrete."""
        return {place.name: place.discrete for place in self.family.layout.places}

    def numbers(self, samples: int) -> int:
        """About how many numbers one replicate of K = `samples` at each node holds in memory."""
        times = min(samples ** (len(self.nodes) - 1), MOST_TIMES)
        return super().numbers(samples) * times


def opened(
    problem: Problem, estimator: Strategy, samples: int | Mapping[str, int]
) -> tuple[Problem, Estimator | str, int]:
    """A problem, an estimator and K, of a program with strategies at its nodes as of any other.

    K is the product of the nodes' samples where they are given by node. ProblemError for
    strategies without a program, or for a node that there is not.
    """
    if not isinstance(estimator, Mapping | Strategies):
        if isinstance(samples, Mapping):
            raise ProblemError("Samples by node need strategies by node, such as {'b': 'disarm'}.")
        return problem, estimator, samples
    if not isinstance(problem, Program):
        raise ProblemError(
            f"Problem {problem.name!r} has no nodes for strategies; make it a Program, or give one "
            "estimator."
        )
    strategies = estimator
    if isinstance(estimator, Mapping):
        strategies = in_order(problem, Strategies.of(estimator, samples))
    if problem.reduction is not None and list(strategies.nodes) == ["*"]:
        return problem, strategies.nodes["*"], samples  # of the copies that it is made for
    if isinstance(samples, Mapping):
        return problem, strategies, math.prod(strategies.counts.values())
    return problem, strategies, samples


def in_order(program: Program, strategies: Strategies) -> Strategies:
    """The strategies in the order in which their nodes are drawn, and named so."""
    order = list(program.nodes)

    def place(key: str) -> int:
        first = key.split(",")[0]
        for index, name in enumerate(order):
            if first in ("*", name, name.partition(".")[0]):
                return index
        return len(order)

    nodes = dict(sorted(strategies.nodes.items(), key=lambda item: place(item[0])))
    title = ", ".join(f"{key}={e}" for key, e in nodes.items())
    return replace(strategies, nodes=nodes, name=title)
