"""An estimator in two halves: up to where it asks for the cost, and on from there.

The cost at a node is the rest of the program, which the model is about to execute anyway. An
estimator is therefore left where it first asks for the cost and taken up again when that is known.
Where it is no generator, it is run twice: the second time from the same random state, so that it
asks the same question, and then on from the state in which the first execution ended. What comes
out is what it would be if the cost were a function, to the last bit.
"""

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities import tensors
from estimators.core import Estimator, Unsupported, evaluate
from estimators.one_evaluation import OneEvaluation

Rest = Callable[[Tensor], Tensor]  # x [K, *lead, *event] → [K, *lead]


class Apart(Exception):
    """This node cannot be left halfway: it differentiates the cost in a leaf of its own."""


@dataclass
class Half:
    """An estimator on a node's law, which has drawn x and waits for the cost of it."""

    estimator: Estimator
    dist: Distribution
    samples: int
    x: Tensor
    finish: Callable[[Tensor, Rest], Tensor] = field(repr=False)


def first_half(estimator: Estimator, dist: Distribution, samples: int) -> Half:
    """Run `estimator` up to where it asks for the cost. Raises Apart where it cannot be left."""
    if isinstance(estimator, OneEvaluation):
        steps = estimator.steps(dist, samples)
        x = next(steps)

        def finish(f: Tensor, again: Rest) -> Tensor:
            return steps.send(evaluate(_Answer(f, again), x, dist))

        return Half(estimator, dist, samples, x, finish)
    before = random_state(dist)
    try:
        estimator.surrogate(dist, _ask, samples)
    except _Asked as asked:
        x = asked.x
    else:
        raise Unsupported(f"{estimator} never asks for the cost.")
    if not made_of(x, dist):
        restore(before)
        raise Apart

    def finish(f: Tensor, again: Rest) -> Tensor:
        cost = _Answer(f, again, x, random_state(dist))
        restore(before)
        return estimator.surrogate(dist, cost, samples)

    return Half(estimator, dist, samples, x, finish)


class _Asked(BaseException):
    """Carries the samples out of an estimator; no `except Exception` holds it back."""

    def __init__(self, x: Tensor):
        self.x = x


def _ask(x: Tensor, dist: Distribution) -> Tensor:
    raise _Asked(x)


class _Answer:
    """The cost: `f` when it is first asked for, and the rest of the program from then on."""

    __name__ = "what follows the node"

    def __init__(self, f: Tensor, again: Rest, x: Tensor | None = None, state=None):
        self.f, self.again, self.x, self.state = f, again, x, state

    def __call__(self, x: Tensor, dist: Distribution) -> Tensor:
        f, self.f = self.f, None
        if f is None:
            return self.again(x)
        if self.state is not None:
            if x.shape != self.x.shape or not _same(x.detach(), self.x.detach()):
                raise Unsupported(
                    "The estimator draws other samples from the same random state; it must draw "
                    "from torch's generator, so that a program can go back to where it was."
                )
            restore(self.state)
        return f


def _same(x: Tensor, y: Tensor) -> bool:
    return torch.equal(x, y) or bool(((x == y) | (x.isnan() & y.isnan())).all())


def made_of(x: Tensor, dist: Distribution) -> bool:
    """Whether the graph behind x leads to tensors of `dist` and to no other leaf."""
    if not x.requires_grad:
        return True
    if x.grad_fn is None:
        return False
    own = [t for t in tensors(dist).values() if t.requires_grad]
    leaves, ends = {id(t) for t in own}, {t.grad_fn for t in own}
    todo, seen = [x.grad_fn], set()
    while todo:
        step = todo.pop()
        if step is None or step in ends or step in seen:
            continue
        seen.add(step)
        if hasattr(step, "variable") and id(step.variable) not in leaves:
            return False
        todo += [before for before, _ in step.next_functions]
    return True


def random_state(dist: Distribution) -> tuple:
    """The state of torch's generators that draws of `dist` change."""
    state = torch.get_rng_state()
    device = next((t.device for t in tensors(dist).values() if t.is_cuda), None)
    return (state, None, None) if device is None else (
        state, device, torch.cuda.get_rng_state(device)
    )  # fmt: skip


def restore(state: tuple) -> None:
    """Go back to a state of torch's generators."""
    host, device, cuda = state
    torch.set_rng_state(host)
    if device is not None:
        torch.cuda.set_rng_state(cuda, device)
