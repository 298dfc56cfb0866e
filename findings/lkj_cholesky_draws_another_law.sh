#!/usr/bin/env bash
# torch 2.13.0: samples of LKJCholesky do not have the law of its log_prob from dimension 3 on.
#
# Under LKJ(η) in d dimensions every correlation has variance 1 / (2 η + d − 1): 0.2 at d = 3,
# η = 1.5. The density integrates to one and has it; of the samples, the correlations of the last
# row do not, and the mean of ∂ log p / ∂η over them, which is 0 for samples of p, is about −0.22.
# In two dimensions both are right. Whoever weights costs by the score of its samples (REINFORCE)
# gets a biased gradient without a warning.
#
# Seen on 2026-11-28, torch 2.13.0 (CPU), 400,000 samples:
#   d=2: variance of r21 0.250 of 0.250; mean score 0.00
#   d=3: variances of r21 r31 r32 0.200 0.250 0.250 of 0.200; mean score -0.22
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/python" - <<'PYTHON'
import torch
from torch.distributions import LKJCholesky

torch.manual_seed(0)


def seen(d):
    eta = torch.tensor(1.5, dtype=torch.float64, requires_grad=True)
    law = LKJCholesky(d, eta)
    with torch.no_grad():
        factor = law.sample((400_000,))
    correlation = factor @ factor.mT
    below = torch.tril_indices(d, d, -1)
    variances = correlation[:, below[0], below[1]].var(0)
    (score,) = torch.autograd.grad(law.log_prob(factor).mean(), eta)
    right = 1 / (2 * 1.5 + d - 1)
    return variances.tolist(), float(score), right


(two,), score2, right2 = seen(2)
three, score3, right3 = seen(3)
print(f"d=2: variance of r21 {two:.3f} of {right2:.3f}; mean score {score2:.2f}")
said = " ".join(f"{v:.3f}" for v in three)
print(f"d=3: variances of r21 r31 r32 {said} of {right3:.3f}; mean score {score3:.2f}")
assert abs(two - right2) < 0.004 and abs(score2) < 0.02
assert abs(three[0] - right3) < 0.004
assert three[1] > 0.24 and three[2] > 0.24 and score3 < -0.2
PYTHON
