"""A problem: parameters λ, a family p(x; λ) and a cost f, whose gradient ∇_λ E[f(x)] is wanted."""

import copy
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.distributions import Distribution

from benchmarks.frameworks.adapted import adapted
from benchmarks.objective import mixed_dtypes
from benchmarks.objective.batches import Batches
from benchmarks.objective.lower_triangles import triangular
from benchmarks.objective.lowering import held, lowered
from benchmarks.objective.named_arguments import beside_data
from benchmarks.objective.replicated_calls import NetworkError
from benchmarks.objective.truth import Truth
from estimators import Estimator, Unsupported, replicate_gradients
from estimators.core import bound
from estimators.multi_sample import Copies, Reduced


class ProblemError(ValueError):
    """A user's mistake in a problem: one sentence with the way out."""


@dataclass(frozen=True, eq=False)
class Problem:
    """∇_λ E_{x ~ family(**λ)}[cost(x, dist)], at given λ.

    - `name`: as it stands in results.
    - `parameters`: λ, floating tensors of any shape by name, and modules: what is measured is their
      weights, which stand in `parameters` as tensors under names such as "encoder.0.weight".
    - `family`: turns λ, as keywords and with any number of leading axes added, into a distribution
      with those axes first in its batch_shape; also a distribution of scipy.stats, NumPyro or TFP.
      Modules arrive as callables that add these axes.
    - `cost`: takes `(x, dist)` or `(x)`, x being `[K, R, *batch, *event]`, and returns
      `[K, R, *batch]`; the objective is its sum over the batch. Where it also names parameters, as
      in `(x, dist, decoder)`, it is given them, and its own derivative in them counts.
    - `truth`: "auto" (found where possible), None, the exact gradient as a dict like `parameters`,
      a `Truth`, or with a `reduction` also a function of K.
    - `version`: to be raised with every change of the numbers; results of different ones do not
      mix.
    - `summary`: one sentence for lists.
    - `footprint`: numbers the cost holds for each sample, by which block sizes are chosen; None: as
      many as a sample has.
    - `weights`, `network`: where λ is `network(**weights)`, gradients are taken at λ and pulled
      back to the weights, which are then what is measured.
    - `minibatch`: a DataLoader, or data by row: a tensor, a tuple of tensors, a Dataset, a list of
      examples. Family and cost are given a batch as their argument `batch`; numbers are for the
      first batch, `data_variance` is what the choice of it adds. Or a function that gives this
      problem on the i-th random batch.
    - `batch_size`: rows of a batch, where `minibatch` is no DataLoader.
    - `reduction`: takes the costs [..., K] of the K draws and reduces the last axis, as
      `estimators.multi_sample.importance_weighted` does; None: their mean.

    Raises ProblemError for parameters that are neither floating tensors nor modules that are ready.
    """

    name: str
    parameters: dict[str, Tensor | nn.Module]
    family: Callable[..., Distribution]
    cost: Callable[..., Tensor]
    truth: "str | dict[str, Tensor] | Truth | Callable[[int], Truth] | None" = "auto"
    version: int | str = 1
    summary: str = ""
    footprint: int | None = None  # numbers the cost holds for each sample; chooses the block size
    weights: dict[str, Tensor] | None = None
    network: Callable[..., dict[str, Tensor]] | None = None
    minibatch: "Callable[[int], Problem] | Any" = None  # this problem on the i-th random batch
    reduction: Callable[[Tensor], Tensor] | None = None  # of the K draws' costs; None: their mean
    batch_size: int = 64

    def __post_init__(self):
        try:
            family = adapted(self.family) or triangular(self.family, self.parameters)
            object.__setattr__(self, "family", family)
        except ValueError as mistake:
            raise ProblemError(f"Problem {self.name!r}: {mistake}") from mistake
        if not self.parameters:
            raise ProblemError(f"Problem {self.name!r} has no parameters; give at least one.")
        try:
            changed = lowered(self)
        except ValueError as mistake:
            raise ProblemError(f"Problem {self.name!r}: {mistake}") from mistake
        for field, value in changed.items():
            object.__setattr__(self, field, value)
        for key, value in self.parameters.items():
            if not isinstance(value, Tensor) or not value.is_floating_point():
                kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
                raise ProblemError(
                    f"Parameter {key!r} of problem {self.name!r} is {kind}; gradients need a "
                    "floating tensor, such as torch.tensor(1.0), or a torch.nn.Module."
                )
            if value.numel() == 0:
                raise ProblemError(
                    f"Parameter {key!r} of problem {self.name!r} is empty; leave it out, or give "
                    "it numbers."
                )

    @property
    def measured(self) -> dict[str, Tensor]:
        """What the gradient is taken of: the weights behind λ if there are any, else λ."""
        return self.parameters if self.weights is None else self.weights

    @property
    def size(self) -> int:
        """P, the numbers in what is measured."""
        return sum(value.numel() for value in self.measured.values())

    def dist(self, *axes: int) -> Distribution:
        """The distribution at λ, with leading `axes` added. ProblemError if it cannot be built."""
        copies = {k: v.detach().expand((*axes, *v.shape)) for k, v in self.parameters.items()}
        try:
            dist = self.family(**copies)
        except (NetworkError, Unsupported) as mistake:  # sentences already
            raise ProblemError(f"Problem {self.name!r}: {mistake}") from mistake
        except Exception as failure:
            where = f" with leading axes {axes} added to its parameters" if axes else ""
            way_out = mixed_dtypes.way_out(failure, copies)
            if axes and not way_out:
                way_out = beside_data(self.family) or (
                    "; let them broadcast from the right, which a class without batches cannot"
                )
            raise ProblemError(
                f"The family of problem {self.name!r} raises {type(failure).__name__}{where}: "
                f"{_first_line(failure)}{way_out}"
            ) from failure
        if not isinstance(dist, Distribution):
            raise ProblemError(
                f"The family of problem {self.name!r} returned {type(dist).__name__}; it must "
                "return a torch.distributions.Distribution."
            )
        return sized(dist)

    def drawn(
        self, samples: int, cost: Callable[..., Tensor] | None = None
    ) -> tuple["Problem", int]:
        """This problem and K = `samples`; with a `reduction`, the objective of one draw of K
        copies, and 1.

        `cost` stands in for the problem's own, unless it is None.
        """
        same = self if cost is None else self._with_cost(cost)
        if self.reduction is None:
            return same, samples

        def family(**parameters):
            return Copies(self.family(**parameters), samples)

        truth = self.truth(samples) if callable(self.truth) else self.truth
        reduced = Reduced(same.cost, self.reduction)
        return replace(same, family=family, cost=reduced, truth=truth, reduction=None), 1

    def _with_cost(self, cost: Callable[..., Tensor]) -> "Problem":
        """This problem, which is lowered already, with a cost that stands in for its own."""
        same = copy.copy(self)
        object.__setattr__(same, "cost", bound(cost, self.parameters))
        return same

    def differentiable_dist(self) -> Distribution:
        """The distribution at λ, in a graph that leads back to λ."""
        leaves = {k: v.detach().clone().requires_grad_() for k, v in self.parameters.items()}
        return self.family(**leaves)

    def numbers(self, samples: int) -> int:
        """About how many numbers one replicate of K = `samples` holds in memory."""
        each, once = self._numbers
        return samples * each + once

    @cached_property
    def _numbers(self) -> tuple[int, int]:
        """Those of a sample, and those of a replicate beside its samples."""
        dist = self.dist()
        if self.footprint is not None:
            return self.footprint, 0
        size = (dist.batch_shape + dist.event_shape).numel()
        return size + held(self.cost), held(self.family)

    def on_batch(self, index: int) -> "Problem":
        """This problem on another random batch of its data, without a truth."""
        if not isinstance(self.minibatch, Batches):
            return self.minibatch(index)
        batch, same = self.minibatch[index], {"truth": None, "minibatch": None}
        parts = {name: getattr(self, name) for name in ("family", "cost")}
        return replace(
            self, **same, **{k: v.on(batch) if hasattr(v, "on") else v for k, v in parts.items()}
        )

    @property
    def batches(self) -> float:
        """How many batches of the data differ, as far as known."""
        return self.minibatch.different if isinstance(self.minibatch, Batches) else math.inf

    def to(self, device: torch.device | str, dtype: torch.dtype) -> "Problem":
        """This problem on a `device`, in a `dtype`; modules among its functions move along."""

        def moved(part):
            if isinstance(part, dict):
                return {k: v.to(device, dtype) for k, v in part.items()}
            if isinstance(part, torch.nn.Module):
                return copy.deepcopy(part).to(device, dtype)
            return part

        names = ("parameters", "weights", "network", "family", "cost")
        return replace(self, **{name: moved(getattr(self, name)) for name in names})

    def gradients(
        self,
        estimator: Estimator,
        samples: int,
        replicates: int,
        cost: Callable[..., Tensor] | None = None,
    ) -> Tensor:
        """R gradient estimates, the measured parameters flattened one after the other: [R, P].

        `estimator` draws K = `samples` for each of R = `replicates`. `cost` stands in for the
        problem's own, unless it is None.
        """
        return _joined(self.gradient_pieces(estimator, samples, replicates, cost))

    def gradient_pieces(
        self,
        estimator: Estimator,
        samples: int,
        replicates: int,
        cost: Callable[..., Tensor] | None = None,
    ) -> list[Tensor]:
        """R gradient estimates, a piece [R, p] for each measured parameter: no copy of all.

        `estimator`, `samples`, `replicates` and `cost` are those of `gradients`.
        """
        problem, samples = self.drawn(samples, cost)
        by_name = replicate_gradients(
            estimator, problem.family, problem.parameters, problem.cost, samples, replicates
        )
        return self._pieces(by_name)

    def pulled_back(self, by_name: dict[str, Tensor]) -> Tensor:
        """Gradients at λ, each [R, *shape], as gradients of what is measured: [R, P]."""
        return _joined(self._pieces(by_name))

    def _pieces(self, by_name: dict[str, Tensor]) -> list[Tensor]:
        grads = list(by_name.values())
        if self.network is not None:
            leaves = {k: v.detach().requires_grad_() for k, v in self.weights.items()}
            outputs = self.network(**leaves)
            grads = torch.autograd.grad(
                [outputs[name] for name in by_name],
                list(leaves.values()),
                grad_outputs=grads,
                is_grads_batched=True,
                allow_unused=True,
                materialize_grads=True,
            )
        return [g.reshape(len(g), -1) for g in grads]


def sized(dist: Distribution) -> Distribution:
    """`dist`, whose shapes are made a torch.Size in it where its class left tuples."""
    for name in ("batch_shape", "event_shape"):
        if type(shape := getattr(dist, name)) is tuple:
            setattr(dist, f"_{name}", torch.Size(shape))
    return dist


def _joined(pieces: list[Tensor]) -> Tensor:
    return pieces[0] if len(pieces) == 1 else torch.cat(pieces, 1)


@contextmanager
def unvalidated() -> Iterator[None]:
    """Leave out torch's argument checks, which were made once, inside loops over blocks."""
    before = Distribution._validate_args
    Distribution.set_default_validate_args(False)
    try:
        yield
    finally:
        Distribution.set_default_validate_args(before)


def _first_line(failure: Exception) -> str:
    return (str(failure).strip().splitlines() or ["no message"])[0]
