"""Trainers' own loss code against our formulas, on random groups; facts about their versions.

Skipped where a trainer is not installed: `pip install --no-deps trl verl`.
"""

import dataclasses

import pytest
import torch
from trainer_batches import BATCHES, agree, needs, of, random_batch

from benchmarks.sequences import Policy, audit, losses
from benchmarks.sequences.adapters import source
from benchmarks.sequences.adapters.source import Package, TrainerError
from benchmarks.sequences.examples import small_policy
from benchmarks.sequences.sources import loss_from

trl, verl = needs("trl", (1, 16)), needs("verl", (0, 9, 1))
KL = {"beta": 0.07, "entropy_coef": 0.03}
TRL = {
    "grpo": ("grpo", {}),
    "bnpo": ("bnpo", {}),
    "dr_grpo": ("dr-grpo", {"scale_rewards": True}),
    "dapo": ("dapo", {"clip_high": 0.2}),
    "cispo": ("cispo", {"clip_high": 0.2 - 1}),
}
MODES = {
    "token_truncate": {"correction": "token", "bound": "truncate"},
    "token_mask": {"correction": "token", "bound": "mask"},
    "sequence_truncate": {"correction": "sequence", "bound": "truncate"},
    "sequence_mask": {"correction": "sequence", "bound": "mask"},
}


@trl
@pytest.mark.parametrize("micro_batches", [1, 2, 4])
@pytest.mark.parametrize("kind", TRL)
def test_trl_is_our_formula(kind, micro_batches):
    name, settings = TRL[kind]
    for mode, correction in MODES.items():
        theirs = loss_from(
            "trl:grpo", {"loss_type": kind, "vllm_importance_sampling_mode": mode} | KL
        )
        ours = losses.create(name, **settings, **correction, **KL, cap=3.0, kl_ratio=True)
        agree(theirs, ours, BATCHES, micro_batches)


@trl
@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        ({"scale_rewards": False}, {"scale_rewards": "none"}),
        ({"scale_rewards": "batch"}, {"scale_rewards": "batch"}),
        ({"use_bias_correction_kl": False}, {"kl_ratio": False}),
        ({"epsilon": 0.1, "epsilon_high": 0.4}, {"clip": 0.1, "clip_high": 0.4}),
        ({"delta": 1.5}, {"delta": 1.5}),
    ],
)
def test_settings_of_trl_are_ours(theirs, ours):
    plain = {"vllm_importance_sampling_correction": False} | KL
    ours = {"clip_high": 0.2, "kl_ratio": True} | KL | ours
    agree(loss_from("trl:grpo", plain | theirs), losses.create("dapo", **ours), BATCHES)


@trl
def test_the_sequence_ratio_of_trl_is_gspo():
    settings = {"importance_sampling_level": "sequence", "loss_type": "grpo", "epsilon": 3e-4}
    settings |= {"epsilon_high": 4e-4, "vllm_importance_sampling_correction": False}
    agree(loss_from("trl:grpo", settings), losses.create("gspo"), BATCHES)


@trl
def test_rloo_of_trl_is_ours_where_policies_are_one():
    batches = [dataclasses.replace(b, old=b.log_prob, sampler=b.log_prob) for b in BATCHES]
    theirs, ours = loss_from("trl:rloo", {"beta": 0.07}), losses.create("rloo", beta=0.07)
    for batch in batches:
        for a, b in zip(of(theirs, batch)[1:], of(ours, batch)[1:], strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12)


VERL = {
    "grpo": ("dapo", {}),
    "grpo_vectorized": None,  # in float32
    "rloo": ("rloo", {}),
    "rloo_vectorized": ("rloo", {}),
    "opo": ("opo", {}),
    "remax": ("remax", {}),
    "reinforce_plus_plus": ("reinforce++", {}),
    "reinforce_plus_plus_baseline": ("reinforce++", {"advantage": "whitened-group-mean"}),
    "gspo": ("gspo", {"clip": 0.2, "clip_high": 0.2, "scale_rewards": "group"}),
    "cispo": ("cispo", {"clip_low": 0.2}),
}
CLIPPED = {"clip": 0.2, "clip_high": 0.2, "delta": 3.0}


@verl
@pytest.mark.parametrize("micro_batches", [1, 2])
@pytest.mark.parametrize("kind", [kind for kind, ours in VERL.items() if ours])
def test_verl_is_our_formula(kind, micro_batches):
    name, settings = VERL[kind]
    ours = {"normalisation": "step-token-mean", "epsilon": 1e-6, "kl_in": "loss", "kl": "k3"}
    ours |= ({} if kind in ("gspo", "cispo") else CLIPPED) | settings
    theirs = {"use_kl_loss": True, "kl_loss_coef": 0.07}
    agree(loss_from(f"verl:{kind}", theirs), losses.create(name, **ours, beta=0.07),
          BATCHES, micro_batches)  # fmt: skip


@verl
@pytest.mark.parametrize("level", ["token", "sequence"])
@pytest.mark.parametrize("mode", ["token-mean", "seq-mean-token-sum", "seq-mean-token-sum-norm"])
def test_modes_and_weights_of_verl_are_ours(mode, level):
    names = {
        "token-mean": "step-token-mean",
        "seq-mean-token-sum": "sequence-sum",
        "seq-mean-token-sum-norm": "constant",
    }
    theirs = loss_from("verl:rloo", {"loss_agg_mode": mode, "rollout_is": level})
    ours = losses.create(
        "rloo", **CLIPPED, normalisation=names[mode], correction=level, bound="truncate", cap=2.0
    )
    agree(theirs, ours, BATCHES)


