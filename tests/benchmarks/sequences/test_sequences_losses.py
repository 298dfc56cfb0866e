"""Losses: formulas against loops, exact means against sums over all ordered groups."""

import dataclasses
import itertools
import math

import pytest
import torch

from benchmarks.sequences import Batch, Policy, audit, losses
from benchmarks.sequences.gradients import Gathered
from benchmarks.sequences.groups import enumerated
from benchmarks.sequences.losses import of_step
from benchmarks.sequences.losses.correction import weights
from benchmarks.sequences.moments import Setting, Term, rows_of

GENERATOR = torch.Generator().manual_seed(5)
LAWS = {
    name: 0.8 * torch.randn(3, 3, generator=GENERATOR, dtype=torch.float64)
    for name in ("logits", "reference", "sampler", "old")
}
REWARDS = torch.randn(7, generator=GENERATOR, dtype=torch.float64).tolist()
SETTINGS = {"beta": 0.3, "entropy_coef": 0.2, "correction": "token", "bound": "truncate"}


def policy(**laws):
    return Policy(
        LAWS["logits"],
        2,
        2,
        lambda t: REWARDS[sum(4**i * (x + 1) for i, x in enumerate(t)) % 7],
        **laws,
    )


OFF = policy(reference=LAWS["reference"], sampler=LAWS["sampler"], old=LAWS["old"])
ON = policy(reference=LAWS["reference"])


def brute_force(loss, target, group):
    """E of −∇loss over all ordered groups, by autograd through a softmax of the logits."""
    n = len(target.completions)
    index = torch.tensor(list(itertools.product(range(n), repeat=group)))
    leaf = target.logits.clone().requires_grad_()
    batch = Gathered(target).batch(index, group)
    log_p = target.terms(leaf)[0][index]
    table = leaf.log_softmax(-1)
    entropy = -(table.exp() * table).sum(-1)[0][target.table.prefix[index]] * batch.mask
    batch = dataclasses.replace(batch, log_prob=log_p, entropy=entropy)
    drawn = target.probabilities(target.logits if target.sampler is None else target.sampler)
    weights = drawn[0][index].prod(-1)
    return -torch.autograd.grad((weights * of_step(loss, batch)).sum(), leaf)[0].flatten()


def exact_mean(loss, target, group):
    gathered = Gathered(target)
    truth = target.gradient("reward").reshape(-1, 3)
    terms = {"total": Term(loss, None, 1.0, truth)}
    rows, leaked = rows_of(gathered, terms, enumerated(target, group, False), Setting(group))
    assert leaked == 0
    return rows["total"][0].mean.flatten()


