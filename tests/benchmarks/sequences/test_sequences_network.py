"""Policies out of a module: exact gradients and audits in weights, against brute force."""

import itertools
import math

import pytest
import torch
from torch import nn
from torch.func import functional_call

from benchmarks.sequences import Policy, PolicyError, audit, losses
from benchmarks.sequences.gradients import Gathered
from benchmarks.sequences.losses import of_step

EOS, LENGTH = 2, 2
PROMPTS = torch.tensor([[0, 1], [1, 1]])


class Tiny(nn.Module):
    """Sums of embeddings, a layer of units with dropout, and a weight that is frozen."""

    def __init__(self, seed, spread=1.0):
        super().__init__()
        torch.manual_seed(seed)
        self.token, self.read = nn.Embedding(3, 4), nn.Linear(4, 3)
        self.place = nn.Parameter(torch.randn(4, 4))
        self.frozen = nn.Parameter(torch.randn(4), requires_grad=False)
        self.dropout = nn.Dropout(0.5)
        with torch.no_grad():
            self.read.weight.mul_(2 * spread)

    def forward(self, tokens):
        h = (self.token(tokens) * self.place[: tokens.shape[-1]].cos()).sum(-2)
        return self.read(self.dropout((h + self.frozen).tanh()))


def reward(tokens, prompt):
    return float(tokens[0] == prompt) + 0.25 * len(tokens)


def policy(prompts=PROMPTS, **laws):
    return Policy(Tiny(0), EOS, LENGTH, reward, prompts=prompts, name="tiny", **laws)


OFF = {"reference": Tiny(1), "sampler": Tiny(2, 0.6), "old": Tiny(3, 0.7)}
COMPLETIONS = [(2,), (0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)]


def log_p(module, weights, prompt, tokens):
    """log π of each token, by calls of the module one prefix at a time."""
    found = []
    for t in range(len(tokens)):
        prefix = torch.tensor([[*PROMPTS[prompt].tolist(), *tokens[:t]]])
        found.append(functional_call(module, weights, prefix)[0].log_softmax(-1)[tokens[t]])
    return torch.stack(found)


def flat(gradients):
    return torch.cat([g.flatten() for g in gradients])


def weights_of(module):
    module.double().eval()
    return {n: w.detach().clone().requires_grad_() for n, w in module.named_parameters()
            if n != "frozen"}  # fmt: skip


@pytest.mark.parametrize("which", ["reward", "kl", "entropy"])
def test_gradients_of_objectives_are_sums_over_completions(which):
    target, module, other = policy(reference=Tiny(1)), Tiny(0), Tiny(1)
    weights, fixed = weights_of(module), weights_of(other)
    total = 0.0
    for prompt, tokens in itertools.product(range(2), COMPLETIONS):
        own = log_p(module, weights, prompt, tokens).sum()
        away = own - log_p(other, fixed, prompt, tokens).sum()
        value = {"reward": reward(tokens, prompt), "kl": away, "entropy": -own}[which]
        total = total + own.exp() * value / 2
    expected = torch.autograd.grad(total, list(weights.values()))
    found = target.gradient(which)
    assert list(found) == list(weights)
    torch.testing.assert_close(flat(found.values()), flat(expected), rtol=1e-10, atol=1e-13)


def every_batch(target, loss, group):
    """−∇loss of every ordered batch in the weights, and its probability: [R, P], [R]."""
    network, gathered = target.network, Gathered(target)
    n = len(COMPLETIONS)
    one = torch.tensor(list(itertools.product(range(n), repeat=group * target.prompts)))
    index = one + torch.arange(target.prompts).repeat_interleave(group) * n
    leaves = {k: w.clone().requires_grad_() for k, w in network.weights.items()}
    table = network.table(leaves)
    p = target.terms(table).flatten(0, 1)[index]
    batch = gathered.batch(index, group)
    at = table.log_softmax(-1).flatten(0, 1)
    entropy = -(at.exp() * at).sum(-1)[gathered.prefix[index]] * batch.mask
    losses_ = of_step(loss, batch.replaced(log_prob=p, entropy=entropy))
    each = torch.stack([
        -flat(torch.autograd.grad(x, list(leaves.values()), retain_graph=True)) for x in losses_
    ])  # fmt: skip
    drawn = target.probabilities(target.logits if target.sampler is None else target.sampler)
    return each, drawn.flatten()[index].prod(-1)


GROUPS = {"reinforce": 1, "rloo": 2, "grpo": 2, "reinforce++": 1}


