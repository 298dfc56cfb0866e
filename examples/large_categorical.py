"""A categorical with 10,000 classes, each with a reward of its own.

`gradmeter compare examples/large_categorical.py -R 1000`
"""

import torch
from torch.distributions import Categorical

from benchmarks import Problem

CLASSES = 10_000
generator = torch.Generator().manual_seed(0)
logits = torch.randn(CLASSES, generator=generator)
rewards = torch.rand(CLASSES, generator=generator)

problem = Problem(
    "large-categorical",
    {"logits": logits},
    lambda logits: Categorical(logits=logits),
    lambda x: rewards.to(x.device)[x.long()],
    footprint=CLASSES,
)
