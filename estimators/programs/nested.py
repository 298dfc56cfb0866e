"""Nodes that are asked as a whole: every evaluation of their cost executes the rest anew."""

import itertools
from typing import TYPE_CHECKING

from torch import Tensor
from torch.distributions import Distribution

from estimators.core import Estimator
from estimators.programs.draws import Drawn
from estimators.programs.joint import Joint

if TYPE_CHECKING:
    from estimators.programs.execution import Execution


class Nested(BaseException):
    """A node whose estimator is asked as a whole, each evaluation an execution of the rest."""

    def __init__(self, name: str, estimator: Estimator, law: Distribution, samples: int):
        self.name, self.estimator, self.law, self.samples = name, estimator, law, samples

    def surrogate(self, execution: "Execution", drawn: tuple[Drawn, ...], lead, base) -> Tensor:
        """Of the rest of the program: [*lead]; `base` are the axes before the first draw."""
        runs = itertools.chain([execution.after], itertools.repeat(execution.repeated))

        def rest(x: Tensor, dist: Distribution) -> Tensor:
            given = Drawn.of(self.name, x, dist.event_shape)
            f = next(runs)((*drawn, given), base, len(drawn) + 1)
            f = f.unsqueeze(0) if len(x) == 1 else f
            execution.hear(self.name, f)
            return f

        return self.estimator.surrogate(self.law, rest, self.samples)


class Group(Nested):
    """Nodes that are drawn together."""

    def __init__(self, name: str, key: str, estimator: Estimator, samples: int):
        super().__init__(name, estimator, None, samples)
        self.key = key

    def surrogate(self, execution: "Execution", drawn: tuple[Drawn, ...], lead, base) -> Tensor:
        parts = self.key.split(",")

        def belongs(name: str) -> bool:
            return execution.strategies.key_of(name) == self.key

        members = None if parts == ["*"] else belongs
        since = len(drawn) + 1
        joint = Joint(
            execution.model, execution.parameters, lead, drawn, members, since=since, base=base
        )

        runs = itertools.chain([execution.after], itertools.repeat(execution.repeated))

        def rest(x: Tensor, dist: Distribution) -> Tensor:
            found = joint.execution(x)
            if joint.layout.complete:
                f = found.total()
                if execution.completed is not None:
                    execution.completed(f)
            else:
                f = next(runs)(tuple(found.drawn), base, since)
            execution.hear(self.key, f)
            return f

        f = self.estimator.surrogate(joint, rest, self.samples)
        execution.used[self.key] = [place.name for place in joint.layout.places]
        return f
