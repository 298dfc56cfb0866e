"""The audit: samples against enumeration, invariances, losses of the user's, its mistakes."""

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import CliRunner

from benchmarks.sequences import Policy, audit, losses
from benchmarks.sequences.examples import small_policy
from benchmarks.sequences.gradients import Gathered
from benchmarks.sequences.groups import enumerated, sampled
from benchmarks.store.store import Store
from estimators.distributions import Autoregressive
from gradmeter import main

ON, OFF = small_policy(), small_policy(lagging=True)


def test_the_contract():
    zeros = torch.zeros(3, 3, dtype=torch.float64)
    policy = Policy(zeros, eos=2, length=2, reward=lambda tokens: float(tokens[0] == 1))
    assert len(policy.completions) == 7
    row = audit("rloo", policy, group=2).iloc[0]
    assert abs(row["scale"] - 1) < 1e-6
    assert row["direction_bias"] < 1e-6
    wanted = "loss term group method scale direction_bias cosine variance variance_scaled verdict"
    assert set(wanted.split()) <= set(row.index)


@pytest.mark.parametrize("ordered", [True, False])
@pytest.mark.parametrize("policy", [ON, OFF], ids=["on", "off"])
def test_batches_have_probabilities(policy, ordered):
    chunks = list(enumerated(policy, 3, ordered))
    assert sum(float(chunk.weights.sum()) for chunk in chunks) == pytest.approx(1, abs=1e-12)


def test_samples_are_of_the_sampler():
    counts = torch.zeros(15)
    for chunk in sampled(OFF, 4, 64 * 200, seed=1):
        counts += chunk.index.flatten().bincount(minlength=15)
    n, p = counts.sum(), OFF.probabilities(OFF.sampler)[0]
    z = (counts / n - p) / (p * (1 - p) / n).sqrt()
    assert z.square().sum() < 34.1  # the 99.8 % point of χ² with 14 degrees of freedom
    assert not torch.allclose(p, OFF.probabilities()[0], atol=0.01)


@pytest.mark.parametrize("name", ["rloo", "grpo", "reinforce++", "dapo"])
@pytest.mark.parametrize("policy", [ON, OFF], ids=["on", "off"])
def test_norms_and_products_are_those_of_whole_gradients(policy, name):
    gathered = Gathered(policy)
    index = next(iter(sampled(policy, 4, 128, seed=2))).index[:6]
    loss = losses.create(name, beta=0.3, entropy_coef=0.5)
    d, leaked = gathered.derivatives(loss, index, 4)
    whole = torch.stack([gathered.summed(d[r : r + 1]).flatten() for r in range(6)])
    truth = policy.gradient("reward")
    torch.testing.assert_close(gathered.squared_norms(d), whole.square().sum(-1))
    torch.testing.assert_close(gathered.along(d, truth), whole @ truth.flatten())
    assert leaked == 0


def test_variance_and_cosine_are_those_of_whole_gradients():
    gathered, truth = Gathered(ON), ON.gradient("reward").flatten()
    (chunk,) = enumerated(ON, 2, ordered=True)
    d, _ = gathered.derivatives(losses.create("grpo"), chunk.index, 2)
    whole = torch.stack([gathered.summed(d[r : r + 1]).flatten() for r in range(15**2)])
    mean = chunk.weights @ whole
    cosine = (whole @ truth / (whole.norm(dim=-1) * truth.norm())).nan_to_num(0.0)
    row = audit("grpo", ON, 2).iloc[0]
    expected = chunk.weights @ (whole - mean).square().sum(-1)
    assert row["variance"] == pytest.approx(expected.item(), rel=1e-10)
    assert row["cosine"] == pytest.approx((chunk.weights @ cosine).item(), rel=1e-10)


@pytest.mark.parametrize("seed", range(6))
def test_the_greedy_completion_is_the_likeliest_token_each_time(seed):
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 7, 3, generator=draw, dtype=torch.float64)
    values = torch.randn(2, 64, generator=draw, dtype=torch.float64)

    def reward(tokens, prompt):
        return values[prompt, sum(4**i * (x + 1) for i, x in enumerate(tokens)) % 64].item()

    policy = Policy(logits, 2, 3, reward)
    greedy = Gathered(policy).batch(torch.zeros(1, 4, dtype=torch.long), 2).greedy[0, ::2]
    for prompt, tokens in enumerate(Autoregressive(logits, 2, 3).mode.tolist()):
        tokens = tokens[: tokens.index(2) + 1] if 2 in tokens else tokens
        assert greedy[prompt].item() == reward(tuple(tokens), prompt)


