"""What a cell does beside its work in `fault_injection`: each act is made with dice, and done once.

An act returns None, or what the surrogate is multiplied by.
"""

import functools
import gc
import itertools
import os
import random
import re
import signal
import sys
import warnings

import numpy
import torch
from torch.distributions import Distribution

from estimators.configuration import plain

MUCH = 300 * 10**6  # bytes that a cell eats where 100 MB are taken to be free
eaten = []


class Mine(BaseException):
    """An exception that is no Exception."""


def moves(dice, problems):
    """The cell goes to another folder."""
    folder = dice.choice(["/", "/tmp", "/proc", "..", os.path.expanduser("~")])
    return lambda: os.chdir(folder)


def exits(dice, problems):
    """The cell ends the process, as far as Python lets it."""
    what = dice.choice([SystemExit(n) for n in (0, 1, 3, 130, None, "text\n")] + [Mine("mine")]
                       + [GeneratorExit(), StopIteration(), RecursionError("deep")])  # fmt: skip

    def act():
        raise what

    return act


SETTINGS = {
    "dtype": lambda: torch.set_default_dtype(torch.float16),
    "device": lambda: torch.set_default_device("meta"),
    "threads": lambda: torch.set_num_threads(3),
    "matmul": lambda: torch.set_float32_matmul_precision("medium"),
    "gradients": lambda: torch.set_grad_enabled(False),
    "anomaly": lambda: torch.autograd.set_detect_anomaly(True, check_nan=False),
    "deterministic": lambda: torch.use_deterministic_algorithms(True),
    "validation": lambda: Distribution.set_default_validate_args(True),
    "environment": lambda: os.environ.update(LEFT_BEHIND="yes", OMP_NUM_THREADS="7"),
    "no environment": os.environ.clear,
    "signals": lambda: [signal.signal(n, signal.SIG_IGN) for n in (signal.SIGTERM, signal.SIGINT)],
    "processors": lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
    "torch's seed": lambda: torch.manual_seed(1),
    "numpy's seed": lambda: numpy.random.seed(1),
    "python's seed": lambda: random.seed(1),
    "numpy's errors": lambda: numpy.seterr(all="raise"),
    "permissions of files": lambda: os.umask(0o777),
    "depth of calls": lambda: sys.setrecursionlimit(150),
    "no output": lambda: setattr(sys, "stdout", open(os.devnull, "w")),  # noqa: SIM115
    "no errors": lambda: setattr(sys, "stderr", None),
    "no collection of garbage": gc.disable,
}


def leaves(dice, problems):
    """The cell leaves some of the process's settings other than they were."""
    chosen = dice.sample(sorted(SETTINGS), dice.randint(1, 4))

    def act():
        for name in chosen:
            SETTINGS[name]()

    return act


def settings():
    """What SETTINGS can change, seeds apart."""
    mask = os.umask(0o022)
    os.umask(mask)
    return repr(
        (
            torch.get_default_dtype(), torch.get_default_device(), torch.get_num_threads(),
            torch.get_float32_matmul_precision(), torch.is_grad_enabled(), os.getcwd(),
            torch.is_anomaly_enabled(), torch.are_deterministic_algorithms_enabled(),
            Distribution._validate_args, sorted(os.environ.items()), mask, gc.isenabled(),
            signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT),
            sorted(os.sched_getaffinity(0)), sorted(numpy.geterr().items()),
            sys.getrecursionlimit(), sys.stdout is None, sys.stderr is None,
        )
    )  # fmt: skip


def edits(dice, problems):
    """The cell writes into a tensor of a problem: its own, or another's."""
    tensor, by = dice.choice(problems), dice.choice([1.0, -7.0, float("nan")])
    return dice.choice([lambda: tensor.data.add_(by), lambda: tensor.data.fill_(by)])


def eats(dice, problems):
    """The cell takes more memory than there is."""
    take = dice.choice([
        lambda: torch.zeros(MUCH // 4),
        lambda: numpy.ones(MUCH // 8),
        lambda: bytearray(MUCH),
        lambda: [bytes(10**5) for _ in range(MUCH // 10**5)],
    ])  # fmt: skip
    return lambda: eaten.append(take())


def warns(dice, problems):
    """The cell warns, and has warnings raise from then on."""

    def act():
        warnings.simplefilter("error")
        warnings.warn("of a cell", stacklevel=1)

    return act


ACTS = {"moves": moves, "exits": exits, "leaves": leaves, "edits": edits, "eats": eats,
        "warns": warns}  # fmt: skip


def functions(dice):
    """Functions of one name that compute different things."""

    def holds(value):
        return lambda dist: dist.mean * value

    def by_default(value):
        def weight(dist, factor=value):
            return dist.mean * factor

        return weight

    def nested(value):
        return lambda dist: (lambda x: x * value)(dist.mean)

    def of_tensor(value):
        tensor = torch.tensor([1.0, value])
        return lambda dist: dist.mean * tensor.sum()

    def partial(value):
        return functools.partial(pow, value)

    makers = [holds, by_default, nested, of_tensor, partial]
    values = dice.sample(range(1, 10**6), 4)
    return [(maker.__name__, value, maker(float(value)), maker(float(value)))
            for maker in makers for value in values]  # fmt: skip


def identities(seed, rounds):
    """How many pairs of functions were told apart, and sentences about those that were not."""
    dice, told, wrong = random.Random(seed), 0, []
    for _ in range(rounds):
        made = functions(dice)
        for kind, value, one, same in made:
            told += 1
            if plain(one) != plain(same):
                wrong.append(f"{kind} of {value} is not itself")
        for first, second in itertools.combinations(made, 2):
            if plain(first[2]) == plain(second[2]):
                wrong.append(f"{first[:2]} and {second[:2]} share an identity")
    return told, wrong


DEAF = '''
import ctypes, os, signal, sys, time
import estimators
from estimators.pathwise import Pathwise

def spin():
    while True:
        pass

def ignore(*numbers):
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(60)

def blocked():
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    spin()

ACTS = {
    "spins": spin,
    "sleeps": lambda: time.sleep(600),
    "ignores-the-alarm": lambda: ignore(signal.SIGALRM),
    "ignores-all": lambda: ignore(*(set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP})),
    "blocks-all": blocked,
    "stops-itself": lambda: os.kill(os.getpid(), signal.SIGSTOP),
    "puts-off-the-alarm": lambda: (signal.setitimer(signal.ITIMER_REAL, 0), spin()),
    "leaves-with-0": lambda: os._exit(0),
    "leaves-with-1": lambda: os._exit(1),
    "aborts": os.abort,
    "kills-itself": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "reads-nowhere": lambda: ctypes.string_at(0),
    "closes-all-files": lambda: (os.closerange(3, 1000), spin()),
    "sends-nonsense": lambda: [os.write(n, b"nonsense") for n in range(3, 9) if writable(n)],
}

def writable(number):
    try:
        os.write(number, b"")
        return True
    except OSError:
        return False

for name, act in ACTS.items():
    @estimators.register(name)
    class Deaf(Pathwise):
        """Pathwise, but for what it does first."""

        act = staticmethod(act)

        def unsupported(self, dist, samples=1):
            return None

        def surrogate(self, dist, cost, samples=1):
            self.act()
            return super().surrogate(dist, cost, samples)
'''


def deaf_names():
    """The estimators of DEAF."""
    return re.findall(r'^    "([a-z0-9-]+)":', DEAF, re.MULTILINE)
