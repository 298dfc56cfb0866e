#!/usr/bin/env bash
# torchrl 0.14.1: `support` of TruncatedNormal is that of the standardised variable, not of its samples.
#
# Between −1 and 1 with loc 0.3 and scale 0.8 it says [−1.625, 0.875]: (low − loc) / scale and
# (high − loc) / scale. Samples and log_prob are right, so nothing is raised, but whoever asks the
# support (a bijector from `biject_to`, a check of samples, a quadrature) gets another interval;
# 6 % of the samples are outside of it.
#
# Seen on 2026-11-28, torchrl 0.14.1, tensordict 0.15.3, torch 2.13.0 (CPU), 10,000 samples:
#   support [-1.625, 0.875], samples between -1.000 and 1.000, of which 0.942 inside of it
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6 cloudpickle==3.1.3 packaging==25.0 \
  pyvers==0.2.3 orjson importlib_metadata
"$folder/venv/bin/pip" install --quiet --no-deps tensordict==0.15.3 torchrl==0.14.1
"$folder/venv/bin/python" -W ignore - <<'PYTHON'
import torch
from torchrl.modules import TruncatedNormal

torch.manual_seed(0)
law = TruncatedNormal(torch.tensor([0.3]), torch.tensor([0.8]), low=-1.0, high=1.0, tanh_loc=False)
x = law.sample((10_000,))
inside = float(law.support.check(x).float().mean())
said = getattr(law.support, "base_constraint", law.support)
low, high = float(said.lower_bound), float(said.upper_bound)
print(
    f"support [{low:.3f}, {high:.3f}], samples between {float(x.min()):.3f} and "
    f"{float(x.max()):.3f}, of which {inside:.3f} inside of it"
)
assert law.log_prob(x).isfinite().all()
assert abs(low + 1.625) < 1e-5 and abs(high - 0.875) < 1e-5
assert -1 <= float(x.min()) < -0.99 and 0.99 < float(x.max()) <= 1
assert 0.9 < inside < 0.96
PYTHON
