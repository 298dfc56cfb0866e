"""One execution of a model: what it draws, and the costs that it adds on the way.

`lead` are the axes in front of every event: samples of the nodes drawn so far, the latest first,
then replicates and batch, [K_n, …, K_1, R, *B]. A node of one sample adds no axis.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators import capabilities
from estimators.capabilities.fused_twins import fused

Model = Callable[..., Tensor]
MANY = 2**14  # numbers of a node from which a twin of its law pays


class ModelError(ValueError):
    """A mistake in a model: one sentence that names the node, with the way out."""


class Drawn(NamedTuple):
    """A node's sample, and the axes in front of its event once it is drawn."""

    name: str
    x: Tensor
    lead: torch.Size
    version: int  # of x, which grows with every edit in place

    @classmethod
    def of(cls, name: str, x: Tensor, event_shape: torch.Size) -> "Drawn":
        """Samples [K, *lead, *event]; one sample is no axis: torch knows only 64 of them."""
        if x.shape[0] == 1:
            x = x.squeeze(0)
        return cls(name, x, x.shape[: x.ndim - len(event_shape)], x._version)


class Draws(ABC):
    """What a model calls as `draw(name, dist)` and `draw.add(value)`; its first draws are given.

    Costs are kept by how much of the program they depend on, which their axes tell: `costs[i]`
    are those that depend on no node after the i-th. Costs added before draw number `since` are
    left out: whoever drew the earlier ones has them.
    """

    def __init__(self, history: tuple[Drawn, ...], lead: torch.Size | None, since: int):
        self.history, self.since, self.drawn = history, since, []
        self.leads = [lead]  # after 0, 1, … draws; None until the first node says what it is
        self.costs: dict[int, Tensor] = {}

    def __call__(self, name: str, dist: Distribution) -> Tensor:
        """A sample of `dist` under a name of its own: [*lead, *event]."""
        place = len(self.drawn)
        if any(name == earlier.name for earlier in self.drawn):
            raise ModelError(
                f"Node {name!r} is drawn twice; give each draw a name of its own, in a loop for "
                f'example f"{name}.{{t}}", to which a strategy for {name!r} applies.'
            )
        if place < len(self.history):
            given = self.history[place]
            if given.name != name:
                raise ModelError(_STRUCTURE.format(found=name, before=given.name))
            self.drawn.append(given)
            self.leads.append(given.lead)
            return given.x
        drawn = self.draw(name, dist)
        self.drawn.append(drawn)
        self.leads.append(drawn.lead)
        return drawn.x

    @abstractmethod
    def draw(self, name: str, dist: Distribution) -> Drawn:
        """The sample of a node that is not given."""

    @property
    def lead(self) -> torch.Size | None:
        """The axes in front of every event now."""
        return self.leads[-1]

    def add(self, value: Tensor) -> None:
        """Add a cost on the way: it weighs only on the nodes before, [*lead] or the axes of one."""
        if len(self.drawn) < self.since:
            return
        value = self._checked(value, "A cost added with draw.add")
        place = max(self._place(value), self.since)
        self.costs[place] = self.costs[place] + value if place in self.costs else value

    def run(self, model: Model, parameters: dict) -> None:
        """Execute the model: its draws and costs are then known. ModelError for its mistakes."""
        value = model(self, **parameters)
        if len(self.drawn) < len(self.history):
            given = self.history[len(self.drawn)]
            raise ModelError(_STRUCTURE.format(found="the end of the model", before=given.name))
        for node in self.drawn:
            if node.x._version != node.version:
                raise ModelError(
                    f"The sample of node {node.name!r} was edited in place after it was drawn, so "
                    "that other nodes see another value; write x = x + 1 instead of x += 1."
                )
        if value is None or (isinstance(value, int | float) and value == 0):
            return
        value = self._checked(value, "The cost that the model returns")
        if self.lead is not None and value.shape != self.lead:
            raise ModelError(self._wrong_shape("The cost that the model returns", value))
        place = len(self.drawn)
        self.costs[place] = self.costs[place] + value if place in self.costs else value

    def total(self) -> Tensor:
        """All costs: [*lead]."""
        return sum(self.costs.values(), torch.zeros(())).expand(self.lead)

    def _place(self, value: Tensor) -> int:
        """After which draw the axes of a cost were those it has."""
        if self.lead is None:
            return 0
        for place in range(len(self.leads) - 1, -1, -1):
            if value.shape == self.leads[place]:
                return place
        if value.ndim <= len(self.leads[0]) and _broadcasts(value.shape, self.leads[0]):
            return 0
        raise ModelError(self._wrong_shape("A cost added with draw.add", value))

    def _checked(self, value: Tensor, what: str) -> Tensor:
        if not isinstance(value, Tensor) or not value.is_floating_point():
            kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
            raise ModelError(
                f"{what}{self._after} is {kind}; it must be a floating tensor that keeps all axes "
                "in front of the events."
            )
        return value

    def _wrong_shape(self, what: str, value: Tensor) -> str:
        return (
            f"{what}{self._after} has shape {tuple(value.shape)} where {tuple(self.lead)} was "
            "expected: it must reduce the event axes on the right and keep all others."
        )

    @property
    def _after(self) -> str:
        return f", after node {self.drawn[-1].name!r}," if self.drawn else ""


_STRUCTURE = (
    "The model draws {found!r} where it drew {before!r} before: which nodes there are depends on a "
    "draw. Draw all nodes every time, and mask what does not count: torch.where(b > 0, z, 0) or "
    "cost * (b > 0)."
)


def fitted_to(name: str, dist: Distribution, lead: torch.Size | None) -> Distribution:
    """`dist` with the batch_shape `lead`; ModelError where it has other axes."""
    if not isinstance(dist, Distribution):
        dist = capabilities.complete(dist)
    if not isinstance(dist, Distribution):
        raise ModelError(
            f"Node {name!r} is drawn from {type(dist).__name__}; draw(name, dist) needs a "
            "torch.distributions.Distribution."
        )
    if lead is None or dist.batch_shape == lead:
        return _leaner(dist)
    if not _broadcasts(dist.batch_shape, lead):
        raise ModelError(
            f"Node {name!r} has batch_shape {tuple(dist.batch_shape)} where {tuple(lead)} was "
            "expected: let its parameters broadcast from the right, and make axes that the cost "
            "sums over part of the event with torch.distributions.Independent(dist, 1)."
        )
    try:
        return _leaner(dist.expand(lead))
    except NotImplementedError:
        raise ModelError(
            f"Node {name!r} has batch_shape {tuple(dist.batch_shape)} where {tuple(lead)} was "
            f"expected, and {capabilities.describe(dist)} has no `expand`; add it, or give its "
            "parameters these axes."
        ) from None


def _leaner(dist: Distribution) -> Distribution:
    """The twin that is faster where there are many numbers: it costs some microseconds itself."""
    return fused(dist) if (dist.batch_shape + dist.event_shape).numel() >= MANY else dist


def _broadcasts(shape: torch.Size, onto: torch.Size) -> bool:
    if len(shape) > len(onto):
        return False
    return all(a in (1, b) for a, b in zip(reversed(shape), reversed(onto), strict=False))
