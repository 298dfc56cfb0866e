"""torch's Poisson numbers, bit for bit, from one compiled loop: twice as fast.

Rates below 10 are drawn as torch draws them, by a product of uniform numbers (Knuth 1969, vol. 2,
section 3.4.1), from the same Mersenne twister (Matsumoto & Nishimura 1998), whose state is left as
torch would leave it.
"""

from math import exp

import numpy as np
import torch
from torch import Tensor

from benchmarks.c_loops import loop
from benchmarks.machine.random_streams import HEADER, WORDS
from estimators.special import loops
from estimators.special.values import distinct, repeated

CHECKED = 2**15  # numbers that must be torch's, and the state after them, before any is used
BELOW = 10.0  # rates that torch draws so
MOST = 2**12  # of them
LEFT, NEXT = 8, 16  # bytes before what is left of the words, plus one, and where the next one is
KINDS = {torch.float32: "poissons_float", torch.float64: "poissons_double"}


def poissons(rate: Tensor) -> Tensor:
    """Poisson numbers of these rates from torch's stream, as `torch.poisson` draws them."""
    few = distinct(rate)
    if repeated(few, rate) is None or not 0 < few.numel() <= MOST:
        return torch.poisson(rate)
    each = few.flatten().tolist()
    if not all(0 < value < BELOW for value in each) or rate.dtype not in KINDS:
        return torch.poisson(rate)
    stream = torch.get_rng_state()
    slots = stream.numpy()[HEADER : HEADER + 8 * WORDS].view(np.uint64)
    left, place = (stream.numpy()[at : at + 4].view(np.int32) for at in (LEFT, NEXT))
    state, out = slots.astype(np.uint32), torch.empty(rate.shape, dtype=rate.dtype)
    limit = np.array([exp(-value) for value in each])
    shape = out.numel() // len(each), len(each)
    used = loop(KINDS[rate.dtype])(state, WORDS + 1 - int(left[0]), *shape, limit, out)
    slots[:], left[:], place[:] = state, WORDS + 1 - used, used
    torch.set_rng_state(stream)
    return out


def use() -> None:
    """Draw many Poisson numbers so from now on, if those of the torch that is installed are so."""
    rate = torch.linspace(0.1, 9.9, 32, dtype=torch.float64).expand(CHECKED // 32, 32)
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        ours, after = poissons(rate), torch.get_rng_state()
        torch.default_generator.manual_seed(0)  # and no other device's
        same = torch.equal(ours, torch.poisson(rate)) and torch.equal(after, torch.get_rng_state())
    if same:
        loops.bring(poissons=poissons)
