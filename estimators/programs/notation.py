"""Estimators as they are written in one line, also strategies for the nodes of a program."""

from estimators import core
from estimators.core import Estimator
from estimators.programs.strategies import Strategies


def create(name: str, **fields) -> Estimator:
    """The estimator registered as `name`, with `fields` set; ValueError if there is none.

    Fields may also stand in the name: "gumbel-softmax:temperature=0.1,hard=true". Strategies for
    the nodes of a program are written "b=disarm, z=gumbel-softmax:temperature=0.1"; K are then the
    samples of the node drawn first, and each other node has one for each of them.
    """
    if "=" not in name.partition(":")[0]:
        return core.create(name, **fields)
    nodes: dict[str, Estimator] = {}
    for part in name.split(", "):
        key, _, spec = part.strip().partition("=")
        if not spec or key in nodes or "=" in spec.partition(":")[0]:
            raise ValueError(
                f"{part!r} in {name!r} is no strategy of a further node; write NODE=ESTIMATOR, "
                "NODE=ESTIMATOR, each node once."
            )
        nodes[key] = core.create(spec)
    return Strategies.of(nodes, first_only=True)