@pytest.mark.parametrize("name", losses.names())
def test_samples_agree_with_enumeration(name):
    settings = {"beta": 0.2, "correction": "token"}
    exact = audit(name, OFF, 3, exact=True, **settings)
    drawn = audit(name, OFF, 3, exact=False, replicates=64 * 128, **settings)
    for column in ("scale", "variance"):
        half = (drawn[f"{column}_high"] - drawn[f"{column}_low"]) / 2
        assert ((drawn[column] - exact[column]).abs() < 2.2 * half).all()  # 4.4 standard errors
    assert (drawn["direction_bias_low"] - 0.05 <= exact["direction_bias"]).all()
    assert (exact["direction_bias"] <= drawn["direction_bias_high"] + 0.05).all()
    assert not ((drawn["verdict"] == "parallel") & (exact["direction_bias"] > 0.05)).any()


def test_seeds_repeat():
    frames = [audit("grpo", ON, 4, exact=False, replicates=640, seed=s) for s in (3, 3, 4)]
    assert frames[0]["scale"].equals(frames[1]["scale"])
    assert not frames[0]["scale"].equals(frames[2]["scale"])


def test_a_mean_over_local_tokens_is_not_invariant_and_others_are():
    split = {"micro_batches": (1, 2), "padding": (0, 3), "terms": ["policy"]}
    changed = {name: audit(name, ON, 2, **split)["change"] for name in ("bnpo", "dapo", "grpo")}
    assert changed["bnpo"].iloc[:2].max() == 0
    assert changed["bnpo"].iloc[2:].min() > 1e-3
    assert changed["dapo"].max() < 1e-12
    assert changed["grpo"].max() < 1e-12


def test_kl_terms_as_theory_says():
    """k1 in the loss has no mean gradient, in the reward the right one; others are turned."""
    found = {
        (kl, place): audit("rloo", ON, 2, terms=["kl"], beta=0.3, kl=kl, kl_in=place).iloc[0]
        for kl in ("k1", "k2", "k3")
        for place in ("loss", "reward")
    }
    assert abs(found["k1", "loss"]["scale"]) < 1e-12
    assert "Noise only" in found["k1", "loss"]["meaning"]
    assert found["k1", "reward"]["direction_bias"] < 1e-12
    for key in (("k2", "loss"), ("k3", "loss"), ("k2", "reward"), ("k3", "reward")):
        assert found[key]["verdict"] == "turned", key
    frozen = audit("rloo", ON, 2, terms=["kl"], beta=0.3, kl="k3", kl_in="loss", kl_ratio=True)
    same = found["k2", "loss"]  # both are the gradient at prefixes that do not move
    assert frozen.iloc[0]["scale"] == pytest.approx(same["scale"], abs=1e-12)
    assert frozen.iloc[0]["direction_bias"] == pytest.approx(same["direction_bias"], abs=1e-12)


def test_the_cause_is_named():
    row = audit("rloo", OFF, 2).iloc[0]
    degrees = round(math.degrees(math.asin(row["direction_bias"])))
    said = rf"Off-policy by the sampler: turned by {degrees}(\.\d)?° from the gradient"
    assert re.match(said, row["meaning"])


def test_no_truth_where_the_gradient_is_zero():
    same = Policy(ON.logits[0], 2, 3, ON.reward, reference=ON.logits[0])
    row = audit("rloo", same, 2, terms=["kl"], beta=0.1).iloc[0]
    assert row["verdict"] == "no truth"
    assert math.isnan(row["scale"])


def mine(batch, *, beta=0.0):
    """Leave-one-out with k1 in the reward, as a user would write it."""
    score = (batch.log_prob * batch.mask).sum(-1)
    rewards = batch.rewards
    if beta:
        kl = ((batch.old - batch.reference) * batch.mask).sum(-1)
        rewards = rewards - beta * kl
    others = (rewards.sum() - rewards) / (len(rewards) - 1)
    return -((rewards - others) * score).mean()


