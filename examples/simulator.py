"""A queue that is only known through its simulator: differences and SPSA are what is left.

`gradmeter compare examples/simulator.py`
"""

import torch

from benchmarks import Problem

CUSTOMERS = 20


class Queue:
    """How long the last of 20 customers waits, with exponential arrivals and services."""

    def __init__(self, arrival, service):
        self.arrival, self.service = arrival, service

    def sample(self, sample_shape=()):
        """Waiting times by Lindley's recursion: [*sample, *batch]."""
        shape = (2, CUSTOMERS, *sample_shape, *self.arrival.shape)
        between, served = -torch.rand(shape, dtype=self.arrival.dtype).log()
        wait = torch.zeros(shape[2:], dtype=self.arrival.dtype)
        for gap, work in zip(between / self.arrival, served / self.service, strict=True):
            wait = (wait + work - gap).clamp_min(0)
        return wait


problem = Problem(
    "queue",
    {"arrival": torch.tensor(1.0), "service": torch.tensor(1.3)},
    Queue,
    lambda x: x,
)
