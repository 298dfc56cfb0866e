"""Checks of a model with leading axes, before anything is measured."""

from collections.abc import Mapping

import torch
from torch import Tensor

from estimators import capabilities
from estimators.programs import Joint, ModelError
from estimators.programs.refusals import readable

SAMPLES = 6
ROUNDING = 1e-5  # relative to the largest cost


def check_reached(joint: Joint, leaves: Mapping[str, Tensor]) -> None:
    """Raise ModelError for a parameter on which no law and no cost depends."""
    x = joint.sample()
    parts = (joint.log_prob(x).sum(), joint.cost(x).sum())
    reached = [part for part in parts if part.requires_grad]
    without = [drawn.name for drawn, law in joint.execution(x).members() if not _attached(law)]
    found = [None] * len(leaves)
    if reached:
        found = torch.autograd.grad(sum(reached), list(leaves.values()), allow_unused=True)
    for name, gradient in zip(leaves, found, strict=True):
        if gradient is None:
            hint = f": node {without[0]!r} has a law without parameters" if without else ""
            raise ModelError(
                f"Parameter {name!r} reaches neither the law of a node nor the cost{hint}; use it "
                "and detach nothing, or leave it out of `parameters`."
            )


@torch.no_grad()
def check_apart(laws, parameters: Mapping[str, Tensor]) -> None:
    """Raise ModelError unless each sample and each copy of λ has a cost of its own."""
    copies = min({3, 5, 7, 11} - set(laws.batch), default=13)
    wide = {k: v.expand(copies, *v.shape) for k, v in parameters.items()}
    try:
        joint = laws(**wide)
        x = joint.sample((SAMPLES,))
        f = joint.cost(x)
        first_sample = joint.cost(x[:1].clone())
        first_copy = laws(**{k: v[:1] for k, v in wide.items()}).cost(x[:, :1].clone())
    except RuntimeError as failure:
        if isinstance(readable(failure), ModelError):
            raise readable(failure) from failure
        raise ModelError(
            f"With {copies} copies of its parameters and {SAMPLES} samples, the model raises "
            f"{type(failure).__name__}: {str(failure).splitlines()[0].rstrip('.')}; let them "
            "broadcast from the right, for example with w.unsqueeze(-1)."
        ) from failure
    most = ROUNDING * f.abs().max()
    for apart, part, what in ((first_sample, f[:1], "samples"), (first_copy, f[:, :1], "copies")):
        if (apart - part).abs().max() > most:
            raise ModelError(
                f"The cost mixes {what}: the first one has another cost alone than beside others; "
                "reduce only the event axes, counted from the right."
            )


def _attached(law) -> bool:
    return any(tensor.requires_grad for tensor in capabilities.tensors(law).values())
