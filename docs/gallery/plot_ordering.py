"""
Learn an order
==============

A Plackett–Luce law over the orders of five items; the cost is the discounted gain of the order,
negative, of which nothing has to be differentiable.
"""

import matplotlib.pyplot as plt
import torch

from benchmarks import Problem, compare
from estimators.distributions import PlackettLuce

relevance = torch.tensor([3.0, 0.0, 1.0, 2.0, 0.5], dtype=torch.float64)


def gain(x):
    """−Σ relevance / log2(1 + place): [..., n] → [...]."""
    place = torch.arange(2, x.shape[-1] + 2)
    return -(relevance[x.long()] / place.log2()).sum(-1)


problem = Problem("order", {"logits": torch.zeros(5)}, PlackettLuce, gain)
names = ["reinforce", "reinforce-loo", "reinforce-optimal", "unordered-set", "enumeration"]
frame = compare(problem, names, samples=4, replicates=2000)
print(frame[["estimator", "variance", "evaluations", "bias_verdict"]])

# %%
# Variance at equal numbers of evaluations; `enumeration` has none, at all 120 orders.

rows = frame[frame["variance"] > 0]
figure, axes = plt.subplots(figsize=(6, 2.2), layout="constrained")
axes.barh(rows["estimator"], rows["variance"] * rows["evaluations"])
axes.set(xscale="log", xlabel="variance × evaluations")
plt.show()