def first_counts_twice(batch):
    """Depends on the order of completions: the first counts twice."""
    score = (batch.log_prob * batch.mask).sum(-1)
    weights = torch.ones_like(score)
    weights[0] = 2.0
    return -(weights * batch.rewards * score).sum() / (len(score) + 1)


def test_a_constant_reward_has_no_gradient_to_compare_with():
    flat = Policy(ON.logits[0], 2, 3, lambda tokens: 7.0)
    assert audit("reinforce", flat, 2).iloc[0]["verdict"] == "no truth"


@pytest.mark.parametrize("exact", [True, False])
def test_a_users_function_is_ours(exact):
    how = {"exact": exact, "replicates": 640, "beta": 0.2}
    ours, theirs = audit("rloo", ON, 2, **how), audit(mine, ON, 2, **how)
    for column in ("scale", "direction_bias", "variance", "cosine"):
        np.testing.assert_allclose(theirs[column], ours[column], rtol=1e-9, atol=1e-12)


def test_order_is_seen():
    row = audit(first_counts_twice, ON, 2).iloc[0]
    assert row["replicates"] == 15**2  # ordered: a multiset's order would matter
    assert row["scale"] == pytest.approx(1, abs=1e-12)


def test_a_mean_of_rounding_has_no_direction():
    def score(batch):
        return -(batch.log_prob * batch.mask).sum(-1).mean()

    row = audit(score, ON, 2).iloc[0]
    assert row["direction_bias"] == 1
    assert "Noise only" in row["meaning"]


class Remembers:
    """A moving baseline that outlives its batch."""

    def __init__(self):
        self.mean = 0.0

    def __call__(self, batch):
        score = (batch.log_prob * batch.mask).sum(-1)
        advantage = batch.rewards - self.mean
        self.mean = 0.9 * self.mean + 0.1 * batch.rewards.mean().item()
        return -(advantage * score).mean()


def divides_by_a_spread(batch):
    score = (batch.log_prob * batch.mask).sum(-1)
    return -(batch.rewards / batch.rewards.std() * score).mean()


def no_mask(batch):
    return -(batch.rewards.unsqueeze(-1) * batch.log_prob).sum(-1).mean()


BAD = {
    "vector": (lambda batch: -(batch.log_prob * batch.mask).sum(-1), "one number for a batch"),
    "constant": (lambda batch: batch.rewards.mean(), "does not depend on batch.log_prob"),
    "memory": (Remembers(), "mixes groups"),
    "not finite": (divides_by_a_spread, "not finite for some groups"),
}


@pytest.mark.parametrize("case", BAD)
def test_mistakes_of_a_function_get_a_sentence(case):
    loss, said = BAD[case]
    with pytest.raises(ValueError, match=said) as caught:
        audit(loss, ON, 2)
    assert "\n" not in str(caught.value)


def test_a_gradient_at_padding_is_told():
    row = audit(no_mask, ON, 2, padding=(4,)).iloc[0]
    assert "at padding" in row["note"]


def run(*arguments):
    return CliRunner().invoke(main, ["audit", *map(str, arguments)])


ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("page", ["README.md", "docs/sequences.md"])
def test_the_command_prints_what_the_pages_say(page):
    said = re.findall(r'^(?:> |")(policy: .*?)"?$', (ROOT / page).read_text(), re.MULTILINE)
    done = run(*["grpo", "--group", "4", "--set", "scale_rewards=false"])
    assert done.exit_code == 0, done.output
    assert len(said) == 1
    assert said[0] in done.output


def test_the_table_of_the_page_is_what_is_measured():
    text = (ROOT / "docs" / "sequences.md").read_text()
    for name in losses.names():
        row = audit(name, ON, 3, terms=["policy"]).iloc[0]
        angle = math.degrees(math.asin(row["direction_bias"]))
        found = re.search(rf"^\| `{re.escape(name)}` \| (\S+)°, × (\S+) \|", text, re.MULTILINE)
        assert float(found[1]) == pytest.approx(angle, abs=0.51), name
        assert float(found[2]) == pytest.approx(row["scale"], rel=0.005), name


def test_the_example_of_the_page_runs():
    (block,) = re.findall(
        r"```python\n(.*?)```", (ROOT / "docs/sequences.md").read_text(), re.DOTALL
    )
    exec(compile(block, "sequences.md", "exec"), {})


