"""Whether replacing the tensors in a distribution makes what its family would make."""

from collections.abc import Callable, Iterator

import torch
from torch import Tensor
from torch.distributions import Distribution

from estimators.capabilities.completion import complete
from estimators.capabilities.description import describe
from estimators.capabilities.leaf_tensors import (
    Recipe,
    is_brought,
    recipe_of,
    replaced,
    tensors,
    with_leaves,
)
from estimators.capabilities.own_laws import own_law
from estimators.capabilities.refusal import Unsupported

STEP = 1e-3  # relative, of the parameters
DRAWS, SEED = 5, 21
CLOSE = 1e-5


def completed_family(
    family: Callable[..., Distribution], parameters: dict[str, Tensor]
) -> Callable[..., Distribution]:
    """`family`, with what its distributions lack derived from what they bring; or itself.

    - `family`: of a user; takes `parameters` as keywords, with any number of leading axes.
    - `parameters`: λ, where it is tried which tensors its distributions are made of.

    Where those tensors do not say all of it (one is made from another, or is held where no walk
    finds it), the distributions are made anew by the family whenever a parameter changes.
    """
    dist = family(**parameters)
    if complete(dist) is dist:
        return family
    law = own_law(dist) if isinstance(dist, Distribution) else None

    def held(**given: Tensor) -> Distribution:
        return complete(family(**given), law=law)

    def made(**given: Tensor) -> Distribution:
        return complete(family(**given), Recipe(made, given), law)

    return held if stands_for_itself(held, parameters) else made


def stands_for_itself(family: Callable[..., Distribution], parameters: dict[str, Tensor]) -> bool:
    """Whether the distributions of a `family` are, at `parameters`, what their tensors say.

    A twin that was given the tensors of a neighbour must be that neighbour, with added axes too;
    and of the tensors that make samples or density none may be made from another.
    """
    try:
        moved = {k: v.detach() * (1 + STEP * _alternating(v)) for k, v in parameters.items()}
        here, there = family(**parameters), family(**moved)
        x = _quietly(lambda: here.sample((DRAWS,)))
        if not _alike(_behaviour(replaced(here, tensors(there)), x), _behaviour(there, x)):
            return False
        wide = there.expand((2, *there.batch_shape))
        other = family(**{k: v.expand(2, *v.shape) for k, v in moved.items()})
        pair = x.unsqueeze(1).expand(DRAWS, 2, *x.shape[1:])
        same = tensors(wide).keys() == tensors(there).keys()
        return (
            same
            and _alike(_behaviour(wide, pair), _behaviour(other, pair))
            and _free(family, parameters)
        )
    except Exception:  # whatever breaks, the family itself is asked
        return False


@torch.enable_grad()
def require_free(dist: Distribution) -> None:
    """Raise Unsupported if a user's `dist` depends on a tensor in other ways than by holding it.

    Its derivative through all of the graph is held against that of a twin made of fresh leaves. A
    distribution that is made anew by its family is not looked at, nor one that torch brings.
    """
    if recipe_of(dist) or not any(is_brought(type(part)) for part in _within(dist)):
        return
    own = {path: t for path, t in tensors(dist).items() if t.requires_grad}
    twin, leaves = with_leaves(dist)
    x = _quietly(lambda: dist.sample((1,)))
    same = replaced(dist, own)  # with logits normalised anew, as those of the twin are
    densities = _graph(lambda: [one.log_prob(x) for one in (same, twin)])
    for ours, theirs in filter(None, (densities, _paths(same, twin))):
        for path, leaf in leaves.items():
            whole, alone = _slope(ours, own[path]), _slope(theirs, leaf)
            if not torch.allclose(whole, alone, rtol=1e-3, atol=1e-6 * float(whole.abs().max())):
                raise Unsupported(
                    f"{describe(dist)} depends on its tensor {path!r} in other ways than by "
                    f"holding it: its derivative there is {float(whole.sum()):.4g}, through that "
                    f"tensor alone {float(alone.sum()):.4g}; keep each parameter once and make "
                    "the rest from it in the methods, or measure it as a Problem, whose family "
                    "makes it anew."
                )


