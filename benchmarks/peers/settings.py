"""The peers' own published toy settings, run with the peer and with this suite.

`python -m benchmarks.peers.settings [storchastic|pyro|reinmax]... [-R 1000] [--only NAME]` prints
the table of docs/peers.md. The peer is asked for one gradient at a time, as its example does; its
gradients and ours go through the same statistics. A peer that is not installed is left out.
"""

import argparse
import importlib.metadata
import sys
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor
from torch.distributions import Bernoulli, Independent, Normal, OneHotCategorical

from benchmarks.measuring.measure import measure
from benchmarks.objective import costs
from benchmarks.objective.definition import Problem
from benchmarks.statistics import bias_test as bias
from benchmarks.statistics import intervals
from benchmarks.statistics.moments import Table
from benchmarks.truth.exact import find_truth

NOTHING = "–"
OURS = 20_000  # replicates of this suite's own estimators
TARGETS = torch.tensor([0.6, 0.51, 0.48], dtype=torch.float64)
DATA = torch.tensor([-0.5, 2.0], dtype=torch.float64)
Draw = Callable[[int], Tensor]  # R → gradients [R, P] in the order of the problem's parameters


@dataclass(frozen=True)
class Pair:
    """The peer's estimator under the name it has there, and ours, on one problem."""

    problem: Problem
    theirs: str
    draw: Draw
    ours: str
    samples: int = 1


class Row(NamedTuple):
    """What one side has to show: its estimator, the variance, and the bias relative to ‖g‖."""

    who: str
    variance: str
    bias: str


def storchastic() -> Iterator[Pair]:
    """examples/bernoulli_grad_var.py: three Bernoullis share a logit (Liu 2019, Kool 2020)."""
    import storch

    problem = Problem(
        "three Bernoullis sharing a logit",
        {"eta": torch.tensor(0.0, dtype=torch.float64)},
        lambda eta: Independent(Bernoulli(logits=eta.unsqueeze(-1).expand(*eta.shape, 3)), 1),
        costs.quadratic(TARGETS),
    )

    def draw(make: Callable) -> Draw:
        def one(method) -> Tensor:
            eta = torch.tensor(0.0, requires_grad=True)
            x = method(Bernoulli(logits=eta.repeat(3)))
            storch.add_cost(((x - TARGETS.float()) ** 2).sum(-1), "cost")
            storch.backward()
            return eta.grad.clone()

        def gradients(replicates: int) -> Tensor:
            method = make(storch.method)
            return torch.stack([one(method) for _ in range(replicates)]).unsqueeze(-1)

        return gradients

    loo = {"n_samples": 2, "baseline_factory": "batch_average"}
    for theirs, make, ours, samples in (
        ("ScoreFunction", lambda m: m.ScoreFunction("x"), "reinforce", 1),
        ("ScoreFunction, batch average", lambda m: m.ScoreFunction("x", **loo), "reinforce-loo", 2),
        ("UnorderedSetEstimator", lambda m: m.UnorderedSetEstimator("x", 2), "unordered-set", 2),
        ("UnorderedSetEstimator", lambda m: m.UnorderedSetEstimator("x", 4), "unordered-set", 4),
        ("ARM", lambda m: m.ARM("x"), "arm", 2),
        ("DisARM", lambda m: m.DisARM("x"), "disarm", 2),
        ("REBAR", lambda m: m.REBAR("x"), "rebar:fit_steps=0", 1),
        ("RELAX", lambda m: m.RELAX("x", in_dim=[3]), "relax", 1),
    ):
        yield Pair(problem, theirs, draw(make), ours, samples)


def pyro() -> Iterator[Pair]:
    """tests/infer/test_gradient.py: z ~ N(0, 1), x ~ N(z, 1) at two data; the guide is N(0, 1).

    Pyro leaves out ∇ log q, whose mean is zero; with it in the cost, a baseline of one does that.
    """
    from pyro import clear_param_store, distributions, get_param_store, param, plate, sample
    from pyro.distributions.testing.fakes import NonreparameterizedNormal
    from pyro.infer import Trace_ELBO, TraceGraph_ELBO

    start = {"loc": torch.zeros(2).double(), "scale": torch.ones(1).double()}
    problem = Problem(
        "two data of a Gaussian model",
        start,
        Normal,
        lambda z, q: q.log_prob(z) - Normal(0.0, 1.0).log_prob(z) - Normal(z, 1.0).log_prob(DATA),
        {"loc": torch.tensor([0.5, -2.0]).double(), "scale": torch.tensor([2.0]).double()},
    )

    def draw(elbo: type, kind: type) -> Draw:
        def model():
            with plate("data", 2):
                z = sample("z", kind(DATA.new_zeros(()), DATA.new_ones(())))
                sample("x", distributions.Normal(z, 1.0), obs=DATA)

        def guide():
            leaves = [param(name, value.clone()) for name, value in start.items()]
            with plate("data", 2):
                sample("z", kind(*leaves))

        def one() -> Tensor:
            clear_param_store()
            elbo().loss_and_grads(model, guide)
            leaves = dict(get_param_store().named_parameters())
            return torch.cat([leaves[name].grad.flatten() for name in start])

        return lambda replicates: torch.stack([one() for _ in range(replicates)])

    for elbo in (Trace_ELBO, TraceGraph_ELBO):
        yield Pair(problem, elbo.__name__, draw(elbo, distributions.Normal), "pathwise")
        of_score = draw(elbo, NonreparameterizedNormal)
        yield Pair(problem, f"{elbo.__name__}, no rsample", of_score, "reinforce:baseline=1")