@verl
@pytest.mark.parametrize("kind", ["k1", "k2", "k3"])
def test_kl_in_the_reward_of_verl_is_ours(kind):
    theirs = {"use_kl_in_reward": True, "kl_coef": 0.07, "kl_penalty": kind}
    ours = {"beta": 0.07, "kl": kind, "normalisation": "step-token-mean"} | CLIPPED
    agree(loss_from("verl:rloo", theirs), losses.create("rloo", **ours), BATCHES)
    whitened = losses.create("reinforce++", beta=0.07, kl=kind, delta=3.0)
    agree(loss_from("verl:reinforce-plus-plus", theirs), whitened, BATCHES)


def tiny(seed=1, **laws):
    draw = torch.Generator().manual_seed(seed)
    logits = torch.randn(3, 3, generator=draw, dtype=torch.float64)
    drawn = {
        name: logits + spread * torch.randn(3, 3, generator=draw, dtype=torch.float64)
        for name, spread in laws.items()
    }
    return Policy(logits, 2, 2, lambda t: float(t[0] == 1) - 0.3 * len(t), **drawn)


@trl
def test_fact_the_default_kl_of_trl_is_not_the_gradient():
    """1.16: the ratio times k3 is the gradient at prefixes that do not move."""
    row = audit("trl:grpo", tiny(reference=0.8), 2, terms=["kl"], beta=0.04).iloc[0]
    assert row["verdict"] == "turned"
    assert row["direction_bias"] > 0.05


@trl
def test_fact_cispo_of_trl_has_a_fifth_of_its_length():
    """1.16: `epsilon_high` is the cap of the weight itself, and 0.2 by default."""
    rows = [audit(*loss, tiny(), 2, **kw).iloc[0]["scale"] for loss, kw in (
        (("trl:grpo",), {"loss_type": "cispo"}), (("cispo",), {}))]  # fmt: skip
    assert rows[0] == pytest.approx(0.2 * rows[1], rel=1e-12)


@trl
def test_fact_the_default_correction_of_trl_may_turn_more_than_none():
    """1.16: it masks completions whose weight is above 3."""
    found = [
        audit("trl:grpo", small_policy(lagging=True), 2, terms=["policy"], loss_type="grpo",
              vllm_importance_sampling_correction=on).iloc[0]["direction_bias"]
        for on in (True, False)
    ]  # fmt: skip
    assert found[0] > found[1] + 0.01


@verl
def test_fact_low_var_kl_of_verl_has_no_gradient_far_away():
    """0.9.1: k3 is clamped at 10, where the policy gives a token e^−12 of the reference."""
    theirs = {"use_kl_loss": True, "kl_loss_coef": 1.0}
    batch = random_batch(0)
    far = dataclasses.replace(batch, reference=batch.log_prob + 12, rewards=0 * batch.rewards)
    assert not of(loss_from("verl:grpo", theirs), far)[1].any()
    assert of(losses.create("dapo", beta=1.0), far)[1].any()


@verl
def test_fact_the_norm_of_verl_depends_on_padding():
    """0.9.1: seq-mean-token-sum-norm divides by the width of the mask."""
    settings = {"loss_agg_mode": "seq-mean-token-sum-norm", "padding": (0, 2)}
    frame = audit("verl:grpo", tiny(), 2, terms=["policy"], **settings)
    assert frame["change"].tolist() == [0, pytest.approx(1 / 2, abs=1e-12)]


@trl
def test_a_default_kl_without_a_reference_gets_a_sentence():
    with pytest.raises(ValueError, match=r"coefficient of 0\.05 needs a reference"):
        audit("trl:rloo", tiny(), 2)


@trl
def test_an_untried_version_is_measured_and_says_so(monkeypatch):
    monkeypatch.setattr(source.metadata, "version", lambda name: "99.0")
    row = audit("trl:grpo", tiny(), 2).iloc[0]
    assert "99.0 (untried" in row["note"]
    assert row["method"] == "exact"


def test_a_trainer_that_is_not_installed_gets_a_sentence():
    with pytest.raises(TrainerError, match="pip install --no-deps no_such_trainer"):
        Package("no_such_trainer", "1.0").function("a.py", "loss")


@trl
def test_what_moved_in_a_trainer_gets_a_sentence():
    package = Package("trl", "1.16.0")
    for wrong in (("trainer/nowhere.py", "x"), ("trainer/utils.py", "no_such_function")):
        with pytest.raises(TrainerError, match=r"has no .*install that version"):
            package.function(*wrong)


@trl
@verl
@pytest.mark.parametrize(
    ("loss", "settings", "said"),
    [
        ("trl:gpo", {}, "Did you mean 'grpo'"),
        ("trl:grpo", {"betta": 1}, "Did you mean 'beta'"),
        ("verl:oppo", {}, "Did you mean 'opo'"),
        ("verl:grpo", {"clip_ration": 1}, "Did you mean 'clip_ratio'"),
        ("openai:grpo", {}, "trl, verl or openrlhf"),
    ],
)
def test_mistakes_get_a_sentence(loss, settings, said):
    with pytest.raises(ValueError, match=said):
        audit(loss, tiny(), 2, **settings)
