#!/usr/bin/env bash
# torch 2.13.0: Beta(a, a).sample() in double precision gives exactly 0.5 in a quarter of its draws at
# a = 0.001, where the law has no such point and 0.04 % between 0.4 and 0.6.
#
# A beta number is drawn as x / (x + y) of two gammas. Of a gamma with concentration a the share below
# the least normal double is about (2.2e-308)^a: half at a = 0.001. Both are then clamped to that
# number, and their ratio is one half. At a = 0.01 that is one draw in 1.4 million. NumPy's
# Generator.beta goes on with logarithms there and keeps the law.
#
# Seen on 2026-11-30, torch 2.13.0 (CPU), NumPy 2.4.6, SciPy 1.17.1, Python 3.11, of 200,000 draws:
#   torch: exactly one half 24.3 %, between 0.4 and 0.6 24.4 %
#   numpy: exactly one half 0.0 %, between 0.4 and 0.6 0.0 %
#   the law: between 0.4 and 0.6 0.0405 %
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 scipy==1.17.1
cat > "$folder/draw.py" <<'PYTHON'
import numpy as np
import torch
from scipy import stats

A, DRAWS = 1e-3, 200_000
torch.manual_seed(0)
concentration = torch.full((DRAWS,), A, dtype=torch.float64)
drawn = {
    "torch": torch.distributions.Beta(concentration, concentration).sample().numpy(),
    "numpy": np.random.default_rng(0).beta(A, A, size=DRAWS),
}
for name, x in drawn.items():
    half, middle = (x == 0.5).mean(), ((x > 0.4) & (x < 0.6)).mean()
    print(f"{name}: exactly one half {100 * half:.1f} %, between 0.4 and 0.6 {100 * middle:.1f} %")
law = stats.beta(A, A)
print(f"the law: between 0.4 and 0.6 {100 * (law.cdf(0.6) - law.cdf(0.4)):.4f} %")
torchs, numpys = drawn["torch"], drawn["numpy"]
assert 0.2 < (torchs == 0.5).mean() < 0.3
assert (numpys == 0.5).mean() == 0
assert ((numpys > 0.4) & (numpys < 0.6)).mean() < 0.001
PYTHON
"$folder/venv/bin/python" "$folder/draw.py"
