"""Gradients of losses in the logits of a table, without a row of logits for each batch.

A loss knows tokens' log-probabilities and entropies. With c and e its derivatives in them,

    ĝ = Σ_it [c_it ∇log π(o_it given prefix) + e_it ∇H(prefix)],   ∇log π(v) = 1_v − p,
    ∇H = −p (log p + H),   p = π(· given prefix)

so that sums over batches, ⟨ĝ, g⟩ and ‖ĝ‖² follow from small tables: [prompts · prefixes, V].
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.sequences.batch import Batch
from benchmarks.sequences.losses import Loss, of_step
from benchmarks.sequences.policy import Policy


@dataclass(frozen=True)
class Derivatives:
    """Of −loss in the log-probabilities and entropies of tokens, with where those tokens stand."""

    scores: Tensor  # c [R, B, T]
    entropies: Tensor | None  # e [R, B, T]; None: all zero
    prefix: Tensor  # [R, B, T] row of the table
    tokens: Tensor  # [R, B, T]

    def __sub__(self, other: "Derivatives") -> "Derivatives":
        both = (self.entropies, other.entropies)
        entropies = None if both == (None, None) else _or_zero(self) - _or_zero(other)
        return Derivatives(self.scores - other.scores, entropies, self.prefix, self.tokens)

    def __mul__(self, factor: float) -> "Derivatives":
        entropies = None if self.entropies is None else self.entropies * factor
        return Derivatives(self.scores * factor, entropies, self.prefix, self.tokens)


class Gathered:
    """A policy's completions as tables, from which batches are gathered by index."""

    def __init__(self, policy: Policy):
        self.policy = policy
        table, prompts = policy.table, policy.prompts
        laws = {
            "log_prob": policy.logits,
            "old": policy.logits if policy.old is None else policy.old,
            "sampler": policy.logits if policy.sampler is None else policy.sampler,
            "reference": policy.reference,
        }
        self.terms = {
            name: policy.terms(logits).flatten(0, 1)  # [prompts N, T]
            for name, logits in laws.items()
            if logits is not None
        }
        log_p = policy.logits.log_softmax(-1).flatten(0, 1)  # [prompts prefixes, V]
        self.p = log_p.exp()
        self.entropy = -(self.p * log_p).sum(-1)  # [prompts prefixes]
        self.slope = -self.p * (log_p + self.entropy.unsqueeze(-1))  # ∇H
        offset = torch.arange(prompts)[:, None, None] * policy.logits.shape[1]
        self.prefix = (table.prefix + offset).flatten(0, 1)
        self.tokens = table.tokens.repeat(prompts, 1)
        self.mask = table.mask.double().repeat(prompts, 1)
        self.rewards = policy.rewards.flatten()
        self.greedy = policy.rewards.gather(-1, _greedy(policy)).squeeze(-1)  # [prompts]

    def batch(self, index: Tensor, group: int) -> Batch:
        """The batches of completions `index` [R, B]: of each prompt `group`, side by side."""
        each = {name: terms[index] for name, terms in self.terms.items()}
        prompt = torch.arange(self.policy.prompts).repeat_interleave(group)
        return Batch(
            **{"reference": None} | each,
            entropy=self.entropy[self.prefix[index]] * self.mask[index],
            mask=self.mask[index],
            tokens=self.tokens[index],
            rewards=self.rewards[index],
            greedy=self.greedy[prompt].expand(index.shape),
            group=prompt,
            prompt=prompt,
            length=self.policy.length,
        )

    def derivatives(
        self, loss: Loss, index: Tensor, group: int, micro_batches: int = 1, padding: int = 0
    ) -> tuple[Derivatives, float]:
        """Of −loss for the batches `index` [R, B]; and what it gave to padding, as a share."""
        batch = self.batch(index, group).padded(padding)
        leaves = batch.log_prob.requires_grad_(), batch.entropy.requires_grad_()
        total = _totalled(loss, batch, micro_batches)
        c, e = torch.autograd.grad(total, leaves, allow_unused=True, materialize_grads=True)
        inside = self.mask.shape[-1]
        mask = self.mask[index]
        whole = c.abs().sum()
        c, leaked = c[..., :inside] * mask, whole - (c[..., :inside] * mask).abs().sum()
        e = e[..., :inside] * mask if e.any() else None
        found = Derivatives(c, e, self.prefix[index], self.tokens[index]) * -1.0
        return found, float(leaked / whole) if whole > 0 else 0.0

    def summed(self, d: Derivatives, weights: Tensor | None = None) -> Tensor:
        """Σ_r w_r ĝ_r: [prompts · prefixes, V]."""
        rows, vocabulary = self.p.shape
        c, e = (x if x is None or weights is None else x * weights[:, None, None]
                for x in (d.scores, d.entropies))  # fmt: skip
        place = (d.prefix * vocabulary + d.tokens).flatten()
        chosen = torch.zeros(rows * vocabulary, dtype=c.dtype).index_add_(0, place, c.flatten())
        chosen = chosen.unflatten(0, (rows, vocabulary))
        total = chosen - self.p * chosen.sum(-1, keepdim=True)
        if e is not None:
            at = torch.zeros(rows, dtype=c.dtype).index_add_(0, d.prefix.flatten(), e.flatten())
            total = total + self.slope * at.unsqueeze(-1)
        return total

    def along(self, d: Derivatives, direction: Tensor) -> Tensor:
        """⟨ĝ_r, direction⟩ with a direction [prompts · prefixes, V]: [R]."""
        of_token = direction - (self.p * direction).sum(-1, keepdim=True)
        total = d.scores * of_token[d.prefix, d.tokens]
        if d.entropies is not None:
            total = total + d.entropies * (self.slope * direction).sum(-1)[d.prefix]
        return total.sum((-2, -1))

    def squared_norms(self, d: Derivatives) -> Tensor:
        """‖ĝ_r‖² from the pairs of tokens that stand after one prefix: [R]."""
        p_token = self.p[d.prefix, d.tokens]  # [R, B, T]
        p2 = self.p.square().sum(-1)
        total = torch.zeros(len(d.scores), dtype=d.scores.dtype)
        for t in range(d.scores.shape[-1]):
            c, row, token, p = (x[..., t] for x in (d.scores, d.prefix, d.tokens, p_token))
            same = row.unsqueeze(-1) == row.unsqueeze(-2)  # [R, B, B]
            inner = (token.unsqueeze(-1) == token.unsqueeze(-2)) + p2[row].unsqueeze(-1)
            inner = inner - p.unsqueeze(-1) - p.unsqueeze(-2)
            pairs = c.unsqueeze(-1) * c.unsqueeze(-2) * inner
            if d.entropies is not None:
                e = d.entropies[..., t]
                slope, square = self.slope[row], self.slope.square().sum(-1)[row]
                own = slope.gather(-1, token.unsqueeze(-1)).squeeze(-1)
                cross = own - (self.p[row] * slope).sum(-1)  # ⟨∇log π, ∇H⟩
                pairs = pairs + 2 * (c * cross).unsqueeze(-1) * e.unsqueeze(-2)
                pairs = pairs + e.unsqueeze(-1) * e.unsqueeze(-2) * square.unsqueeze(-1)
            total = total + (pairs * same).sum((-2, -1))
        return total


def _or_zero(d: Derivatives) -> Tensor:
    return torch.zeros_like(d.scores) if d.entropies is None else d.entropies


def _totalled(loss: Loss, batch: Batch, micro_batches: int) -> Tensor:
    """The sum over R of the losses, by one call where the loss takes them at once."""
    if loss.vectorised:
        return of_step(loss, batch, micro_batches).sum()
    return sum(of_step(loss, batch[r], micro_batches) for r in range(len(batch.rewards)))


def _greedy(policy: Policy) -> Tensor:
    """The index of each prompt's greedy completion: [prompts, 1]."""
    best = policy.logits.argmax(-1)  # [prompts, prefixes]
    taken = best[:, policy.table.prefix] == policy.table.tokens
    return (taken | ~policy.table.mask).all(-1).double().argmax(-1, keepdim=True)
