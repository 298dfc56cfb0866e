"""Small programs in each library: a batch of replicates, of which each has a gradient of its own.

Every function makes a run from an example; a run returns gradients [R, 3].
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal

import estimators
from benchmarks.peers.small_programs import AT, PATH, REPLICATES, SCORE, SUM, Example

Run = Callable[[], Tensor]


def leaves() -> dict[str, Tensor]:
    """A copy of λ for each replicate: [R] each."""
    return {k: torch.full((REPLICATES,), v, requires_grad=True) for k, v in AT.items()}


def ours(e: Example) -> Run:
    """Strategies at the nodes."""

    def run():
        own = leaves()
        loss = estimators.surrogate(e.model, e.strategies, own)
        found = torch.autograd.grad(
            loss.sum(), list(own.values()), allow_unused=True, materialize_grads=True
        )
        return torch.stack(found, 1)

    return run


def storchastic(e: Example) -> Run:
    """Its methods at the nodes, over an independent plate."""
    import storch

    methods = {
        SCORE: storch.method.ScoreFunction,
        PATH: storch.method.Reparameterization,
        SUM: storch.method.Expect,
    }
    laws = {"bernoulli": lambda p: Bernoulli(logits=p), "normal": lambda p: Normal(p, 1.0)}

    def run():
        own = leaves()
        plated = {k: storch.denote_independent(v, 0, "r") for k, v in own.items()}

        def draw(name, kind, parameter):
            return methods[e.strategies[name]](name)(laws[kind](parameter))

        storch.add_cost(e.body(draw, **plated), "f")
        storch.backward()
        return _gathered(own) * REPLICATES  # their cost is the mean of the plate

    return run


def pyro(e: Example) -> Run:
    """TraceGraph_ELBO, or TraceEnum_ELBO with a sum: the cost as a factor."""
    from pyro import distributions, factor, plate, sample
    from pyro.infer import TraceEnum_ELBO, TraceGraph_ELBO

    summed = [name for name, strategy in e.strategies.items() if strategy == SUM]
    elbo = TraceEnum_ELBO(max_plate_nesting=1) if summed else TraceGraph_ELBO()
    laws = {
        "bernoulli": lambda p: distributions.Bernoulli(logits=p),
        "normal": lambda p: distributions.Normal(p, 1.0),
    }

    def program(with_cost: bool, own):
        def draw(name, kind, parameter):
            infer = {"enumerate": "parallel"} if name in summed and not with_cost else {}
            return sample(name, laws[kind](parameter), infer=infer)

        def run():
            with plate("r", REPLICATES, dim=-1):
                cost = e.body(draw, **own)
                if with_cost:
                    factor("f", -cost)

        return run

    def run():
        own = leaves()

        sides = program(True, own), program(False, own)
        if summed:
            elbo.differentiable_loss(*sides).backward()
        else:
            elbo.loss_and_grads(*sides)
        return _gathered(own)

    return run


def _gathered(own: dict[str, Tensor]) -> Tensor:
    zero = torch.zeros(REPLICATES)
    return torch.stack([zero if w.grad is None else w.grad for w in own.values()], 1)


def genjax(e: Example) -> Run:
    """ADEV: the primitives of its strategies, one estimate vectorised over keys and compiled."""
    import jax
    import jax.numpy as jnp
    from genjax import adev

    from benchmarks.peers import jax_form  # noqa: F401, one thread

    flips = {SCORE: adev.flip_reinforce, SUM: adev.flip_enum}
    normals = {SCORE: adev.normal_reinforce, PATH: adev.normal_reparam}

    def draw(name, kind, parameter):
        strategy = e.strategies[name]
        if kind == "normal":
            return normals[strategy](parameter, 1.0)
        return jnp.float32(flips[strategy](jax.nn.sigmoid(parameter)))

    program = adev.expectation(lambda a, m, w: e.body(draw, a, m, w))

    def one(key):
        return jnp.stack(program.grad_estimate(key, tuple(AT.values())))

    @jax.jit
    def many(key):
        key, own = jax.random.split(key)
        return key, jax.vmap(one)(jax.random.split(own, REPLICATES))

    state = [jax.random.key(0)]

    def run():
        state[0], found = jax.block_until_ready(many(state[0]))
        return torch.from_dlpack(found)

    return run
