"""Policies: completions in order, exact gradients, mistakes in one sentence."""

import itertools
import math

import pytest
import torch

from benchmarks.sequences import Policy, PolicyError

GENERATOR = torch.Generator().manual_seed(3)
TABLE = torch.randn(7, 3, generator=GENERATOR, dtype=torch.float64)
OTHER = torch.randn(7, 3, generator=GENERATOR, dtype=torch.float64)


def by_hand(eos, length, vocabulary=3):
    """Completions by length, then lexicographically, without any of the code under test."""
    found = []
    for size in range(1, length + 1):
        for tokens in itertools.product(range(vocabulary), repeat=size):
            early = eos in tokens[:-1]
            if not early and (tokens[-1] == eos or size == length):
                found.append(tokens)
    return found


def prefixes(eos, length, vocabulary=3):
    others = [token for token in range(vocabulary) if token != eos]
    return [p for size in range(length) for p in itertools.product(others, repeat=size)]


def log_probability(logits, tokens, eos, length):
    rows = {prefix: row for row, prefix in enumerate(prefixes(eos, length))}
    terms = [logits[rows[tokens[:t]]].log_softmax(-1)[token] for t, token in enumerate(tokens)]
    return torch.stack(terms).sum()


@pytest.mark.parametrize("eos", [0, 1, 2])
@pytest.mark.parametrize("length", [1, 2, 3])
def test_completions_are_all_there_in_order(eos, length):
    table = TABLE[: len(prefixes(eos, length))]
    policy = Policy(table, eos, length, len)
    assert policy.completions == by_hand(eos, length)
    assert policy.probabilities().sum().item() == pytest.approx(1, abs=1e-14)


@pytest.mark.parametrize("eos", [0, 1, 2])
@pytest.mark.parametrize("which", ["reward", "kl", "entropy"])
def test_gradients_are_sums_over_completions(eos, which):
    def reward(tokens):
        return math.sin(sum((i + 1) * (token + 1) for i, token in enumerate(tokens)))

    policy = Policy(TABLE, eos, 3, reward, reference=OTHER)
    leaf = TABLE.clone().requires_grad_()
    total = 0.0
    for tokens in by_hand(eos, 3):
        log_p = log_probability(leaf, tokens, eos, 3)
        value = {
            "reward": reward(tokens),
            "kl": log_p - log_probability(OTHER, tokens, eos, 3),
            "entropy": -log_p,
        }[which]
        total = total + log_p.exp() * value
    expected = torch.autograd.grad(total, leaf)[0]
    torch.testing.assert_close(policy.gradient(which), expected, rtol=1e-12, atol=1e-14)


def test_several_prompts_count_equally():
    def reward(tokens, prompt):
        return len(tokens) * (prompt - 0.4)

    both = Policy(torch.stack((TABLE, OTHER)), 2, 3, reward)
    for prompt, table in enumerate((TABLE, OTHER)):
        alone = Policy(table, 2, 3, lambda tokens, prompt=prompt: reward(tokens, prompt))
        found = both.gradient("reward")[prompt]
        torch.testing.assert_close(found, alone.gradient("reward") / 2, rtol=1e-12, atol=1e-14)


BAD = {
    "reward": ({"reward": lambda tokens: math.inf}, "reward of (2,) is inf"),
    "no number": ({"reward": lambda tokens: "one"}, "must be one finite number"),
    "eos": ({"eos": 3}, "outside of the vocabulary of 3"),
    "rows": ({"logits": TABLE[:6]}, "7 prefixes"),
    "mass": ({"reference": OTHER.index_fill(1, torch.tensor(0), -math.inf)}, "no probability"),
    "shape": ({"sampler": OTHER[:3]}, "one shape"),
    "logits": ({"logits": TABLE * math.nan}, "not finite"),
    "length": ({"length": 0}, "at least one token"),
}


@pytest.mark.parametrize("case", BAD)
def test_mistakes_get_a_sentence(case):
    wrong, said = BAD[case]
    given = {"logits": TABLE, "eos": 2, "length": 3, "reward": len} | wrong
    with pytest.raises(PolicyError) as caught:
        Policy(**given)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_divergence_needs_a_reference():
    with pytest.raises(PolicyError, match="needs a reference"):
        Policy(TABLE, 2, 3, len).gradient("kl")
