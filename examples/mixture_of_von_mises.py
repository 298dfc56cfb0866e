"""Two von Mises distributions, which torch can sample but not differentiate.

`gradmeter compare examples/mixture_of_von_mises.py`
"""

import torch
from torch.distributions import Categorical, MixtureSameFamily, VonMises

from benchmarks import Problem

problem = Problem(
    "mixture-of-von-mises",
    {
        "logits": torch.tensor([0.0, 0.5]),
        "loc": torch.tensor([-1.0, 1.5]),
        "concentration": torch.tensor([2.0, 4.0]),
    },
    lambda logits, loc, concentration: MixtureSameFamily(
        Categorical(logits=logits), VonMises(loc, concentration)
    ),
    lambda x: 1 - (x - 0.5).cos(),
)