def reinmax() -> Iterator[Pair]:
    """poly/poly_programming.py: 128 two-class variables, mean |z − .45|^p, at its first step."""
    from reinmax import reinmax as sampled

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        theta = torch.empty(128, 2).uniform_(-0.01, 0.01).double()
    for power in (1.5, 2.0, 3.0):

        def cost(z: Tensor, power=power) -> Tensor:
            return (z[..., 0] - 0.45).abs().pow(power).mean(-1)

        leaf = theta.clone().requires_grad_()
        mean = leaf.softmax(-1) @ torch.tensor([0.55**power, 0.45**power]).double()
        (exact,) = torch.autograd.grad(mean.mean(), leaf)
        problem = Problem(
            f"polynomial programming, p = {power:g}",
            {"theta": theta},
            lambda theta: Independent(OneHotCategorical(logits=theta), 1),
            cost,
            {"theta": exact},
        )

        def draw(replicates: int, cost=cost) -> Tensor:
            leaves = theta.expand(replicates, 128, 2).clone().requires_grad_()
            z, _ = sampled(leaves, 1.0)
            return torch.autograd.grad(cost(z).sum(), leaves)[0].flatten(1)

        yield Pair(problem, "reinmax, τ = 1", draw, "rein-max")


PEERS = {"storchastic": storchastic, "pyro": pyro, "reinmax": reinmax}
PACKAGES = {"storchastic": "storchastic", "pyro": "pyro-ppl", "reinmax": "reinmax"}


def theirs(pair: Pair, replicates: int) -> Row:
    """The peer's gradients, or the exception it ends with."""
    torch.manual_seed(0)
    try:
        g = pair.draw(replicates).detach()
    except Exception as failure:  # what a peer does here is the finding
        return Row(pair.theirs, NOTHING, f"{type(failure).__name__}: {failure}".splitlines()[0])
    table = Table(max(replicates // 32, 1))
    table.add(g)
    whole, truth = table.whole(), find_truth(pair.problem)
    gradient, error = truth.gradient.numpy(), truth.error.numpy()
    found = bias.assess(whole, table.rows, gradient, error, torch.finfo(g.dtype).eps)
    variance = intervals.variance_interval(whole)
    norm = float(truth.gradient.norm())
    said = said_of_bias(found.verdict, found.limit, *found.squared, norm)
    return Row(pair.theirs, with_ends(variance.value, variance.low, variance.high), said)


def ours(pair: Pair) -> Row:
    """The suite's own estimator on the same problem."""
    m = measure(pair.problem, pair.ours, pair.samples, OURS, timed=False)
    said = said_of_bias(
        m.bias_verdict, m.bias_limit, m.bias2, m.bias2_low, m.bias2_high, m.gradient_norm
    )
    return Row(pair.ours, with_ends(m.variance, m.variance_low, m.variance_high), said)


def said_of_bias(verdict: str, limit: float, value: float, low: float, high: float, norm: float):
    """The verdict, with ‖bias‖ / ‖g‖ and its interval if there is a bias, else its limit."""
    if verdict != "biased":
        return f"{verdict}, below {limit:.2g}"
    relative = (max(square, 0.0) ** 0.5 / norm for square in (value, low, high))
    return f"biased by {with_ends(*relative)}"


def with_ends(value: float, low: float, high: float) -> str:
    """A number with its 95 % interval."""
    return f"{value:.3g} [{low:.3g}, {high:.3g}]" if value > 0 else "0"


def rows(peers: list[str], replicates: int, only: str) -> Iterator[str]:
    """The table in Markdown, a pair at a time."""
    yield "| setting | K | peer | variance | bias | gradmeter | variance | bias |"
    yield "|---|---|---|---|---|---|---|---|"
    for peer in peers:
        try:
            version = importlib.metadata.version(PACKAGES[peer])
        except importlib.metadata.PackageNotFoundError:
            print(f"{PACKAGES[peer]} is not installed; pip install it.", file=sys.stderr)
            continue
        for pair in (pair for pair in PEERS[peer]() if only in pair.theirs):
            cells = (pair.problem.name, str(pair.samples), *theirs(pair, replicates), *ours(pair))
            yield "| " + " | ".join((f"{peer} {version}: {cells[0]}", *cells[1:])) + " |"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("peers", nargs="*", metavar="PEER", help=", ".join(PEERS))
    parser.add_argument("-R", "--replicates", type=int, default=1000, help="of the peer's")
    parser.add_argument("--only", default="", help="part of the name of an estimator of theirs")
    given = parser.parse_args()
    warnings.simplefilter("ignore")  # the peers' own
    torch.set_num_threads(1)
    for line in rows(given.peers or list(PEERS), given.replicates, given.only):
        print(line, flush=True)
