"""Gradients of 5 of 50 items: ours beside a loop over samples in torch, as one would write it.

`python -m benchmarks.peers.subsets` prints the CPU time of an estimate and the loop's over it. No
package on PyPI has a batched SIMPLE: its authors' is a script for CUDA that reads a compiled
circuit (UCLA-StarAI/SIMPLE), and draws by Gumbel top-k, which is another law.
"""

import math

import numpy as np
import torch
from torch import Tensor

import estimators
from benchmarks.peers.interleaved_timing import Run, in_turn, ratio, with_ends
from estimators.distributions import ConditionalBernoulli

ITEMS, CHOSEN = 50, 5
SAMPLES = (4, 64)  # K of one estimate
BLOCK = 256  # estimates at once
WEIGHTS = torch.linspace(-1, 1, ITEMS)
LOGITS = torch.linspace(-1, 1, ITEMS).mul(2.4).sin()


def cost(x: Tensor) -> Tensor:
    """(Σ w_i x_i − 0.3)², of x [..., n]."""
    return (x @ WEIGHTS - 0.3).square()


def ours(name: str, samples: int) -> Run:
    """One estimate by an estimator of the shelf, with its backward pass."""
    estimator = estimators.create(name)
    logits = LOGITS.clone().requires_grad_()

    def run():
        dist = ConditionalBernoulli(CHOSEN, logits, validate_args=False)
        torch.autograd.grad(estimator.surrogate(dist, cost, samples), logits)
        return 1

    return run


def in_a_block(name: str, samples: int) -> Run:
    """Many estimates at once, as the suite makes them."""
    estimator = estimators.create(name)

    def run():
        given = {"logits": LOGITS}
        estimators.replicate_gradients(
            estimator,
            lambda logits: ConditionalBernoulli(CHOSEN, logits),
            given,
            cost,
            samples,
            BLOCK,
        )
        return BLOCK

    return run


def table(logits: Tensor) -> list[Tensor]:
    """log e_c of the items from i on, c = 0 to k, one item after the other: n + 1 of [k + 1]."""
    rows = [torch.cat([torch.zeros(1), torch.full((CHOSEN,), -math.inf)])]
    for logit in logits.flip(0):
        taken = torch.cat([torch.full((1,), -math.inf), rows[-1][:-1] + logit])
        rows.append(torch.logaddexp(rows[-1], taken))
    return rows[::-1]


def drawn(rows: list[Tensor], logits: Tensor) -> Tensor:
    """One subset, item by item: [n]."""
    x, left = torch.zeros(ITEMS), CHOSEN
    for i in range(ITEMS):
        if left and torch.rand(()) < (logits[i] + rows[i + 1][left - 1] - rows[i][left]).exp():
            x[i], left = 1.0, left - 1
    return x


def by_hand(kind: str, samples: int) -> Run:
    """SIMPLE or the score function, one sample after the other."""
    logits = LOGITS.clone().requires_grad_()

    def run():
        rows = table(logits)
        total = rows[0][CHOSEN]
        fixed = [row.detach() for row in rows]
        if kind == "simple":
            (mean,) = torch.autograd.grad(total, logits, create_graph=True)
        loss = torch.zeros(())
        for _ in range(samples):
            x = drawn(fixed, logits.detach())
            if kind == "simple":
                loss = loss + cost(x + mean - mean.detach())
            else:
                loss = loss + cost(x) * (x @ logits - total)
        torch.autograd.grad(loss / samples, logits)
        return 1

    return run


def main() -> None:
    """A row for each estimator and number of samples."""
    print("| estimate | K | in a block | the loop over it | the loop over one alone |")
    print("|---|---|---|---|---|")
    for kind, name in (("simple", "simple"), ("score", "reinforce")):
        for samples in SAMPLES:
            runs = {"block": in_a_block(name, samples), "alone": ours(name, samples)}
            found = in_turn(runs | {"loop": by_hand(kind, samples)})
            seconds = math.exp(float(np.median(found["block"])))
            times = [with_ends(ratio(found["loop"] - found[way])) for way in runs]
            print(f"| `{name}` | {samples} | {1e3 * seconds:.3g} ms | {' | '.join(times)} |")


if __name__ == "__main__":
    torch.set_num_threads(1)
    main()
