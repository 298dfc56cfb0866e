#!/usr/bin/env bash
# torch 2.13.0: the first call of torch.compile, before anything is compiled, ends the argument checks of
# torch.distributions for the whole process.
#
# Wrapping a function that has nothing to do with distributions is enough. From then on code that is not
# compiled builds Gamma(-0.5, 1) without a word, which draws positive numbers and has a finite log density
# at 0.5. What was set by hand before is lost too: set_default_validate_args(True) has to be called again,
# and then lasts. `validate_args=True` of one distribution is honoured.
#
# Seen on 2026-11-30, torch 2.13.0 (CPU), Python 3.11:
#   before: checks True, Gamma(-0.5, 1): ValueError
#   wrapped, not called: checks False, Gamma(-0.5, 1): built
#   set again, then called: checks True, Gamma(-0.5, 1): ValueError
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/checks.py" <<'PYTHON'
import torch
from torch.distributions import Distribution, Gamma


def state(when):
    try:
        Gamma(-0.5, 1.0)
        built = "built"
    except ValueError:
        built = "ValueError"
    print(f"{when}: checks {Distribution._validate_args}, Gamma(-0.5, 1): {built}")
    return Distribution._validate_args, built


Distribution.set_default_validate_args(True)
assert state("before") == (True, "ValueError")
double = torch.compile(lambda x: 2 * x, backend="eager")
assert state("wrapped, not called") == (False, "built")
assert Gamma(-0.5, 1.0).sample((100,)).min() > 0
assert Gamma(-0.5, 1.0).log_prob(torch.tensor(0.5)).isfinite()
try:
    Gamma(-0.5, 1.0, validate_args=True)
    raise AssertionError
except ValueError:
    pass
Distribution.set_default_validate_args(True)
assert double(torch.ones(2)).sum() == 4
assert state("set again, then called") == (True, "ValueError")
PYTHON
"$folder/venv/bin/python" "$folder/checks.py"
