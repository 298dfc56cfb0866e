"""A policy for a contextual bandit: a network chooses one of five actions, rewards are noisy data.

`gradmeter compare examples/policy.py -K 1,4`
"""

import torch
from torch import nn
from torch.distributions import OneHotCategorical

from benchmarks import Problem

torch.manual_seed(0)
states = torch.randn(1_000, 6)
rewards = torch.tanh(states @ torch.randn(6, 5))  # of each action: [1000, 5]
policy = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 5))


def family(policy, batch):
    """π(a | s) for each state, an action being one-hot: batch_shape [B], event_shape [5]."""
    states, _ = batch
    return OneHotCategorical(logits=policy(states))


def cost(action, batch):
    """Minus the reward: action [K, R, B, 5] → [K, R, B]."""
    _, rewards = batch
    return -(action * rewards).sum(-1)


problem = Problem(
    "bandit-policy", {"policy": policy}, family, cost, minibatch=(states, rewards), batch_size=32
)
