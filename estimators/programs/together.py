"""An execution of a model in which nodes are drawn together."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.programs.draws import Drawn, Draws, fitted_to

if TYPE_CHECKING:
    from estimators.programs.joint import Joint


class Together(Draws):
    """An execution of a model that draws the members of a joint law, and stops after them.

    With `last`, it stops as soon as so many are drawn: no cost that comes later is known.
    """

    def __init__(self, joint: "Joint", lead: torch.Size, draw: Callable, last: int | None = None):
        history = joint.history
        super().__init__(history, joint.base, joint.since)
        self.joint, self.wanted, self.sampled, self.laws, self.x = joint, lead, draw, [], None
        self.asked, self.last = False, last  # for its cost
        self.owned = [*joint.parameters.values(), *(given.x for given in history)]

    def __call__(self, name: str, dist: Distribution) -> Tensor:
        x = super().__call__(name, dist)
        if len(self.laws) == self.last:
            raise Left
        return x

    def draw(self, name: str, dist: Distribution) -> Drawn:
        """The next member's sample."""
        if self.joint.members is not None and not self.joint.members(name):
            raise Left
        law, shape = fitted_to(name, dist, None), ()
        extra = len(self.wanted) - len(law.batch_shape)
        if extra >= 0 and self.wanted[extra:] == law.batch_shape:
            shape = self.wanted[:extra]
        else:
            law = fitted_to(name, dist, self.wanted)
        self.laws.append(law)
        x = self.sampled(law, shape)
        return Drawn(name, x, self.wanted, x._version)

    def members(self) -> list[tuple[Drawn, Distribution]]:
        """The members' samples and laws."""
        return list(zip(self.drawn[len(self.history) :], self.laws, strict=True))

    def packed(self, keep: bool) -> Tensor:
        """The samples of all members side by side, which this execution belongs to from now on."""
        parameter = like(self.owned)
        parts = [d.x.reshape(*self.wanted, -1).to(parameter) for d, _ in self.members()]
        x = torch.cat(parts, -1)
        self.x = x if keep else x.detach()
        return self.x

    def belongs_to(self, joint: "Joint") -> bool:
        """Whether it was made with the same parameters and given draws."""
        own = [*joint.parameters.values(), *(given.x for given in joint.history)]
        return all(a is b for a, b in zip(self.owned, own, strict=True))

    def log_prob(self) -> Tensor:
        """Of its samples: [*lead]."""
        return sum(law.log_prob(d.x) for d, law in self.members())


class Left(Exception):
    """The members are drawn, and what comes next is not asked for."""


def like(values: Iterable) -> Tensor:
    """A tensor of the device and type of the parameters."""
    found = (v for v in values if isinstance(v, Tensor) and v.is_floating_point())
    return next(found, torch.zeros(()))
