"""Programs beside other libraries: `python -m benchmarks.peers.programs`.

Three programs of several nodes: means, variances and speed of batches of replicates in float32, one
thread, all in turn within each round. Storchastic gets an independent plate, Pyro a vectorised
plate with TraceGraph_ELBO, or TraceEnum_ELBO where a node is summed over. Needs whichever of
storchastic and pyro-ppl are to be compared.
"""

import sys
import warnings
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.distributions import Bernoulli, Normal

import estimators
from benchmarks.machine.timing import one_thread
from benchmarks.objective.definition import unvalidated
from benchmarks.peers.interleaved_timing import in_turn, ratio, with_ends

REPLICATES, BLOCKS = 4096, 16
AT = {"a": 0.2, "m": 0.7, "w": -0.4}
PATH, SCORE, SUM = "pathwise", "reinforce", "enumeration"


class Example(NamedTuple):
    """A program, written so that other libraries can execute it: `draw(name, kind, parameter)`."""

    name: str
    strategies: dict[str, str]
    body: Callable[..., Tensor]  # (draw, a, m, w), with draw(name, "bernoulli" | "normal", λ)


def graph(draw, a, m, w):
    """A choice, then a number."""
    b = draw("b", "bernoulli", a)
    z = draw("z", "normal", m * b + w)
    return (z - 1) ** 2 * (1 + b)


def chain(draw, a, m, w):
    """Three choices."""
    x = draw("x", "bernoulli", a)
    y = draw("y", "bernoulli", m * x + w)
    z = draw("z", "bernoulli", w * x + y)
    return (x + 2 * y - z - 0.3) ** 2


def normals(draw, a, m, w):
    """Two numbers, as in a hierarchical autoencoder."""
    x = draw("x", "normal", a)
    z = draw("z", "normal", m * x + w)
    return (z - 1) ** 2 + x**2


EXAMPLES = (
    Example("graph, score and path", {"b": SCORE, "z": PATH}, graph),
    Example("graph, sum and path", {"b": SUM, "z": PATH}, graph),
    Example("chain of scores", dict.fromkeys("xyz", SCORE), chain),
    Example("normals, paths", dict.fromkeys("xz", PATH), normals),
)


def leaves() -> dict[str, Tensor]:
    """A copy of λ for each replicate: [R] each."""
    return {k: torch.full((REPLICATES,), v, requires_grad=True) for k, v in AT.items()}


def ours(e: Example) -> Callable[[], Tensor]:
    """Strategies at the nodes."""
    laws = {"bernoulli": lambda p: Bernoulli(logits=p), "normal": lambda p: Normal(p, 1.0)}

    def model(draw, **parameters):
        return e.body(lambda name, kind, p: draw(name, laws[kind](p)), **parameters)

    def run():
        own = leaves()
        loss = estimators.surrogate(model, e.strategies, own)
        found = torch.autograd.grad(
            loss.sum(), list(own.values()), allow_unused=True, materialize_grads=True
        )
        return torch.stack(found, 1)

    return run


def storchastic(e: Example) -> Callable[[], Tensor]:
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


def pyro(e: Example) -> Callable[[], Tensor]:
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


PEERS = {"ours": ours, "storchastic": storchastic, "Pyro": pyro}


def main(pattern: str = "") -> None:
    """Print a table of the examples whose name holds `pattern`, as Markdown."""
    print("| program | library | estimates / s | time over ours | variance | mean gradient |")
    print("|---|---|---|---|---|---|")
    with one_thread(), unvalidated():
        for e in EXAMPLES:
            if pattern in e.name:
                _print(e)


def _print(e: Example) -> None:
    runs = {}
    for name, peer in PEERS.items():
        try:
            runs[name] = peer(e)
            runs[name]()
        except Exception as failure:  # not installed, or cannot do this
            runs.pop(name, None)
            print(f"{e.name}: {name}: {type(failure).__name__}: {failure}"[:200], file=sys.stderr)
    g = {name: torch.cat([run() for _ in range(BLOCKS)]).double() for name, run in runs.items()}
    seconds = in_turn({name: lambda run=run: len(run()) for name, run in runs.items()})
    for name in runs:
        over = "1" if name == "ours" else with_ends(ratio(seconds[name] - seconds["ours"]))
        mean, error = g[name].mean(0), g[name].std(0) / len(g[name]) ** 0.5
        means = ", ".join(f"{m:.3f} ± {s:.3f}" for m, s in zip(mean, error, strict=True))
        rate = np.exp(-np.median(seconds[name]))
        variance = g[name].var(0).sum()
        print(
            f"| {e.name} | {name} | {rate:,.0f} | {over} | {variance:.3g} | {means} |", flush=True
        )


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    main(*sys.argv[1:2])
