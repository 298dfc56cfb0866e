"""The joint law of the nodes of a model, or of some that follow one another."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from estimators import capabilities
from estimators.capabilities import support
from estimators.programs.draws import Drawn, Model
from estimators.programs.together import Left, Together
from estimators.programs.together import like as of_parameters


class Place(NamedTuple):
    """Where a node stands in the event of a joint law, and what is known of its own law."""

    name: str
    event: torch.Size
    dtype: torch.dtype | None  # where samples are no floating numbers
    moves: bool  # whether it has rsample
    discrete: bool
    table: Tensor | None  # of its support, if that is finite: [N, *event]


@dataclass
class Layout:
    """The nodes of a joint law, one after the other in its event."""

    places: list[Place]
    complete: bool  # whether no other node comes after them

    @property
    def sizes(self) -> list[int]:
        """Numbers of each node."""
        return [place.event.numel() for place in self.places]


class Joint(Distribution):
    """p(x₁) p(x₂ | x₁) … of nodes that are drawn one after the other, as one flat event [D].

    `model` is executed for every sample and density; `lead` is the batch_shape, which the model's
    laws have when it is called with `parameters`. `history` are draws before the first member,
    `members` says which names belong to it: all, if it is None. Costs are counted from draw number
    `since` on. Has `rsample` if every member has.
    """

    arg_constraints = {}  # noqa: RUF012, as in torch.distributions

    def __init__(
        self,
        model: Model,
        parameters: dict[str, Any],
        lead: torch.Size,
        history: tuple[Drawn, ...] = (),
        members: Callable[[str], bool] | None = None,
        layout: Layout | None = None,
        since: int = 0,
        base: torch.Size | None = None,
    ):
        self.model, self.names, self.members = model, tuple(parameters), members
        self.since, self._history, self._layout, self._last = since, history, layout, None
        self.base = torch.Size(lead if base is None else base)  # before the first draw of all
        for name, value in parameters.items():  # attributes, where estimators look for tensors
            setattr(self, f"parameter_{name}", value)
        for place, given in enumerate(history):
            setattr(self, f"given_{place}", given.x)
        super().__init__(torch.Size(lead), validate_args=False)

    @property
    def parameters(self) -> dict[str, Any]:
        """The model's parameters."""
        return {name: getattr(self, f"parameter_{name}") for name in self.names}

    @property
    def history(self) -> tuple[Drawn, ...]:
        """The draws before the first member."""
        each = enumerate(self._history)
        return tuple(drawn._replace(x=getattr(self, f"given_{i}")) for i, drawn in each)

    @property
    def layout(self) -> Layout:
        """The members, found by drawing once where it is not known."""
        if self._layout is None:
            with torch.random.fork_rng(devices=[]), torch.no_grad():
                self._execute(self.batch_shape, lambda law, shape: law.sample(shape))
        return self._layout

    @property
    def event_shape(self) -> torch.Size:
        return torch.Size((sum(self.layout.sizes),))

    @property
    def has_rsample(self) -> bool:
        return all(place.moves for place in self.layout.places)

    @property
    def support(self):
        discrete = all(place.discrete for place in self.layout.places)
        return _points if discrete else constraints.real_vector

    def expand(self, batch_shape, _instance=None):
        extra = batch_shape[: len(batch_shape) - len(self.batch_shape)]

        def wider(value):
            return value.expand(*extra, *value.shape) if isinstance(value, Tensor) else value

        parameters = {name: wider(value) for name, value in self.parameters.items()}
        history = tuple(
            d._replace(x=wider(d.x), lead=torch.Size((*extra, *d.lead))) for d in self.history
        )
        return Joint(
            self.model, parameters, batch_shape, history, self.members, self._layout, self.since,
            torch.Size((*extra, *self.base)),
        )  # fmt: skip

    def sample(self, sample_shape=()):
        """Draws of all members, detached: [*sample, *batch, D]."""
        lead = torch.Size((*sample_shape, *self.batch_shape))
        return self._execute(lead, lambda law, shape: law.sample(shape)).packed(keep=False)

    def rsample(self, sample_shape=()):
        """Draws of all members along their paths: [*sample, *batch, D]."""
        lead = torch.Size((*sample_shape, *self.batch_shape))
        return self._execute(lead, lambda law, shape: law.rsample(shape)).packed(keep=True)

    def log_prob(self, value):
        """Σ log p(x_i | x_<i): [*sample, *batch]."""
        return self.execution(value, whole=False).log_prob()

    def cost(self, value: Tensor) -> Tensor:
        """What the model returns and adds after the first member: [*sample, *batch]."""
        found = self.execution(value)
        if found.asked:  # a second time: executed again, so that a model that draws noise shows
            self._last = None
            found = self.execution(value)
        found.asked = True
        return found.total()

    def execution(self, value: Tensor, whole: bool = True) -> "Together":
        """The model's execution with these draws; the last one if they came from it.

        Unless the `whole` is asked for, it may end with the last draw, before what costs most.
        """
        last = self._last
        if last is not None and last.x is value and last.belongs_to(self):
            return last
        lead, given = value.shape[:-1], []
        for place, part in zip(self.layout.places, value.split(self.layout.sizes, -1), strict=True):
            part = part.reshape(*lead, *place.event)
            given.append(part if place.dtype is None else part.to(place.dtype))
        found = iter(given)
        return self._execute(lead, lambda law, shape: next(found), value, whole)

    def _execute(self, lead, draw, value=None, whole=True) -> "Together":
        found = Together(self, lead, draw, None if whole else len(self.layout.places))
        try:
            found.run(self.model, self.parameters)
            complete = True
        except Left:
            complete = False
        if whole:
            self._last = found
        if self._layout is None:
            self._layout = Layout([_place(d, law) for d, law in found.members()], complete)
        found.x = value
        return found


class _Points(constraints.Constraint):
    is_discrete = True
    event_dim = 1


_points = _Points()


def _place(drawn: Drawn, law: Distribution) -> Place:
    discrete = capabilities.is_discrete(law)
    table = support.support_table(law) if discrete else None
    dtype = None if drawn.x.is_floating_point() else drawn.x.dtype
    return Place(drawn.name, law.event_shape, dtype, law.has_rsample, discrete, table)


@support.support_table.register(Joint)
def _(dist):
    tables = [place.table for place in dist.layout.places]
    if any(table is None for table in tables):
        return None
    count = 1
    for table in tables:
        count *= len(table)
    if count > support.LARGEST_SUPPORT:
        return None
    each = torch.cartesian_prod(*(torch.arange(len(table)) for table in tables))
    each = each.reshape(count, len(tables))
    like = of_parameters(dist.parameters.values())
    parts = [t[each[:, i].to(t.device)].reshape(count, -1).to(like) for i, t in enumerate(tables)]
    return torch.cat(parts, -1)
