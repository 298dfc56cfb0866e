"""OpenRLHF's own loss code against our formulas, on random groups; facts about its version.

Skipped where it is not installed: `pip install --no-deps openrlhf`.
"""

import dataclasses

import pytest
import torch
from trainer_batches import BATCHES, agree, needs, of

from benchmarks.sequences import Policy, audit, losses
from benchmarks.sequences.losses import PolicyLoss
from benchmarks.sequences.sources import loss_from

pytestmark = needs("openrlhf", (0, 11, 2))

OURS = {
    "reinforce": {"advantage": "standardised"},
    "reinforce_baseline": {"advantage": "standardised-group-mean"},
    "rloo": {"advantage": "leave-one-out"},
    "dr_grpo": {"advantage": "group-mean"},
    "group_norm": {"advantage": "group-mean", "scale_rewards": "group", "epsilon": 1e-9},
    "flash_reinforce": {"advantage": "batch-mean"},
}
PLAIN = {"normalisation": "step-token-mean", "clip": 0.2}
NO_KL = {"algo.kl.init_coef": 0.0}
LEVEL, MODE, GATE, BAND = (
    f"algo.advantage.is_correction_{name}" for name in ("level", "mode", "gating", "threshold")
)


def to_go(kind):
    """Whitened returns have the penalty in them; others subtract that of a token and its rest."""
    return {"kl_in": "reward" if kind.startswith("reinforce") else "reward-to-go"}


@pytest.mark.parametrize("micro_batches", [1, 2, 4])
@pytest.mark.parametrize("kind", OURS)
def test_openrlhf_is_our_formula(kind, micro_batches):
    for beta in (0.0, 0.07):
        theirs = loss_from(f"openrlhf:{kind}", {"algo.kl.init_coef": beta})
        ours = losses.create("reinforce", **PLAIN, **OURS[kind], **to_go(kind), beta=beta)
        agree(theirs, ours, BATCHES, micro_batches)


@pytest.mark.parametrize("estimator", ["k1", "k2", "k3"])
def test_kl_of_openrlhf_is_ours(estimator):
    settings = {"algo.kl.init_coef": 0.07, "algo.kl.estimator": estimator}
    ours = PLAIN | OURS["rloo"] | {"beta": 0.07, "kl": estimator}
    in_loss = settings | {"algo.kl.use_loss": True}
    agree(loss_from("openrlhf:rloo", in_loss), PolicyLoss(**ours, kl_in="loss"), BATCHES, 2)
    in_reward = PolicyLoss(**ours, kl_in="reward-to-go")
    agree(loss_from("openrlhf:rloo", settings), in_reward, BATCHES, 2)


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"actor.eps_clip_low_high": [0.1, 0.4]}, {"clip": 0.1, "clip_high": 0.4}),
        ({"actor.entropy_coef": 0.03}, {"entropy_coef": 0.03}),
        ({LEVEL: "token"}, {"correction": "token", "bound": "mask", "cap": 5.0, "floor": 0.5}),
        (
            {LEVEL: "token", MODE: "clip", BAND: [0.8, 1.5]},
            {"correction": "token", "bound": "truncate", "cap": 1.5, "floor": 0.8},
        ),
        (
            {LEVEL: "token", BAND: 1.2},
            {"correction": "token", "bound": "mask", "cap": 1.2},
        ),
        (
            {"actor.loss_agg_mode": "seq-mean-token-mean"},
            {"normalisation": "sequence-mean"},
        ),
        (
            {"actor.policy_loss_type": "gspo"},
            {"normalisation": "sequence-mean", "gspo": True},
        ),
    ],
    ids=str,
)
def test_settings_of_openrlhf_are_ours(theirs, ours):
    kind = losses.create("gspo") if ours.pop("gspo", False) else losses.create("rloo")
    ours = dataclasses.replace(
        kind, **(PLAIN | {"clip_high": None, "scale_rewards": "none"} | OURS["rloo"] | ours)
    )
    agree(loss_from("openrlhf:rloo", NO_KL | theirs), ours, BATCHES)


def test_a_dual_clip_bounds_what_a_negative_advantage_loses():
    """max(min(r A, clip(r) A), c A) for A < 0, by loops."""
    theirs = loss_from("openrlhf:rloo", NO_KL | {"actor.dual_clip": 1.3})
    bound = 0
    for batch in BATCHES:
        a = theirs.advantages(batch).tolist()
        total = 0.0
        for i, t in batch.mask.nonzero().tolist():
            r = float((batch.log_prob[i, t] - batch.old[i, t]).exp())
            least = min(r * a[i][t], min(max(r, 0.8), 1.2) * a[i][t])
            bound += a[i][t] < 0 and least < 1.3 * a[i][t]
            total -= max(least, 1.3 * a[i][t]) if a[i][t] < 0 else least
        assert of(theirs, batch)[0].item() == pytest.approx(total / batch.mask.sum().item())
    assert bound > 0


