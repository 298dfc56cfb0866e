#!/usr/bin/env bash
# OpenRLHF 0.11.2: `--algo.kl.unbiased_gradient` is not the gradient of the KL of completions. For
# tokens before the last it may have the opposite sign. (The option came with pull request 1309.)
#
# `compute_approx_kl(..., unbiased_gradient=True)` promises "the true reverse-KL gradient" and names
# D_KL(π_θ‖π_ref) over y. What it gives a token is w · k1 · ∇log π of that token alone: the gradient
# at prefixes that do not move. That of the KL of completions also has the k1 of all tokens after it,
# which an early token makes more or less likely. Below, two tokens of two values each, all four
# completions enumerated, on-policy, summed over tokens: no sampling, no normalisation. The first
# token's derivative has the wrong sign; those of the last token are right.
#
# Seen on 2026-11-28, openrlhf 0.11.2, torch 2.13.0 (CPU):
#   first token:  unbiased_gradient +0.141, gradient of the KL -0.048
#   last token:   unbiased_gradient +0.258 +0.075, gradient of the KL +0.258 +0.075
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
"$folder/venv/bin/pip" install --quiet --no-deps openrlhf==0.11.2
"$folder/venv/bin/python" - <<'PYTHON'
import ast
import importlib.util
from pathlib import Path
from typing import Optional

import torch

# the function as installed, without the models and servers that its package imports
place = Path(importlib.util.find_spec("openrlhf").submodule_search_locations[0])
tree = ast.parse((place / "models" / "utils.py").read_text())
wanted = [
    node for node in tree.body
    if getattr(node, "name", "") == "compute_approx_kl"
    or ast.unparse(node).startswith("KL_IS_WEIGHT_CLIP")
]
names = {"torch": torch, "Optional": Optional}
exec(compile(ast.Module(wanted, []), "utils.py", "exec"), names)
compute_approx_kl = names["compute_approx_kl"]

first = torch.tensor(0.5, requires_grad=True)  # log-odds of the first token being 1
last = torch.tensor([0.3, -0.4], requires_grad=True)  # of the second, after 0 and after 1
reference = torch.tensor(-0.1), torch.tensor([-2.5, -0.9])


def log_probs(a, b):
    """Of both tokens of the completions 00, 01, 10, 11: [4, 2]."""
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    odds = torch.stack((a.expand(4), b[x[:, 0].long()]), -1)
    return torch.nn.functional.logsigmoid(torch.where(x == 1, odds, -odds))


ours, base = log_probs(first, last), log_probs(*reference)
weights = ours.sum(-1).exp()
kl = (weights * (ours - base).sum(-1)).sum()
true = torch.autograd.grad(kl, (first, last), retain_graph=True)
each = compute_approx_kl(ours, base, ours.detach(), "k3", True)
found = torch.autograd.grad((weights.detach() * each.sum(-1)).sum(), (first, last))
print(f"first token:  unbiased_gradient {found[0]:+.3f}, gradient of the KL {true[0]:+.3f}")
said = [" ".join(f"{v:+.3f}" for v in g[1]) for g in (found, true)]
print(f"last token:   unbiased_gradient {said[0]}, gradient of the KL {said[1]}")
assert torch.allclose(found[1], true[1], atol=1e-6)
assert found[0] * true[0] < 0
PYTHON
