"""What an estimator adds to a training step: `python -m benchmarks.peers.overhead`.

A step is one estimate (R = 1, K = 1) for a batch of 128, forward and backward, with torch's own
distributions. The ratio is the CPU time of the step with the estimator over the same by hand.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Independent, Normal, OneHotCategorical, RelaxedOneHotCategorical

from benchmarks.machine.timing import one_thread
from benchmarks.peers.interleaved_timing import Run, in_turn, ratio, with_ends
from estimators import create

BATCH, SIZE = 128, 10
ESTIMATORS = ("pathwise", "reinforce", "gumbel-softmax")
Cost = Callable[[Tensor], Tensor]


def costs() -> dict[str, Cost]:
    """A cost of next to nothing, and a decoder of the size that a small VAE has."""
    decoder = torch.nn.Sequential(
        torch.nn.Linear(SIZE, 256), torch.nn.Tanh(), torch.nn.Linear(256, 784)
    )
    decoder.requires_grad_(False)
    return {
        "sum of squares": lambda x: (x - 0.5).square().sum(-1),
        "decoder 10-256-784": lambda x: decoder(x).square().sum(-1),
    }


def by_hand(name: str, dist: Callable, cost: Cost) -> Tensor:
    """The loss of a step as one would write it without this package."""
    q = dist()
    if name == "pathwise":
        return cost(q.rsample()).sum()
    if name == "reinforce":
        x = q.sample()
        f = cost(x)
        return (f.detach() * q.log_prob(x) + f).sum()
    temperature = torch.tensor(create(name).temperature)
    return cost(RelaxedOneHotCategorical(temperature, logits=q.logits).rsample()).sum()


def steps(name: str, cost: Cost) -> dict[str, Run]:
    """One step by hand, and the same with the estimator."""
    leaves = [torch.zeros(BATCH, SIZE, requires_grad=True) for _ in range(2)]
    estimator = create(name)

    def dist():
        if name == "gumbel-softmax":
            return OneHotCategorical(logits=leaves[0])
        return Independent(Normal(leaves[0], leaves[1].exp()), 1)

    def step(loss: Callable[[], Tensor]) -> Run:
        def run():
            torch.autograd.grad(loss(), leaves, allow_unused=True)
            return 1

        return run

    return {
        "by hand": step(lambda: by_hand(name, dist, cost)),
        "ours": step(lambda: estimator.surrogate(dist(), cost).sum()),
    }


def main() -> None:
    """Print the table as Markdown."""
    print("| estimator | " + " | ".join(costs()) + " |\n|---|" + "---|" * len(costs()))
    with one_thread():
        for name in ESTIMATORS:
            cells = []
            for cost in costs().values():
                log_seconds = in_turn(steps(name, cost))
                cells.append(with_ends(ratio(log_seconds["ours"] - log_seconds["by hand"])))
            print(f"| {name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
