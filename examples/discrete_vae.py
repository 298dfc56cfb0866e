"""A discrete VAE on digits: binary codes, an encoder and a decoder that are torch modules.

`gradmeter compare examples/discrete_vae.py -K 1,4,16`
"""

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.distributions import Bernoulli, Independent, kl_divergence
from torch.nn.functional import binary_cross_entropy_with_logits
from torch.utils.data import DataLoader

from benchmarks import Problem

images = torch.from_numpy(load_digits().data / 16).float()  # [1797, 64]
loader = DataLoader(images, batch_size=16, shuffle=True)

torch.manual_seed(0)
encoder = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 8))
decoder = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 64))


def family(encoder, batch):
    """q(z | x): 8 bits for each image."""
    return Independent(Bernoulli(logits=encoder(batch)), 1)


def cost(z, q, decoder, batch):
    """The negative ELBO of each image: z [K, R, B, 8] → [K, R, B]."""
    logits = decoder(z)
    misfit = binary_cross_entropy_with_logits(logits, batch.expand_as(logits), reduction="none")
    prior = Independent(Bernoulli(logits=torch.zeros_like(z[0])), 1)
    return misfit.sum(-1) + kl_divergence(q, prior)


problem = Problem(
    "student-vae", {"encoder": encoder, "decoder": decoder}, family, cost, minibatch=loader
)
