"""A race names the winner of the full run, or one tied with it, in a fifth of its processor time.

The full run is what `compare` measures by default: the whole shelf, R = 10 000. Its timings are one
by one, minutes apart; so those who may have won are timed once more, in turns.
"""

import math
import time

import numpy as np
import pytest

import estimators
from benchmarks import problems
from benchmarks.machine.deadline import Deadline
from benchmarks.measuring.prepare import prepare
from benchmarks.measuring.quick_timing import TOGETHER, ClockedBlocks, timed_quickly, timed_together
from benchmarks.measuring.race import Race
from benchmarks.measuring.race_arm import Arm
from benchmarks.statistics.elimination import Look, work_ratio

REPLICATES, SEEDS, SAMPLES = 10_000, 20, (1, 4)
PROBLEMS = (
    "digital-option", "normal-10-quadratic", "one-hot-quadratic", "one-hot-4-quadratic",
    "extreme-one-hot", "diffusion-euler", "subset-quadratic", "permutation-tour",
    "codebook-reconstruction", "bernoulli-10-linear", "bernoulli-10-quadratic",
)  # fmt: skip
MAY_HAVE_WON = 3  # times the least work that was measured


def arms_of(prepared, seed):
    names = estimators.names()
    return [
        Arm(prepared, estimators.create(name), samples, {"seed": seed})
        for samples in SAMPLES
        for name in names
    ]


def full_run(prepared):
    """Who won, or is tied with who did, and the processor seconds that it took."""
    start, found = time.process_time(), {}
    for arm in arms_of(prepared, seed=1_000):
        one = arm.task(REPLICATES).measured()
        if one.status == "ok" and one.bias_verdict != "biased" and one.zero != 1:
            found[arm] = one
    spent = time.process_time() - start
    least = min(one.work_variance for one in found.values())
    near = {arm: one for arm, one in found.items() if one.work_variance <= MAY_HAVE_WON * least}
    if least == 0:
        return {arm.label for arm in near}, spent
    again = [timed_quickly(arm.task(REPLICATES).cell, one, arm.task(REPLICATES).plan,
                           ClockedBlocks())[1] for arm, one in near.items()]  # fmt: skip
    seconds = np.exp(np.mean([np.log(timed_together(again)) for _ in range(4)], 0))
    looks = {
        arm: Look(one.variance, one.kurtosis, one.replicates, np.array(one.variance_jackknife),
                  float(time), TOGETHER)
        for (arm, one), time in zip(near.items(), seconds, strict=True)
    }  # fmt: skip
    best = min(looks.values(), key=lambda look: look.variance * look.seconds)
    tied = {arm.label for arm, look in looks.items() if work_ratio(look, best, 0.05).low <= 1}
    return tied, spent


@pytest.mark.study
@pytest.mark.parametrize("name", PROBLEMS)
def test_the_winner_of_the_full_run_in_a_fifth_of_its_time(name):
    prepared = prepare(problems.load(name))
    tied, full = full_run(prepared)
    seconds, won = [], []
    for seed in range(SEEDS):
        race = Race(arms_of(prepared, seed), REPLICATES, Deadline(math.inf))
        start = time.process_time()
        for _ in race.run():
            pass
        won.append(race.left[0].label)
        seconds.append(time.process_time() - start)
    right = sum(label in tied for label in won)
    share = sum(seconds) / len(seconds) / full
    print(f"{name}: {right} of {SEEDS}; {share:.1%} of {full:.1f} s; {sorted({*won} - tied)}")
    assert right >= SEEDS - 1, (tied, won)
    assert share <= 0.2
