"""The attack suite: what counts as a false statement, and a part of it at a small budget."""

from dataclasses import replace

import pytest

from benchmarks.calibration.attacks import attack_verdicts, attacks
from benchmarks.calibration.attacks.trials import Attack, Trial, line, trials

ATTACKS = {f"{one.kind}: {one.name}": one for one in attacks()}
RIGHT = Attack("kind", "right", lambda: None, "pathwise")
FALSE = [  # what is planted, what is said of it, and what of that is false
    (RIGHT, {"bias": "unbiased", "direction": "parallel"}, None),
    (RIGHT, {"bias": "biased"}, "called biased"),
    (RIGHT, {"direction": "turned"}, "called turned"),
    (RIGHT, {"status": "error", "reason": "why"}, "what is right was not measured: why"),
    (replace(RIGHT, off=0.06), {"bias": "unbiased"}, "called unbiased"),
    (replace(RIGHT, off=0.04), {"bias": "unbiased"}, None),
    (replace(RIGHT, off=0.06), {"bias": "biased"}, None),
    (replace(RIGHT, off=0.06), {"status": "error", "reason": "why"}, None),
    (replace(RIGHT, off=1.0, turned=0.06), {"direction": "parallel"}, "called parallel"),
    (replace(RIGHT, off=1.0), {"direction": "turned"}, "called turned"),
    (replace(RIGHT, named=True), {"bias": "unbiased"}, "measured without a word"),
    (replace(RIGHT, named=True), {"bias": "unbiased", "reason": "why"}, None),
    (replace(RIGHT, named=True), {"bias": "biased"}, None),
    (replace(RIGHT, named=True), {"status": "error", "reason": "why"}, None),
]
SAMPLED = [  # a few of each kind that take a moment
    "estimators: × 1.06, P = 10",
    "estimators: right, P = 10",
    "estimators: 8% dense, P = 10",
    "estimators: weights, Pareto 1.2, P = 1",
    "estimators: enumeration × 1.06, logit 0",
    "estimators: baseline over the batch",
    "estimators: noise of its own seed",
    "samplers and densities: sampler 5 % too wide",
    "samplers and densities: density a factor in x, twice",
    "samplers and densities: right, with its Jacobian",
    "costs: centred over the group, pathwise",
    "costs: clipped at the batch's maximum, reinforce-loo",
    "truths: reinforce × 2, tiny gradient under 1",
    "truths: a score that is rounded off",
]


def said(attack, **words):
    known = {"status": "ok", "bias": "undetermined", "direction": "undetermined", "reason": None}
    return Trial(attack, **known | words)


@pytest.mark.parametrize(("planted", "words", "wrong"), FALSE)
def test_what_is_false_to_say(planted, words, wrong):
    assert said(planted, **words).wrong == wrong


def test_there_are_enough_of_every_kind():
    assert len(ATTACKS) == len(attacks()) >= 60
    kinds = {one.kind for one in ATTACKS.values()}
    assert kinds == {"estimators", "samplers and densities", "costs", "truths"}
    for kind in kinds:
        of_kind = [one for one in ATTACKS.values() if one.kind == kind]
        assert any(one.off == 0 and not one.named for one in of_kind), f"nothing right in {kind}"
        assert any(one.off >= 0.05 or one.named for one in of_kind), f"nothing wrong in {kind}"


@pytest.mark.parametrize("name", SAMPLED)
def test_nothing_false_is_said(name):
    quick = replace(ATTACKS[name], budgets=(2_000,))
    assert [trial.wrong for trial in trials(quick, range(1))] == [None]


def test_a_line_counts_what_was_false():
    wrong, right = said(RIGHT, bias="biased"), said(RIGHT)
    assert not line("kind", [wrong, right]).holds
    assert line("kind", [wrong, right]).measured == 1
    assert line("kind", [right] * 300).holds
    assert "below 0.01 at 95 %" in line("kind", [right] * 300).what


@pytest.mark.study
def test_the_whole_attack():
    assert all(found.holds for found in attack_verdicts(range(100, 102)))
