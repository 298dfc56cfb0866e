#!/usr/bin/env bash
# torch 2.13.0: samples of ContinuousBernoulli do not move with probs where that lies within 0.001
# of 1/2, although it has `rsample`: the derivative is exactly zero.
#
# d E[x] / d probs is about 1/3 there. Near 1/2 the quantile function is 0/0, so torch puts a limit
# in its place that does not contain probs; a parameter that starts at 1/2 (logits 0) never moves
# under pathwise training.
#
# Seen on 2026-11-28, torch 2.13.0 (CPU):
#   probs 0.5000: mean pathwise derivative 0.0000; the mean itself moves by 0.333
#   probs 0.4900: mean pathwise derivative 0.3332; the mean itself moves by 0.333
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.distributions import ContinuousBernoulli

torch.manual_seed(0)


def mean(p):
    return p / (2 * p - 1) + 1 / (2 * torch.atanh(1 - 2 * p))


def seen(p):
    probs = torch.full((400_000,), p, dtype=torch.float64, requires_grad=True)
    (path,) = torch.autograd.grad(ContinuousBernoulli(probs).rsample().sum(), probs)
    ends = torch.tensor([p - 0.01, p + 0.011], dtype=torch.float64)
    slope = float((mean(ends[1]) - mean(ends[0])) / (ends[1] - ends[0]))
    return float(path.mean()), slope


for p in (0.5, 0.49):
    path, slope = seen(p)
    print(f"probs {p:.4f}: mean pathwise derivative {path:.4f}; the mean itself moves by {slope:.3f}")
    assert abs(slope - 1 / 3) < 0.01
    assert path == 0 if p == 0.5 else abs(path - 1 / 3) < 0.01
PYTHON
