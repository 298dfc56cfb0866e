"""A problem with modules and data as one of tensors alone: all that comes after sees no other."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from torch import nn

from benchmarks.objective.batches import Batches
from benchmarks.objective.named_arguments import BATCH, Named, NamedCost, NamedFamily, names_of
from benchmarks.objective.networks import Networks
from benchmarks.objective.replicated_calls import NetworkError
from estimators.core import bound

if TYPE_CHECKING:
    from benchmarks.objective.definition import Problem


def lowered(problem: "Problem") -> dict[str, Any]:
    """The fields of a problem that change.

    Parameters, family and cost where modules, data or names of the cost are among them, and a cost
    that depends on λ by itself at λ. Raises ValueError with a sentence.
    """
    parameters, cost, batches = problem.parameters, problem.cost, problem.minibatch
    modules = any(isinstance(value, nn.Module) for value in parameters.values())
    rows = batches is not None and not isinstance(batches, Batches) and not callable(batches)
    wanted, _ = names_of(cost)
    given = {*parameters} | ({BATCH} if batches is not None else set())
    own = [name for name in wanted[1:] if name in given and name != "dist"]
    if isinstance(cost, Named) or not (modules or rows or own):
        _check_data(problem)
        return {"cost": bound(cost, parameters)}
    if rows:
        batches = Batches(batches, problem.batch_size)
    if rows and BATCH in parameters:
        raise NetworkError("The name 'batch' is that of the data; call the parameter otherwise.")
    networks = Networks(parameters)
    batch = batches[0] if isinstance(batches, Batches) else None
    names, other = names_of(problem.family)
    rest = [name for name in parameters if other and name not in {*names, *own}]
    names = [name for name in names if name in given] + rest
    _check_given(parameters, {*names, *own}, rows)
    _check_data(problem)
    family = NamedFamily(problem.family, names, networks, batch)
    cost = NamedCost(cost, own, networks, batch, family)
    return {"parameters": networks.tensors, "family": family, "cost": cost, "minibatch": batches}


def held(function: Callable) -> int:
    """The numbers that the modules called by a family or a cost write for one sample."""
    return function.sketch.held if isinstance(function, Named) and function.networks.modules else 0


def _check_data(problem: "Problem") -> None:
    if problem.minibatch is not None or isinstance(problem.family, Named):
        return
    for what, function in (("family", problem.family), ("cost", problem.cost)):
        if BATCH in {*names_of(function)[0][what == "cost" :]} - {*problem.parameters}:
            raise NetworkError(
                f"The {what} takes `batch`, and there are no data; give them to the problem, as in "
                "minibatch=DataLoader(data, batch_size=64, shuffle=True)."
            )


def _check_given(parameters: Mapping, taken: set[str], rows: bool) -> None:
    for name in parameters:
        if name not in taken:
            raise NetworkError(
                f"{name!r} is no argument of the family or of the cost; name it in one of them, as "
                f"in cost(x, dist, {name}), or leave it out of `parameters`."
            )
    if rows and BATCH not in taken:
        raise NetworkError(
            "There are data, and neither the family nor the cost has an argument `batch`; name it "
            "there, as in family(encoder, batch)."
        )
