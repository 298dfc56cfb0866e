#!/usr/bin/env bash
# torch 2.13.0: the first operation inside a TorchDispatchMode, one that only calls it and returns,
# imports torch._dynamo, and the first torch.autograd.grad that is given grad_outputs imports sympy.
#
# Neither compiles anything. A process that counts operations, or takes one vector-Jacobian product,
# pays for it with hundreds of modules, once: 0.3 s to 3 s of processor time here. torch marks
# __torch_dispatch__ of every subclass as not to be compiled, and the mark imports the compiler when
# it is first met; the check of grad_outputs asks a module of symbolic shapes for one function.
#
# Seen on 2026-11-29, torch 2.13.0 (CPU), Python 3.11, a fresh process each:
#   an operation: torch._dynamo False, sympy False
#   the same in a dispatch mode: torch._dynamo True, sympy True
#   grad of a sum: torch._dynamo False, sympy False
#   grad with grad_outputs: torch._dynamo False, sympy True
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/one.py" <<'PYTHON'
import sys

import torch
from torch.utils._python_dispatch import TorchDispatchMode


class Through(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return func(*args, **(kwargs or {}))


def operation():
    torch.ones(3) + 1


def in_a_mode():
    with Through():
        operation()


def grad(**outputs):
    x = torch.ones(3, requires_grad=True)
    y = x.square() if outputs else x.square().sum()
    torch.autograd.grad(y, x, **outputs)


cases = {
    "an operation": operation,
    "the same in a dispatch mode": in_a_mode,
    "grad of a sum": grad,
    "grad with grad_outputs": lambda: grad(grad_outputs=torch.ones(3)),
}
cases[sys.argv[1]]()
found = ", ".join(f"{name} {name in sys.modules}" for name in ("torch._dynamo", "sympy"))
print(f"{sys.argv[1]}: {found}")
PYTHON
expected="an operation: torch._dynamo False, sympy False
the same in a dispatch mode: torch._dynamo True, sympy True
grad of a sum: torch._dynamo False, sympy False
grad with grad_outputs: torch._dynamo False, sympy True"
seen="$(for case in "an operation" "the same in a dispatch mode" "grad of a sum" \
  "grad with grad_outputs"; do "$folder/venv/bin/python" "$folder/one.py" "$case"; done)"
echo "$seen"
[ "$seen" = "$expected" ]