@pytest.mark.parametrize("gate", ["ratio", "binary_kl", "tv"])
def test_a_completion_is_dropped_by_the_mean_over_its_tokens(gate):
    """Level seq: tokens keep their own weight where the completion's statistic is in the band."""
    band = [0.9, 1.1] if gate == "ratio" else 0.01
    theirs = loss_from("openrlhf:rloo", NO_KL | {LEVEL: "seq", GATE: gate, BAND: band})
    ours = PolicyLoss(**PLAIN, **OURS["rloo"], correction="token")
    dropped = 0
    for batch in BATCHES:
        kept = []
        for i in range(len(batch.rewards)):
            size = int(batch.mask[i].sum())
            old, drawn = batch.old[i, :size], batch.sampler[i, :size]
            p, q = drawn.exp().clamp(max=1 - 1e-6), old.exp().clamp(max=1 - 1e-6)
            apart = p * (p / q).log() + (1 - p) * ((1 - p) / (1 - q)).log()
            seen = {"ratio": (old - drawn).mean().exp(), "binary_kl": apart.mean(),
                    "tv": (p - q).abs().mean()}[gate]  # fmt: skip
            kept.append(float(0.9 <= seen <= 1.1 if gate == "ratio" else seen <= 0.01))
        dropped += len(kept) - sum(kept)
        advantages = ours.advantages(batch)
        kept = torch.tensor(kept, dtype=torch.float64)[:, None, None].squeeze(-1)
        expected = ours.loss(batch, advantages * kept)
        torch.testing.assert_close(of(theirs, batch)[0], expected, rtol=1e-12, atol=1e-12)
    assert 0 < dropped < 8 * len(BATCHES)


def test_without_the_spread_only_the_mean_is_taken_off():
    for batch in BATCHES:
        whole = loss_from("openrlhf:reinforce", NO_KL).advantages(batch)
        settings = NO_KL | {"algo.advantage.no_std_norm": True}
        centred = loss_from("openrlhf:reinforce", settings).advantages(batch)
        spread = ((centred.square() * batch.mask).sum() / batch.mask.sum()).sqrt()
        torch.testing.assert_close(centred / spread, whole, rtol=1e-12, atol=1e-12)


def tiny(seed=1, **laws):
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 3, generator=draw, dtype=torch.float64)
    drawn = {
        name: logits + spread * torch.randn(3, 3, generator=draw, dtype=torch.float64)
        for name, spread in laws.items()
    }
    return Policy(logits, 2, 2, lambda t: float(t[0] == 1) - 0.3 * len(t), **drawn)


KL_LOSS = {"algo.kl.use_loss": True, "algo.kl.init_coef": 0.1}


def test_fact_the_unbiased_gradient_of_openrlhf_is_turned():
    """0.11.2: `unbiased_gradient` has the KL of each token alone, at prefixes that do not move."""
    unbiased = KL_LOSS | {"algo.kl.unbiased_gradient": True}
    row = audit("openrlhf:rloo", tiny(reference=0.8), 2, terms=["kl"], **unbiased).iloc[0]
    assert row["verdict"] == "turned"
    assert row["direction_bias"] > 0.05
    frozen = audit("rloo", tiny(reference=0.8), 2, terms=["kl"], beta=0.1, kl="k2", kl_in="loss",
                   normalisation="step-token-mean").iloc[0]  # fmt: skip
    assert row["scale"] == pytest.approx(frozen["scale"], rel=1e-12)


def test_fact_the_kl_loss_of_openrlhf_stays_a_mean_over_tokens():
    """0.11.2: `loss_agg_mode` moves the policy term alone; the coefficient means two things."""
    modes = ({}, {"actor.loss_agg_mode": "seq-mean-token-mean"})
    k3 = KL_LOSS | {"algo.kl.estimator": "k3"}
    rows = {
        term: [audit("openrlhf:rloo", tiny(reference=0.8), 2, terms=[term], **k3, **mode).iloc[0]
               for mode in modes]
        for term in ("policy", "kl")
    }  # fmt: skip
    assert rows["kl"][0]["scale"] == pytest.approx(rows["kl"][1]["scale"], rel=1e-12)
    assert abs(rows["policy"][0]["scale"] / rows["policy"][1]["scale"] - 1) > 0.05


def test_fact_openrlhf_clips_advantages_where_it_says_rewards():
    """0.11.2: `reward.clip_range` is applied after the baseline was taken off."""
    away = [dataclasses.replace(b, rewards=b.rewards + 100) for b in BATCHES]
    agree(loss_from("openrlhf:rloo", NO_KL), PolicyLoss(**PLAIN, **OURS["rloo"]), away)
    close = loss_from("openrlhf:rloo", NO_KL | {"reward.clip_range": [-0.1, 0.1]})
    assert close.advantages(BATCHES[0]).abs().max().item() == pytest.approx(0.1)


@pytest.mark.parametrize(
    ("loss", "settings", "said"),
    [
        ("openrlhf:rlooo", {}, "Did you mean 'rloo'"),
        ("openrlhf:gae", {}, "no loss of openrlhf"),
        ("openrlhf:rloo", {"algo.kl.init_coeff": 1}, "Did you mean 'algo.kl.init_coef'"),
        ("openrlhf:rloo", {"actor.loss_agg_mode": "token_mean"}, "Did you mean 'token-mean'"),
        ("openrlhf:rloo", {LEVEL: "seq", MODE: "clip"}, "requires is_correction_level=token"),
        ("openrlhf:rloo", {BAND: [1, 2, 3]}, r"must be \[LOW, HIGH\]"),
        ("openrlhf:rloo", {"actor.eps_clip": "yes"}, "must be a finite number"),
        ("openrlhf:rloo", {"actor.dual_clip": 0.5}, "must be above 1"),
        ("openrlhf:rloo", {"algo.kl.use_loss": 1}, "must be true or false"),
        ("openrlhf:rloo", {}, r"coefficient of 0\.01 needs a reference"),
    ],
)
def test_mistakes_get_a_sentence(loss, settings, said):
    with pytest.raises(ValueError, match=said):
        audit(loss, tiny(), 2, **settings)


def test_a_group_of_one_gets_a_sentence():
    with pytest.raises(ValueError, match="groups of 2 or more completions"):
        audit("openrlhf:rloo", tiny(reference=0.5), 1)
