"""torch's Poisson numbers, bit for bit, from one compiled loop: twice as fast.

Needs numba, of the extra `fast`. Rates below 10 are drawn as torch draws them, by a product of
uniform numbers (Knuth 1969, vol. 2, section 3.4.1), from the same Mersenne twister (Matsumoto &
Nishimura 1998), whose state is left as torch would leave it.
"""

from math import exp

import numpy as np
import torch
from torch import Tensor

from benchmarks.machine.random_streams import HEADER, WORDS
from benchmarks.statistics.machine_code import compiled
from estimators.special import loops
from estimators.special.values import distinct, repeated

CHECKED = 2**15  # numbers that must be torch's, and the state after them, before any is used
BELOW = 10.0  # rates that torch draws so
MOST = 2**12  # of them
LEFT, NEXT = 8, 16  # bytes before what is left of the words, plus one, and where the next one is
U = np.uint32
LATER, EARLIER = 397, 227  # where the word is that is mixed in
UPPER, LOWER, MIX = U(0x80000000), U(0x7FFFFFFF), U(0x9908B0DF)


@compiled()
def _twist(state):
    """The next 624 words of the twister."""
    for i in range(EARLIER):
        word = (state[i] & UPPER) | (state[i + 1] & LOWER)
        state[i] = state[i + LATER] ^ (word >> U(1)) ^ ((U(0) - (state[i + 1] & U(1))) & MIX)
    for i in range(EARLIER, WORDS - 1):
        word = (state[i] & UPPER) | (state[i + 1] & LOWER)
        state[i] = state[i - EARLIER] ^ (word >> U(1)) ^ ((U(0) - (state[i + 1] & U(1))) & MIX)
    word = (state[WORDS - 1] & UPPER) | (state[0] & LOWER)
    state[WORDS - 1] = state[LATER - 1] ^ (word >> U(1)) ^ ((U(0) - (state[0] & U(1))) & MIX)


@compiled()
def _temper(state, out):
    for i in range(len(state)):
        word = state[i]
        word ^= word >> U(11)
        word ^= (word << U(7)) & U(0x9D2C5680)
        word ^= (word << U(15)) & U(0xEFC60000)
        out[i] = word ^ (word >> U(18))


@compiled()
def _uniforms(state, used, over, words, u):
    """Fill `u` with uniform numbers of the next words; how many, the words used and left over.

    A number takes two words. `over` says whether the first of `words` has no other yet.
    """
    if used == WORDS:
        _twist(state)
        used = 0
    given = over + WORDS - used
    _temper(state[used:], words[over:given])
    for k in range(given // 2):
        high, low = np.int64(words[2 * k] & U(0x1FFFFF)), np.int64(words[2 * k + 1])
        u[k] = ((high << 32) | low) * 2.0**-53
    words[0] = words[given - 1]
    return given // 2, WORDS, given % 2


@compiled()
def _fill(state, used, limit, out):
    """Fill `out` [n, P] with Poisson numbers of each of P rates, exp(−rate) in `limit` [P].

    Of the 624 words in `state`, `used` were drawn before; how many then are.
    """
    words, u = np.empty(WORDS + 1, np.uint32), np.empty(WORDS // 2)
    over, given, k = 0, 0, 0
    for row in range(len(out)):
        for j in range(len(limit)):
            least, product, count = limit[j], 1.0, 0.0
            while True:
                while k == given:  # of a single word there is none
                    given, used, over = _uniforms(state, used, over, words, u)
                    k = 0
                product *= u[k]
                k += 1
                if not product > least:
                    break
                count += 1.0
            out[row, j] = count
    return used - over - 2 * (given - k)


def poissons(rate: Tensor) -> Tensor:
    """Poisson numbers of these rates from torch's stream, as `torch.poisson` draws them."""
    few = distinct(rate)
    if repeated(few, rate) is None or few.numel() > MOST:
        return torch.poisson(rate)
    each = few.flatten().tolist()
    if not all(0 < value < BELOW for value in each) or rate.dtype.itemsize < 4:
        return torch.poisson(rate)
    stream = torch.get_rng_state()
    slots = stream.numpy()[HEADER : HEADER + 8 * WORDS].view(np.uint64)
    left, place = (stream.numpy()[at : at + 4].view(np.int32) for at in (LEFT, NEXT))
    state, out = slots.astype(np.uint32), torch.empty(rate.shape, dtype=rate.dtype)
    limit = np.array([exp(-value) for value in each])
    used = _fill(state, WORDS + 1 - int(left[0]), limit, out.view(-1, len(each)).numpy())
    slots[:], left[:], place[:] = state, WORDS + 1 - used, used
    torch.set_rng_state(stream)
    return out


def use() -> None:
    """Draw many Poisson numbers so from now on, if those of the torch that is installed are so."""
    rate = torch.linspace(0.1, 9.9, 32, dtype=torch.float64).expand(CHECKED // 32, 32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        ours, after = poissons(rate), torch.get_rng_state()
        torch.manual_seed(0)
        same = torch.equal(ours, torch.poisson(rate)) and torch.equal(after, torch.get_rng_state())
    if same:
        loops.bring(poissons=poissons)
