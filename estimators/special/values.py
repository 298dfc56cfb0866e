"""Whether a tensor's numbers can be looked at."""

import torch
from torch import Tensor
from torch._C._functorch import maybe_current_level


def is_known(t: Tensor) -> bool:
    """Whether the numbers of `t` are there: not where it is traced, transformed or on `meta`."""
    return (
        type(t) is Tensor
        and t.device.type != "meta"
        and maybe_current_level() is None
        and not torch.compiler.is_compiling()
    )
