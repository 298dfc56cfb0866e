"""The workloads by hand in torch, and in the torch libraries that users would pick."""

from dataclasses import replace

import torch
from torch.func import grad, vmap

from benchmarks.measuring import shared_draws
from benchmarks.measuring.cell import Cell
from benchmarks.measuring.compiled_blocks import compiled
from benchmarks.peers.interleaved_timing import Run
from benchmarks.peers.sharing import four
from benchmarks.peers.workloads import Workload, centre
from benchmarks.statistics.stopping import Plan
from estimators import create


def ours(w: Workload) -> Run:
    """One block of the suite's own loop."""
    cell, replicates = _cell_of(w)
    cell = cell.unjoined

    def run():
        cell.block(0, replicates)
        return replicates

    return run


def ours_compiled(w: Workload, generator: str | None = None) -> Run | None:
    """The same compiled, where that is quicker, perhaps with another generator."""
    cell, replicates = _cell_of(w)
    cell = replace(cell, generator=generator)
    fast, _ = compiled(cell, lambda cell, index: cell.block(index, replicates))

    def run():
        fast.block(0, replicates)
        return replicates

    return None if fast is cell else run


def ours_shared(w: Workload) -> Run | None:
    """An estimate of each of four estimators that share a compiled pass, this one among them."""
    if "loc" not in w.problem.measured:
        return None
    cells, replicates = four(w.problem, w.samples), _cell_of(w)[1]
    row = shared_draws.shared(cells, replicates)

    def run():
        row(0)
        return len(cells) * replicates

    return row and run


def ours_in_float64(w: Workload) -> Run:
    """The suite's own loop as it measures variance and bias."""
    return ours(replace(w, problem=w.problem.to("cpu", torch.float64)))


def _cell_of(w: Workload) -> tuple[Cell, int]:
    cell = Cell(w.problem, None, create(w.estimator), w.samples, 0, torch.device("cpu"))
    return cell, Plan.of(100_000, w.problem.numbers(w.samples)).block


def noise(w: Workload) -> Run:
    """The random numbers of a block, drawn and nothing more: the floor."""
    replicates = Plan.of(100_000, w.problem.numbers(w.samples)).block

    def run():
        w.noise(replicates)
        return replicates

    return run


def loop(w: Workload) -> Run:
    """A forward and a backward for each estimate, as in a training loop."""

    def run():
        leaves = _leaves(w, None)
        torch.autograd.grad(w.loss(leaves), list(leaves.values()))
        return 1

    return run


def vmapped(w: Workload) -> Run:
    """`torch.func.vmap(grad(loss))` over as many estimates as a block of ours."""
    replicates = Plan.of(100_000, w.problem.numbers(w.samples)).block
    copies = {k: v.expand(replicates, *v.shape) for k, v in w.problem.measured.items()}
    each = vmap(grad(w.loss), randomness="different")

    def run():
        each(copies)
        return replicates

    return run


def storchastic(w: Workload) -> Run | None:
    """A surrogate of storchastic and a backward for each estimate."""
    return None if w.problem.network is not None else _storchastic(w, None)


def storchastic_batched(w: Workload) -> Run | None:
    """The same with an independent plate over as many estimates as a block of ours."""
    if w.problem.network is not None or w.estimator == "gumbel-softmax":
        return None
    return _storchastic(w, Plan.of(100_000, w.problem.numbers(w.samples)).block)


def _storchastic(w: Workload, replicates: int | None) -> Run:
    import storch

    methods = {
        "reinforce": (storch.method.ScoreFunction, {}),
        "reinforce-loo": (storch.method.ScoreFunction, {"baseline_factory": "batch_average"}),
        "gumbel-softmax": (storch.method.GumbelSoftmax, {"initial_temperature": 0.5}),
    }
    method, settings = methods.get(w.estimator, (storch.method.Reparameterization, {}))

    def run():
        leaves = _leaves(w, replicates)
        plated = leaves
        if replicates is not None:
            plated = {k: storch.denote_independent(v, 0, "r") for k, v in leaves.items()}
        dist = w.problem.family(**plated)
        dist = dist.base_dist if w.estimator == "gumbel-softmax" else dist  # else "non-discrete"
        cost = (method("x", n_samples=w.samples, **settings)(dist) - centre(w)) ** 2
        for _ in w.problem.dist().event_shape:
            cost = cost.sum(-1)
        storch.add_cost(cost, "f")
        storch.backward()
        return replicates or 1

    return run


def pyro(w: Workload) -> Run | None:
    """Pyro's Trace_ELBO for each estimate: the cost as a factor, the densities masked out."""
    return _pyro(w, None) if _in_pyro(w) else None


def pyro_batched(w: Workload) -> Run | None:
    """The same with a plate over as many estimates as a block of ours."""
    block = Plan.of(100_000, w.problem.numbers(w.samples)).block
    return _pyro(w, block) if _in_pyro(w) else None


def _in_pyro(w: Workload) -> bool:
    return w.estimator in ("pathwise", "reinforce", "implicit") and w.problem.network is None


def _pyro(w: Workload, replicates: int | None) -> Run:
    from contextlib import nullcontext

    from pyro import distributions, factor, plate, sample
    from pyro.infer import Trace_ELBO

    elbo, leaves = Trace_ELBO(), {}
    kind = distributions.Normal if "loc" in w.problem.parameters else distributions.Gamma
    rows = nullcontext() if replicates is None else plate("r", replicates, dim=-1)

    def dist():
        made = kind(*leaves.values())
        made.has_rsample = w.estimator != "reinforce"
        return made.to_event(1)

    def guide():
        with rows:
            sample("x", dist())

    def model():
        with rows:
            x = sample("x", dist())  # the same density on both sides: the ELBO is the factor
            factor("f", -(x - centre(w)).square().sum(-1))

    def run():
        leaves.update(_leaves(w, replicates))
        loss = elbo.differentiable_loss(model, guide)
        torch.autograd.grad(loss, list(leaves.values()))
        return replicates or 1

    return run


def _leaves(w: Workload, replicates: int | None) -> dict[str, torch.Tensor]:
    rows = () if replicates is None else (replicates,)
    return {
        k: v.expand(*rows, *v.shape).clone().requires_grad_() for k, v in w.problem.measured.items()
    }
