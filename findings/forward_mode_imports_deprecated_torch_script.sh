#!/usr/bin/env bash
# torch 2.13.0: the first derivative in forward mode fails where deprecation warnings are errors, as in
# many projects' tests, by a warning of torch's about torch itself.
#
# torch.func.jvp and torch.autograd.forward_ad.make_dual import torch's table of decompositions for
# forward mode when they are first called. That module compiles its functions by torch.jit.script,
# which 2.13 says is deprecated. The import fails, and does so again at each further call, so that no
# derivative in forward mode can be had; reverse mode imports nothing of the kind. Once an import has
# succeeded with the warning ignored, forward mode works under the same filter.
#
# Seen on 2026-11-30, torch 2.13.0 (CPU), Python 3.11:
#   reverse mode: cos(1/2) = 0.8776
#   jvp: DeprecationWarning: `torch.jit.script` is deprecated. [...]
#   jvp again: DeprecationWarning: `torch.jit.script` is deprecated. [...]
#   make_dual: DeprecationWarning: `torch.jit.script` is deprecated. [...]
#   jvp once imported: 0.8776
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/forward.py" <<'PYTHON'
import warnings

import torch
from torch.autograd import forward_ad
from torch.func import grad, jvp

x, one = torch.tensor(0.5), torch.tensor(1.0)
warnings.simplefilter("error", DeprecationWarning)


def by_dual():
    with forward_ad.dual_level():
        return forward_ad.make_dual(x, one)


def by_jvp():
    return jvp(torch.sin, (x,), (one,))[1]


print(f"reverse mode: cos(1/2) = {grad(torch.sin)(x).item():.4f}")
for name, work in (("jvp", by_jvp), ("jvp again", by_jvp), ("make_dual", by_dual)):
    try:
        work()
    except DeprecationWarning as failure:
        assert str(failure).startswith("`torch.jit.script` is deprecated."), failure
        print(f"{name}: DeprecationWarning: {str(failure).split(' Please')[0]} [...]")
    else:
        raise SystemExit(f"{name}: no warning any more")
with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    by_jvp()
print(f"jvp once imported: {by_jvp().item():.4f}")
assert abs(by_jvp().item() - 0.8775826) < 1e-6
PYTHON
"$folder/venv/bin/python" "$folder/forward.py"
