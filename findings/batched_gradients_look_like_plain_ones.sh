#!/usr/bin/env bash
# torch 2.13.0: a custom autograd.Function whose backward multiplies in place works for one gradient
# and raises for gradients in a batch (is_grads_batched=True), where the gradient that it gets looks
# like any other.
#
# It is of type Tensor and has the shape of a single gradient, and the level that tells of
# torch.func's transforms is None: these batches are made by an older vmap than torch.func's. The
# product into a tensor without a batch raises and names vmap, which nobody has called. Under
# torch.func.vmap there is a level. Only a private function, is_legacy_batchedtensor, tells the batch.
#
# Seen on 2026-11-30, torch 2.13.0 (CPU), Python 3.11:
#   one gradient: Tensor (3,) level None -> [2.0, 4.0, 6.0]
#   in a batch: Tensor (3,) level None -> RuntimeError: vmap: aten::mul_(self, *extra_args) is not possible
#   torch.func.vmap of vjp: Tensor (3,) level 1 -> RuntimeError: vmap: inplace arithmetic(self, *extra_args) is not
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 numpy==2.4.6
cat > "$folder/batch.py" <<'PYTHON'
import torch

seen = []


class Square(torch.autograd.Function):
    generate_vmap_rule = True

    @staticmethod
    def forward(x):
        return x * x

    @staticmethod
    def setup_context(ctx, inputs, output):
        ctx.save_for_backward(*inputs)

    @staticmethod
    def backward(ctx, grad):
        level = torch._C._functorch.maybe_current_level()
        seen.append(f"{type(grad).__name__} {tuple(grad.shape)} level {level}")
        return (2 * ctx.saved_tensors[0]).mul_(grad)


x = torch.tensor([1.0, 2.0, 3.0], requires_grad=True)
batch = torch.eye(3)


def attempt(work):
    try:
        return str(work().tolist())
    except RuntimeError as failure:
        return f"RuntimeError: {' '.join(str(failure).split()[:6])}"


ways = {
    "one gradient": lambda: torch.autograd.grad(Square.apply(x).sum(), x)[0],
    "in a batch": lambda: torch.autograd.grad(Square.apply(x), x, batch, is_grads_batched=True)[0],
    "torch.func.vmap of vjp": lambda: torch.func.vmap(
        torch.func.vjp(Square.apply, x.detach())[1]
    )(batch)[0],
}
found = {}
for name, work in ways.items():
    said = attempt(work)
    found[name] = (seen[-1], said)
    print(f"{name}: {seen[-1]} -> {said}")
assert found["one gradient"] == ("Tensor (3,) level None", "[2.0, 4.0, 6.0]")
looks, said = found["in a batch"]
assert looks == found["one gradient"][0]
assert said.startswith("RuntimeError: vmap:")
PYTHON
"$folder/venv/bin/python" "$folder/batch.py"
