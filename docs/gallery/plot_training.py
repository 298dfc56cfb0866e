"""
What less noise buys in training
================================

Twenty bits learn a target. The surrogate of any estimator takes the place of a loss; nothing else
of the loop changes.
"""

import matplotlib.pyplot as plt
import torch
from torch.distributions import Bernoulli

import estimators

target = torch.linspace(0, 1, 20)
STEPS, SAMPLES = 150, 2


def trained(name: str) -> list[float]:
    """The exact loss along a training by one estimator."""
    torch.manual_seed(0)
    logits = torch.zeros(20, requires_grad=True)
    estimator = estimators.create(name)
    optimiser = torch.optim.SGD([logits], lr=2.0)
    losses = []
    for _ in range(STEPS):
        dist = Bernoulli(logits=logits)
        loss = estimator.surrogate(dist, lambda x: (x - target) ** 2, samples=SAMPLES)
        optimiser.zero_grad()
        loss.sum().backward()
        optimiser.step()
        p = logits.detach().sigmoid()
        losses.append(float((p * (1 - target) ** 2 + (1 - p) * target**2).sum()))
    return losses


# %%
# The less variance, the smoother the way down.

figure, axes = plt.subplots(figsize=(6, 3), layout="constrained")
for name in ("reinforce", "reinforce-loo", "disarm"):
    axes.plot(trained(name), label=name)
axes.set(xlabel="step", ylabel="exact expected cost")
axes.legend(frameon=False)
plt.show()