def _paths(dist: Distribution, twin: Distribution) -> list[Tensor] | None:
    """The same sample of both, as a function of their tensors."""

    def drawn(one: Distribution) -> Tensor:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(SEED)
            return one.rsample((1,))

    return _graph(lambda: [drawn(one) for one in (dist, twin)])


def _slope(value: Tensor, tensor: Tensor) -> Tensor:
    if not value.requires_grad:
        return torch.zeros_like(tensor)
    return torch.autograd.grad(
        value.sum(), tensor, retain_graph=True, allow_unused=True, materialize_grads=True
    )[0]


def _within(dist: Distribution) -> Iterator[Distribution]:
    yield dist
    for part in vars(dist).values():
        if isinstance(part, Distribution):
            yield from _within(part)


def _alternating(value: Tensor) -> Tensor:
    """1 and −1 in turn, so that no scale or shift of all numbers hides a change."""
    return 1.0 - 2.0 * (torch.arange(value.numel()).reshape(value.shape) % 2).to(value)


def _behaviour(dist: Distribution, x: Tensor) -> list[Tensor | None]:
    """The density at x, and samples from one random stream; None for what it cannot do."""

    def tried(make: Callable[[], Tensor]) -> Tensor | None:
        try:
            return _quietly(make)
        except Exception:
            return None

    return [
        tried(lambda: dist.log_prob(x)),
        tried(lambda: dist.sample((DRAWS,))),
        tried(lambda: dist.rsample((DRAWS,))),
    ]


@torch.no_grad()
def _quietly(make: Callable[[], Tensor]) -> Tensor:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(SEED)
        return make()


def _alike(ours: list[Tensor | None], theirs: list[Tensor | None]) -> bool:
    if all(one is None for one in ours):
        return False
    for one, other in zip(ours, theirs, strict=True):
        if (one is None) != (other is None):
            return False
        if one is None:
            continue
        if one.shape != other.shape or not torch.allclose(
            one.double(), other.double(), rtol=CLOSE, atol=CLOSE, equal_nan=True
        ):
            return False
    return True


@torch.enable_grad()
def _free(family: Callable[..., Distribution], parameters: dict[str, Tensor]) -> bool:
    """Whether no tensor that makes samples or density is made from another such tensor."""
    dist = family(**{k: v.detach().clone().requires_grad_() for k, v in parameters.items()})
    own = tensors(dist)
    twin, leaves = with_leaves(dist)
    used = set()
    for value in (_graph(lambda: twin.rsample((1,))), _score(twin)):
        if value is not None and value.requires_grad:
            slopes = torch.autograd.grad(value.sum(), leaves.values(), allow_unused=True)
            used |= {path for path, g in zip(leaves, slopes, strict=True) if g is not None}
    steps = {path: own[path].grad_fn for path in used}
    return not any(
        steps[a] is not None and _leads_to(steps[a], own[b]) for a in used for b in used if a != b
    )


def _score(twin: Distribution) -> Tensor | None:
    return _graph(lambda: twin.log_prob(twin.sample((1,)).detach()))


def _graph(make: Callable):
    try:
        return make()
    except Exception:
        return None


def _leads_to(step, tensor: Tensor) -> bool:
    """Whether the graph behind `step` goes through `tensor`."""
    todo, seen = [step], set()
    while todo:
        step = todo.pop()
        if step is None or step in seen:
            continue
        seen.add(step)
        if (tensor.grad_fn is not None and step is tensor.grad_fn and len(seen) > 1) or (
            getattr(step, "variable", None) is tensor
        ):
            return True
        todo += [following for following, _ in step.next_functions]
    return False