@pytest.mark.parametrize("name", GROUPS)
@pytest.mark.parametrize("laws", [{"reference": Tiny(1)}, OFF], ids=["on", "off"])
def test_an_exact_audit_is_a_sum_over_all_batches_in_the_weights(name, laws):
    group = GROUPS[name]  # of two prompts, or of one prompt two
    target, settings = policy(PROMPTS[: 3 - group], **laws), {"beta": 0.3, "entropy_coef": 0.2}
    each, p = every_batch(target, losses.create(name, **settings), group)
    mean = p @ each
    truths = {k: flat(target.gradient(k).values()) for k in ("reward", "kl", "entropy")}
    g = truths["reward"] - 0.3 * truths["kl"] + 0.2 * truths["entropy"]
    row = audit(name, target, group, ["total"], **settings).iloc[0]
    scale = float(mean @ g / (g @ g))
    across = float((mean - scale * g).norm() / g.norm())
    assert row["method"] == "exact"
    assert row["scale"] == pytest.approx(scale, rel=1e-9)
    assert row["direction_bias"] == pytest.approx(across / math.hypot(across, scale), rel=1e-8)
    assert row["variance"] == pytest.approx(float(p @ (each - mean).square().sum(-1)), rel=1e-9)
    cosine = each @ g / (each.norm(dim=-1) * g.norm())
    assert row["cosine"] == pytest.approx(float(p @ cosine.nan_to_num(0.0)), rel=1e-9)


def test_exact_losses_are_exact_in_weights():
    frame = audit("rloo", policy(reference=Tiny(1)), 2, beta=0.3)
    assert (frame["scale"] - 1).abs().max() < 1e-10
    assert set(frame["verdict"]) == {"parallel"}
    assert audit("grpo", policy(), 2).iloc[0]["verdict"] == "turned"


def test_samples_agree_with_enumeration():
    target = policy(sampler=Tiny(2, 0.6))
    for name in ("rloo", "grpo"):
        exact = audit(name, target, 2, exact=True).iloc[0]
        drawn = audit(name, target, 2, exact=False, replicates=64 * 64).iloc[0]
        for column in ("scale", "variance"):
            half = (drawn[f"{column}_high"] - drawn[f"{column}_low"]) / 2
            assert abs(drawn[column] - exact[column]) < 2.2 * half
        low, high = drawn["direction_bias_low"], drawn["direction_bias_high"]
        assert low - 0.03 <= exact["direction_bias"] <= high + 0.03


def test_the_users_module_stays_as_it_was():
    module = Tiny(0)
    before = {k: v.clone() for k, v in module.state_dict().items()}
    audit("rloo", Policy(module, EOS, LENGTH, reward, prompts=PROMPTS), 2)
    assert module.training
    assert all(w.grad is None and w.dtype == torch.float32 for w in module.parameters())
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


def test_a_table_and_a_module_of_the_same_logits_are_one_policy():
    target = policy()
    other = Policy(target.logits, EOS, LENGTH, reward)
    assert torch.equal(target.rewards, other.rewards)
    pulled = target.network.pulled_back(other.gradient("reward"))
    for name, gradient in target.gradient("reward").items():
        torch.testing.assert_close(gradient, pulled[name])


class Fails(nn.Linear):
    def forward(self, tokens):
        raise RuntimeError("expects 7 tokens")


class Whole(Tiny):
    def forward(self, tokens):
        return self.read(self.token(tokens))


class Mean(Tiny):
    def forward(self, tokens):
        return self.read(self.token(tokens).mean(-2))


BAD = {
    "nan": ({"logits": Mean(0), "prompts": None}, "takes it from `prompts`"),
    "fails": ({"logits": Fails(2, 2)}, "The module fails on tokens [1, 2]"),
    "shape": ({"logits": Whole(0)}, "must return the logits of the next token"),
    "start": ({"logits": Tiny(0), "prompts": None, "sampler": Fails(2, 2)}, "`prompts`"),
    "eos": ({"eos": 3}, "outside of the vocabulary of 3"),
    "long": ({"length": 30}, "to enumerate"),
    "prompts": ({"prompts": PROMPTS.double()}, "prompts must be integers"),
    "table": ({"logits": torch.zeros(3, 3)}, "a table has its rows"),
    "frozen": ({"logits": Tiny(0).requires_grad_(False)}, "No weight of the module"),
    "sampler": ({"sampler": torch.zeros(3, 3)}, "one shape"),
}


@pytest.mark.parametrize("case", BAD)
def test_mistakes_get_a_sentence(case):
    wrong, said = BAD[case]
    given = {"logits": Tiny(0), "eos": EOS, "length": LENGTH, "reward": reward, "prompts": PROMPTS}
    with pytest.raises(PolicyError) as caught:
        Policy(**given | wrong)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_too_many_derivatives_get_a_sentence(monkeypatch):
    monkeypatch.setattr("benchmarks.sequences.network.MOST_NUMBERS", 10)
    with pytest.raises(ValueError, match="derivatives to hold; use fewer"):
        audit("rloo", policy(), 2)