@pytest.mark.parametrize("group", [2, 3, 4])
@pytest.mark.parametrize("name", losses.names())
def test_exact_means_are_brute_force(name, group):
    to_go = {"beta": 0.3, "kl_in": "reward-to-go"}
    for target, settings in ((ON, {}), (ON, {"beta": 0.3}), (ON, to_go), (OFF, SETTINGS)):
        loss = losses.create(name, **settings)
        expected = brute_force(loss, target, group)
        torch.testing.assert_close(exact_mean(loss, target, group), expected, rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", ["reinforce", "rloo", "remax", "ppo"])
def test_exact_losses_are_exact(name):
    frame = audit(name, ON, group=3, beta=0.3)
    assert list(frame["term"]) == ["policy", "kl", "total"]
    assert (frame["scale"] - 1).abs().max() < 1e-12
    assert frame["direction_bias"].max() < 1e-12
    assert set(frame["verdict"]) == {"parallel"}


def test_a_penalty_to_go_is_exact_and_quieter():
    """A token does not move the penalties before it: to leave them out costs nothing."""
    rows = [
        audit("reinforce", ON, 2, terms=["kl"], beta=0.3, kl_in=place).iloc[0]
        for place in ("reward", "reward-to-go")
    ]
    for row in rows:
        assert abs(row["scale"] - 1) < 1e-12
        assert row["direction_bias"] < 1e-12
    assert rows[1]["variance"] < rows[0]["variance"]


def test_sequence_weights_undo_the_sampler_and_token_weights_do_not():
    target = policy(sampler=LAWS["sampler"])
    found = {
        c: audit("rloo", target, 2, correction=c).iloc[0] for c in ("none", "token", "sequence")
    }
    assert abs(found["sequence"]["scale"] - 1) < 1e-12
    assert found["sequence"]["direction_bias"] < 1e-12
    assert found["token"]["verdict"] == found["none"]["verdict"] == "turned"


def test_dr_grpo_is_parallel_with_the_length_that_theory_says():
    row = audit("dr-grpo", ON, group=4).iloc[0]
    assert row["direction_bias"] < 1e-12
    assert row["scale"] == pytest.approx((1 - 1 / 4) / 2, abs=1e-12)  # (1 − 1/G) / length


def test_a_standard_deviation_weighs_a_prompt_as_theory_says():
    """E ĝ = c ∇p for binary rewards, c = Σ_k Binom(k) (k/G)(1 − k/G)/(sd + 1e-4) / (p (1 − p))."""
    p, group = 0.3, 4
    logits = torch.tensor([[math.log(p), math.log(1 - p)]], dtype=torch.float64)
    one = Policy(logits, eos=1, length=1, reward=lambda tokens: float(tokens[0] == 0))
    c = 0.0
    for k in range(group + 1):
        share = k / group
        sd = math.sqrt(group / (group - 1) * share * (1 - share))
        mass = math.comb(group, k) * p**k * (1 - p) ** (group - k)
        c += mass * share * (1 - share) / (sd + 1e-4)
    row = audit("grpo", one, group=group).iloc[0]
    assert row["scale"] == pytest.approx(c / (p * (1 - p)), rel=1e-12)


def random_batch(seed, group=4, length=5):
    """One batch of one group with tokens that are all different."""
    draw = torch.Generator().manual_seed(seed)

    def numbers(*shape):
        return torch.rand(*shape, generator=draw, dtype=torch.float64)

    sizes = torch.randint(1, length + 1, (group,), generator=draw)
    mask = (torch.arange(length) < sizes[:, None]).double()
    laws = {k: -0.2 - numbers(group, length) for k in ("log_prob", "old", "reference", "sampler")}
    zero = torch.zeros(group, dtype=torch.long)
    return Batch(
        **laws, entropy=numbers(group, length), mask=mask, tokens=torch.zeros_like(mask).long(),
        rewards=numbers(group), greedy=numbers(1).expand(group), group=zero, prompt=zero,
        length=length,
    )  # fmt: skip


def by_loops(batch, advantage, clip, weight):
    """Σ −min(r A, clip(r) A) · weight(i), by loops over completions and tokens."""
    total = 0.0
    for i in range(len(batch.rewards)):
        for t in range(int(batch.mask[i].sum())):
            r = math.exp(batch.log_prob[i, t] - batch.old[i, t])
            low, high = clip
            clipped = min(max(r, 1 - low), 1 + high)
            a = advantage[i]
            total += -min(r * a, clipped * a) * weight(i)
    return total


@pytest.mark.parametrize("seed", range(5))
def test_formulas_by_loops(seed):
    batch = random_batch(seed)
    r, sizes = batch.rewards.tolist(), batch.mask.sum(-1).tolist()
    n, total = len(r), sum(sizes)
    mean = sum(r) / n
    sd = math.sqrt(sum((x - mean) ** 2 for x in r) / (n - 1))
    standard = [(x - mean) / (sd + 1e-4) for x in r]
    others = [x - (sum(r) - x) / (n - 1) for x in r]
    opo = [x - sum(s * y for s, y in zip(sizes, r, strict=True)) / total for x in r]
    scores = (batch.log_prob * batch.mask).sum(-1).tolist()
    expected = {
        "grpo": by_loops(batch, standard, (0.2, 0.2), lambda i: 1 / n / sizes[i]),
        "dapo": by_loops(batch, standard, (0.2, 0.28), lambda i: 1 / total),
        "bnpo": by_loops(batch, standard, (0.2, 0.2), lambda i: 1 / total),
        "dr-grpo": by_loops(batch, [x - mean for x in r], (0.2, 0.2), lambda i: 1 / n / 5),
        "ppo": by_loops(batch, others, (0.2, 0.2), lambda i: 1 / n),
        "rloo": -sum(a * s for a, s in zip(others, scores, strict=True)) / n,
        "opo": -sum(a * s for a, s in zip(opo, scores, strict=True)) / n,
        "reinforce": -sum(a * s for a, s in zip(r, scores, strict=True)) / n,
        "remax": -sum((a - batch.greedy[0].item()) * s for a, s in zip(r, scores, strict=True)) / n,
    }
    for name, value in expected.items():
        found = of_step(losses.create(name), batch).item()
        assert found == pytest.approx(value, abs=1e-12), name


@pytest.mark.parametrize("floor", [0.0, 0.9])
@pytest.mark.parametrize("level", ["token", "prefix", "sequence"])
@pytest.mark.parametrize("bound", ["none", "truncate", "mask"])
def test_weights_by_loops(level, bound, floor):
    batch = random_batch(11)
    found = weights(batch, level, bound, 1.1, floor).expand_as(batch.mask)
    capped = 0
    for i in range(len(batch.rewards)):
        size = int(batch.mask[i].sum())
        off = (batch.old[i] - batch.sampler[i]).tolist()
        for t in range(size):
            parts = {"token": off[t : t + 1], "prefix": off[: t + 1], "sequence": off[:size]}[level]
            w = math.exp(sum(parts))
            capped += w > 1.1
            if not floor <= w <= 1.1 and bound != "none":
                w = min(max(w, floor), 1.1) if bound == "truncate" else 0.0
            assert found[i, t].item() == pytest.approx(w, abs=1e-12)
    assert capped > 0


BAD = {
    "one": (("rloo", ON, 1), {}, "group of one"),
    "name": (("rlooo", ON, 2), {}, "Did you mean 'rloo'"),
    "setting": (("grpo", ON, 2), {"betta": 1}, "no setting 'betta'"),
    "choice": (("grpo", ON, 2), {"normalisation": "tokens"}, "no normalisation"),
    "reference": (("grpo", policy(), 2), {"beta": 0.1}, "needs a reference"),
    "group": (("rloo", ON, 0), {}, "group is 0; it must be a whole number from 1 on"),
    "word": (("grpo", ON, 2), {"clip": "a"}, "clip is 'a'; it must be a finite number"),
    "padding": (("grpo", ON, 2), {"padding": -1}, "whole number from 0 on"),
    "none": (("grpo", ON, 2), {"micro_batches": 0}, "whole number from 1 on"),
    "policy": (("grpo", "small", 2), {}, "is no policy"),
    "exact": (("grpo", ON, 2), {"exact": "yes"}, 'True, False or "auto"'),
    "split": (("rloo", ON, 4), {"micro_batches": (3,)}, "do not split into 3"),
    "term": (("rloo", ON, 4), {"terms": ["kl"]}, "no term 'kl'"),
    "few": (("rloo", ON, 4), {"exact": False, "replicates": 100}, "at least 128"),
}


@pytest.mark.parametrize("case", BAD)
def test_mistakes_get_a_sentence(case):
    given, settings, said = BAD[case]
    with pytest.raises(ValueError) as caught:  # noqa: PT011  the sentence is looked at below
        audit(*given, **settings)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)
