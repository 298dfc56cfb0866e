"""A distribution of another framework as one of torch: its parameters as tensors, its pieces."""

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.distributions import Distribution
from torch.distributions.constraints import Constraint, lower_cholesky

from benchmarks.frameworks.circles import CIRCLES


class ForeignLaw(Distribution):
    """The law of another framework at the tensors λ, which it holds under their own names.

    A subclass is made by `law_class` for each foreign class and set of names; it brings the pieces
    that the foreign class has, and `estimators.capabilities.complete` derives the rest.
    """

    arg_constraints: ClassVar[dict[str, Constraint]] = {}
    own_axes: ClassVar[dict[str, int]] = {}  # of each parameter, behind those of the batch
    own_event: ClassVar[torch.Size] = torch.Size()
    function_eps: ClassVar[float] = 1e-9  # of its functions: JAX's betaln is off by 1e-7 in float64

    def __init__(self, parameters: Mapping[str, Tensor]):
        batches = [v.shape[: v.ndim - self.own_axes[k]] for k, v in parameters.items()]
        batch = torch.broadcast_shapes(*batches)
        for name, value in parameters.items():
            own = value.shape[value.ndim - self.own_axes[name] :]
            if self.arg_constraints.get(name) is lower_cholesky:
                value = value.tril()  # a number above the diagonal is no λ
            vars(self)[name] = value.expand((*batch, *own))
        super().__init__(batch, self.own_event)

    @property
    def parameters(self) -> list[Tensor]:
        """λ, in the order of its names: each [*batch, *own axes]."""
        return [vars(self)[name] for name in self.own_axes]


def law_class(
    origin: Any,
    pieces: Mapping[str, Callable],
    own_axes: Mapping[str, int],
    constraints: Mapping[str, Constraint],
    support: Constraint | property | None,
    event: tuple[int, ...] = (),
) -> type[ForeignLaw]:
    """The class of laws of one foreign class, under its name and of its module.

    - `origin`: the foreign class, or an object that has its name and module.
    - `pieces`: methods: `sample`, `rsample`, `log_prob`, `cdf`, `icdf`, as far as there are.
    - `own_axes`: how many axes each parameter has besides those of the batch.
    - `constraints`: on the parameters, as far as they are known.
    - `support`: a constraint, a property where it depends on λ, or None where it is not known.
    - `event`: event_shape.
    """
    body = {
        **pieces,
        "__module__": origin.__module__,
        "own_axes": dict(own_axes),
        "own_event": torch.Size(event),
        "circular": origin.__name__ in CIRCLES,  # whose samples begin again at the ends
        "arg_constraints": {k: v for k, v in constraints.items() if k in own_axes},
    }
    if "rsample" in pieces:  # else it may follow from quantiles
        body["has_rsample"] = True
    if support is not None:
        body["support"] = support
    for name in own_axes:  # `mean`, where that is what a parameter is called
        if hasattr(Distribution, name):
            body[name] = property(lambda self, name=name: vars(self)[name])
    return type(origin.__name__, (ForeignLaw,), body)
