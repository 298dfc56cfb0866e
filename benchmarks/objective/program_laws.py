"""The joint law of a model's nodes as a family of distributions."""

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution
from torch.utils._pytree import tree_map

from benchmarks.objective.named_arguments import BATCH, names_of
from benchmarks.objective.networks import Networks, cast_like
from benchmarks.objective.program_checks import check_apart, check_reached
from estimators import capabilities
from estimators.programs import Joint, ModelError


class ProgramCost:
    """What a model returns and adds, of samples of its joint law."""

    def __call__(self, x: Tensor, dist: Joint) -> Tensor:
        """x [K, R, *B, D] → [K, R, *B]."""
        return dist.cost(x)

    def completed(self, f: Tensor) -> None:
        """Hears the cost of every execution with a strategy at each node."""


class Laws(nn.Module):
    """λ → the joint law of a model's nodes; moves with all modules that the model is made of."""

    def __init__(self, model: Callable[..., Tensor], networks: Networks, data: Any = None):
        super().__init__()
        self.model, self.networks, self.data = model, networks, data
        self.takes_batch = BATCH in names_of(model)[0] and data is not None
        self.shapes: dict[str, int] = {}
        self.batch, self.layout = torch.Size(), None

    def forward(self, **parameters: Tensor) -> Joint:
        """The joint law, with the leading axes of the parameters first in its batch_shape."""
        name, value = next(iter(parameters.items()))
        axes = value.shape[: value.ndim - self.shapes[name]]
        lead = torch.Size((*axes, *self.batch))
        return Joint(self.execute, parameters, lead, layout=self.layout)

    def execute(self, draw, **parameters: Tensor) -> Tensor:
        """The model, its modules with the weights among the parameters."""
        name, like = next(iter(parameters.items()))
        axes = like.ndim - self.networks.tensors[name].ndim
        given = self.networks.arriving(
            parameters, lambda weights: places(draw, len(self.batch), axes)
        )
        if self.takes_batch:
            given[BATCH] = tree_map(lambda part: cast_like(part, like), self.data)
        return self.model(draw, **given)

    def on(self, batch: Any) -> "Laws":
        """The same with another batch of data, of the same form."""
        other = copy.copy(self)
        other.data = batch
        return other

    def sketched(self, parameters: Mapping[str, Tensor]) -> "Laws":
        """These laws, with what one execution tells of the nodes and of the batch."""
        self.shapes = {name: value.ndim for name, value in parameters.items()}
        sketch = Sketch()
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            try:
                value = self.execute(sketch, **parameters)
            except RuntimeError as failure:
                if "Boolean value of Tensor" not in str(failure):
                    raise
                raise ModelError(
                    "The model branches on a draw: compute both sides and choose with "
                    "torch.where(b > 0, one, other)."
                ) from failure
        if not sketch.laws:
            raise ModelError("The model draws no node; call draw(name, dist) at least once in it.")
        values = [v for v in (value, *sketch.added) if isinstance(v, Tensor)]
        costs = torch.broadcast_shapes(*(v.shape for v in values)) if values else torch.Size()
        for name, law in sketch.laws.items():
            if torch.broadcast_shapes(law.batch_shape, costs) != costs:
                raise ModelError(
                    f"Node {name!r} has batch_shape {tuple(law.batch_shape)}, and the cost has "
                    f"shape {tuple(costs)}: make axes that the cost sums over part of the event "
                    "with torch.distributions.Independent(dist, 1), or keep them in the cost."
                )
        self.batch = costs
        self.layout = self(**parameters).layout
        leaves = {k: v.detach().clone().requires_grad_() for k, v in parameters.items()}
        with torch.random.fork_rng(devices=[]), torch.enable_grad():
            check_reached(self(**leaves), leaves)
            check_apart(self, parameters)
        return self


class Sketch:
    """Draws once from each law as it is, and keeps the laws and costs."""

    lead = None

    def __init__(self):
        self.laws: dict[str, Distribution] = {}
        self.added: list[Tensor] = []

    def __call__(self, name: str, dist: Distribution) -> Tensor:
        if not isinstance(dist, Distribution):
            dist = capabilities.complete(dist)
        if name in self.laws:
            raise ModelError(
                f"Node {name!r} is drawn twice; give each draw a name of its own, in a loop for "
                f'example f"{name}.{{t}}", to which a strategy for {name!r} applies.'
            )
        if not isinstance(dist, Distribution):
            raise ModelError(
                f"Node {name!r} is drawn from {type(dist).__name__}; draw(name, dist) needs a "
                "torch.distributions.Distribution."
            )
        self.laws[name] = dist
        return dist.sample()

    def add(self, value: Tensor) -> None:
        """Keep a cost."""
        self.added.append(value)


def places(draw, batch: int, axes: int) -> Callable[[Tensor], int]:
    """How many axes stand in front of what a module takes: samples drawn so far, and replicates."""

    def measure(value: Tensor) -> int:
        lead = tuple(draw.lead or ())
        for start in range(len(lead) - batch - axes + 1):
            if tuple(value.shape[: len(lead) - start]) == lead[start:]:
                return len(lead) - start - batch
        return 0

    return measure
