#!/usr/bin/env bash
# torch 2.13.0: at probs exactly 0 or 1 Bernoulli, Binomial and Categorical have the density of a
# certain event and a derivative of exactly zero, where that of E[x] in probs is 1 (3 for 3 trials).
#
# probs are clamped to [eps, 1 - eps] before their logarithm or logit is taken, and a clamp that bites
# passes no gradient on: a tabular policy that starts at, or is projected to, probability 0 or 1 stays
# there under exact gradients as under score functions, though the mean has a slope.
#
# Seen on 2026-11-29, torch 2.13.0 (CPU), derivatives of sum_x x p(x):
#   Bernoulli probs 0.999999: 1.0000   probs 1: 0.0000
#   Binomial(3) probs 0.5: 3.0000   probs 1: 0.0000
#   Categorical, of the first of probs (0.5, 0.5): 0.5000   of (1, 0): 0.0000
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.distributions import Bernoulli, Binomial, Categorical


def slope(mean, *values, dtype=torch.float64):
    at = torch.tensor(values, dtype=dtype, requires_grad=True)
    return float(torch.autograd.grad(mean(at), at)[0][0])


def bernoulli(p):
    return Bernoulli(probs=p).log_prob(torch.ones_like(p)).exp().sum()


def binomial(p):
    return sum(x * Binomial(3, probs=p).log_prob(torch.tensor([float(x)])).exp() for x in range(4)).sum()


def first(p):
    return Categorical(probs=p).log_prob(torch.tensor(0)).exp()


near, sure = slope(bernoulli, 0.999999), slope(bernoulli, 1.0)
print(f"Bernoulli probs 0.999999: {near:.4f}   probs 1: {sure:.4f}")
assert abs(near - 1) < 1e-6 and sure == 0
half, all_ = slope(binomial, 0.5), slope(binomial, 1.0)
print(f"Binomial(3) probs 0.5: {half:.4f}   probs 1: {all_:.4f}")
assert abs(half - 3) < 1e-6 and all_ == 0
open_, shut = slope(first, 0.5, 0.5), slope(first, 1.0, 0.0)
print(f"Categorical, of the first of probs (0.5, 0.5): {open_:.4f}   of (1, 0): {shut:.4f}")
assert abs(open_ - 0.5) < 1e-6 and shut == 0
PYTHON