def test_the_command_takes_files_and_writes_them(tmp_path):
    (tmp_path / "loss.py").write_text(
        "def loss(batch):\n    score = (batch.log_prob * batch.mask).sum(-1)\n"
        "    return -(batch.rewards * score).mean()\n"
    )
    (tmp_path / "policy.py").write_text(
        "import torch\nfrom benchmarks.sequences import Policy\n"
        "policy = Policy(torch.zeros(1, 2), eos=1, length=1, reward=lambda tokens: tokens[0])"
    )
    place, out = tmp_path / "policy.py", tmp_path / "audit.csv"
    done = run(tmp_path / "loss.py", "--problem", f"{place}:policy", "--group", 2, "--out", out)
    assert done.exit_code == 0, done.output
    assert "parallel" in out.read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rlooo"], "Did you mean 'rloo'"),
        (["rloo", "--set", "beta"], "write NAME=VALUE"),
        (["rloo", "--set", "group=3"], "write --group 3"),
        (["rloo", "--padding", "-1"], "whole number from 0 on"),
        (["rloo", "--group", "1"], "group of one"),
        (["nothing.py"], "There is no file"),
        (["rloo", "--problem", "nothing.py"], "There is no file"),
        (["rloo", "--out", "audit.doc"], "is written to .csv or .parquet"),
    ],
)
def test_mistakes_on_the_command_line_get_a_sentence(arguments, said):
    done = run(*arguments)
    assert done.exit_code == 2
    assert said in done.output
    assert "Traceback" not in done.output


def test_an_audit_is_a_record(tmp_path):
    for exact in (True, False):
        audit("grpo", ON, 2, exact=exact, replicates=640, beta=0.1, store=tmp_path)
    store = Store(tmp_path)
    found = list(store)
    assert not store.damaged
    assert [r["problem"] for r in found[:3]] == [
        f"audit:small:{t}" for t in ("policy", "kl", "total")
    ]
    assert {r["status"] for r in found} == {"ok"}
    assert json.loads(found[0]["config"])["micro_batches"] == 1
    frame = audit("grpo", ON, 2, beta=0.1)
    truth = ON.gradient("reward").norm()
    sine, scale = frame.iloc[0][["direction_bias", "scale"]]
    across = scale * math.tan(math.asin(sine))
    expected = float(truth**2) * (across**2 + (scale - 1) ** 2)
    assert found[0]["bias2"] == pytest.approx(expected, rel=1e-9)


@pytest.mark.study
def test_intervals_cover():
    """2,000 cells, each with samples of its own: 94–96 % of the intervals hold the exact value."""
    held, wrong, cells = [], 0, 0
    names = losses.names()
    for seed in range(1000):
        draw = torch.Generator().manual_seed(seed)
        logits, away, behind = (
            s * torch.randn(7, 3, generator=draw, dtype=torch.float64) for s in (0.7, 0.5, 0.3)
        )
        values = torch.randn(40, generator=draw, dtype=torch.float64).tolist()
        policy = Policy(
            logits, 2, 3, lambda t, v=values: v[sum(3**i * (x + 1) for i, x in enumerate(t))],
            reference=logits + away, sampler=logits + behind if seed % 2 else None,
            name=f"cover-{seed}",
        )  # fmt: skip
        settings = {"beta": 0.2, "correction": "token" if seed % 2 else "none"}
        name = names[seed % len(names)]
        exact = audit(name, policy, 3, exact=True, terms=["policy", "kl"], **settings)
        drawn = audit(name, policy, 3, exact=False, replicates=64 * 64, terms=["policy", "kl"],
                      seed=seed, **settings)  # fmt: skip
        for (_, a), (_, b) in zip(exact.iterrows(), drawn.iterrows(), strict=True):
            cells += 1
            held.append(b["scale_low"] <= a["scale"] <= b["scale_high"])
            if 0.05 < a["direction_bias"] < 1:
                inside = b["direction_bias_low"] <= a["direction_bias"] <= b["direction_bias_high"]
                held.append(inside)
            wrong += b["verdict"] == "parallel" and a["direction_bias"] > 0.05
            wrong += b["verdict"] == "turned" and a["verdict"] == "parallel"
    print(cells, len(held), np.mean(held), wrong)
    assert cells == 2000
    assert 0.94 <= np.mean(held) <= 0.96
    assert wrong <= 2
