#!/usr/bin/env bash
# pyro-ppl 1.9.2: samples of CoalescentTimes do not depend on its rate, which its log_prob does.
#
# With n leaves at time 0 the intervals between coalescences are exponential with rates
# rate · k(k−1)/2, so the first interval back in time of two leaves has mean 1 / rate. `sample` draws
# it with rate 1 whatever was given; the mean of ∂ log p / ∂ rate over its samples, which is 0 for
# samples of p, is (n − 1) (1 / rate − 1). Whoever weights costs by the score gets a biased gradient,
# whoever simulates gets the wrong time scale, and no warning.
#
# Seen on 2026-11-28, pyro-ppl 1.9.2, torch 2.13.0 (CPU), 20,000 samples:
#   rate 1: mean interval 1.01 of 1.00; mean score -0.01
#   rate 4: mean interval 1.00 of 0.25; mean score -0.75
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 pyro-ppl==1.9.2
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from pyro.distributions import CoalescentTimes

torch.manual_seed(0)


def seen(rate):
    rate = torch.tensor(float(rate), requires_grad=True)
    law = CoalescentTimes(torch.zeros(2), rate)
    with torch.no_grad():
        times = law.sample((20_000,))
    (score,) = torch.autograd.grad(law.log_prob(times).mean(), rate)
    return float(-times.mean()), float(score)


for rate in (1, 4):
    interval, score = seen(rate)
    print(f"rate {rate}: mean interval {interval:.2f} of {1 / rate:.2f}; mean score {score:.2f}")
    assert abs(interval - 1) < 0.05
    assert abs(score - (1 / rate - 1)) < 0.05
PYTHON
