"""The softmax over the last axis, quick where it has few classes."""

import torch
from torch import Tensor

# In fewer classes than a vector of the processor has float32 numbers, torch's takes 40 to 180 ns a
# row, up to 15 times what it takes a row of 16.
_LANES = {"AVX512": 16, "AVX2": 8}.get(torch.backends.cpu.get_cpu_capability(), 0)
_MANY = 2**12  # numbers from which it pays


def softmax(z: Tensor) -> Tensor:
    """exp z / Σ exp z over the last axis: [..., C] → [..., C]."""
    few = z.shape[-1] < _LANES and z.numel() >= _MANY
    if not few or z.device.type != "cpu" or z.dtype.itemsize < 4:  # whose derivative overflows
        return z.softmax(-1)
    each = (z - z.detach().amax(-1, keepdim=True)).exp()
    return each * each.sum(-1, keepdim=True).reciprocal()
