"""Gradients of losses in the logits of a table, or in the weights that it comes out of.

A loss knows tokens' log-probabilities and entropies. With c and e its derivatives in them,

    ĝ = Σ_it [c_it ∇log π(o_it given prefix) + e_it ∇H(prefix)],   ∇log π(v) = 1_v − p,
    ∇H = −p (log p + H),   p = π(· given prefix)

so that sums over batches, ⟨ĝ, g⟩ and ‖ĝ‖² follow from small tables: [prompts · prefixes, V], and
no batch needs a row of logits. With J the derivative of the table in the weights of a module,
Jᵀ ĝ is the gradient in the weights: ⟨Jᵀ ĝ, g⟩ = ⟨ĝ, J g⟩, ‖Jᵀ ĝ‖² = ‖Fᵀ ĝ‖² with F Fᵀ = J Jᵀ.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from benchmarks.sequences.batch import Batch
from benchmarks.sequences.losses import Loss, of_step
from benchmarks.sequences.policy import Policy

AT_ONCE = 2**21  # numbers of tables, one for each batch, that are held at once


@dataclass(frozen=True)
class Derivatives:
    """Of −loss in the log-probabilities and entropies of tokens, with where those tokens stand."""

    scores: Tensor  # c [R, B, T]
    entropies: Tensor | None  # e [R, B, T]; None: all zero
    prefix: Tensor  # [R, B, T] row of the table
    tokens: Tensor  # [R, B, T]

    def __getitem__(self, which: slice | Tensor) -> "Derivatives":
        """Those of some batches."""
        every = (self.scores, self.entropies, self.prefix, self.tokens)
        return Derivatives(*(None if x is None else x[which] for x in every))

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
            "old": policy.old,
            "sampler": policy.sampler,
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
        self.square = self.p.square().sum(-1)  # ‖p‖²
        self.score_square = 1 + self.square.unsqueeze(-1) - 2 * self.p  # ‖1_v − p‖²
        self.slope_square = self.slope.square().sum(-1)
        self.cross = self.slope - (self.p * self.slope).sum(-1, keepdim=True)  # ⟨∇log π, ∇H⟩
        offset = torch.arange(prompts)[:, None, None] * policy.logits.shape[1]
        self.prefix = (table.prefix + offset).flatten(0, 1)
        self.tokens = table.tokens.repeat(prompts, 1)
        self.mask = table.mask.double().repeat(prompts, 1)
        self.token_entropy = self.entropy[self.prefix] * self.mask
        self.rewards = policy.rewards.flatten()
        self.greedy = policy.rewards.gather(-1, _greedy(policy)).squeeze(-1)  # [prompts]

    def visits(self) -> Tensor:
        """How often one completion of each prompt has each token: [prompts · prefixes, V]."""
        policy = self.policy
        drawn = policy.logits if policy.sampler is None else policy.sampler
        weights = policy.probabilities(drawn).flatten()[:, None] * self.mask
        place = self.prefix * policy.vocabulary + self.tokens
        found = torch.zeros(self.p.numel(), dtype=self.p.dtype)
        return found.index_add_(0, place.flatten(), weights.flatten()).reshape(self.p.shape)

    def batch(self, index: Tensor, group: int) -> Batch:
        """The batches of completions `index` [R, B]: of each prompt `group`, side by side."""
        each = {name: terms[index] for name, terms in self.terms.items()}
        own = each["log_prob"].detach()
        prompt = torch.arange(self.policy.prompts).repeat_interleave(group)
        return Batch(
            **{"reference": None, "old": own, "sampler": own} | each,
            entropy=self.token_entropy[index],
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
        own = (c * batch.mask)[..., : self.mask.shape[-1]]
        e = (e * batch.mask)[..., : self.mask.shape[-1]] if e.any() else None
        leaked = 0.0
        if not torch.equal(c, c * batch.mask):
            leaked = 1 - float(own.abs().sum() / c.abs().sum())
        tokens = batch.tokens[..., : self.mask.shape[-1]]
        return Derivatives(own, e, self.prefix[index], tokens) * -1.0, leaked

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

    def measured(self, table: Tensor) -> Tensor:
        """A gradient in the table as one in what is measured, the weights if there are any: [P]."""
        network = self.policy.network
        return table.flatten() if network is None else network.jacobian.mT @ table.flatten()

    def measured_in(self, seen: Tensor) -> Tensor:
        """Which parameters move with logits [prompts · prefixes, V] that were `seen`: [P]."""
        network = self.policy.network
        if network is None:
            return seen.flatten()
        return (network.jacobian[seen.flatten()] != 0).any(0)

    def along(self, d: Derivatives, direction: Tensor) -> Tensor:
        """⟨ĝ_r, direction⟩ with a direction [P] in what is measured: [R]."""
        network = self.policy.network
        direction = direction.flatten() if network is None else network.jacobian @ direction
        direction = direction.reshape(self.p.shape)
        of_token = direction - (self.p * direction).sum(-1, keepdim=True)
        total = d.scores * of_token[d.prefix, d.tokens]
        if d.entropies is not None:
            total = total + d.entropies * (self.slope * direction).sum(-1)[d.prefix]
        return total.sum((-2, -1))

    def squared_norms(self, d: Derivatives) -> Tensor:
        """‖ĝ_r‖² of each batch, in what is measured: [R]."""
        network = self.policy.network
        if network is None:
            return self._of_pairs(d)
        most = max(AT_ONCE // self.p.numel(), 1)
        parts = (d[first : first + most] for first in range(0, len(d.scores), most))
        return torch.cat([(self._each(part) @ network.factor).square().sum(-1) for part in parts])

    def _each(self, d: Derivatives) -> Tensor:
        """ĝ_r in the table, of every batch: [R, prompts · prefixes · V]."""
        r, (rows, vocabulary) = len(d.scores), self.p.shape
        places = (d.prefix * vocabulary + d.tokens).flatten(1)
        found = d.scores.new_zeros(r, rows * vocabulary)
        found.scatter_add_(1, places, d.scores.flatten(1))
        found = found.unflatten(-1, (rows, vocabulary))
        found = found - self.p * found.sum(-1, keepdim=True)
        if d.entropies is not None:
            at = d.scores.new_zeros(r, rows)
            at.scatter_add_(1, d.prefix.flatten(1), d.entropies.flatten(1))
            found = found + self.slope * at.unsqueeze(-1)
        return found.flatten(1)

    def _of_pairs(self, d: Derivatives) -> Tensor:
        """‖ĝ_r‖² in the table, from the pairs of tokens that stand after one prefix: [R]."""
        if d.entropies is None:
            total = (d.scores.square() * self.score_square[d.prefix, d.tokens]).sum((-2, -1))
        else:
            total = self._product(d, (...,), (...,)).sum((-2, -1))
        first, second = torch.triu_indices(d.prefix.shape[1], d.prefix.shape[1], 1)
        live = (d.scores != 0) if d.entropies is None else (d.scores != 0) | (d.entropies != 0)
        place = torch.where(live, d.prefix, -1).movedim(-1, 0).contiguous()  # [T, R, B]
        for t, row in enumerate(place):
            shared = (row[:, first] == row[:, second]) & (row[:, first] >= 0)
            r, pair = shared.nonzero(as_tuple=True)
            if len(r):
                product = self._product(d, (r, first[pair], t), (r, second[pair], t))
                total.index_add_(0, r, 2 * product)
        return total

    def _product(self, d: Derivatives, a: tuple, b: tuple) -> Tensor:
        """⟨c_a ∇log π(o_a) + e_a ∇H, c_b ∇log π(o_b) + e_b ∇H⟩ of tokens after one prefix."""
        row, (left, right) = d.prefix[a], (d.tokens[a], d.tokens[b])
        inner = (left == right) + self.square[row] - self.p[row, left] - self.p[row, right]
        product = d.scores[a] * d.scores[b] * inner
        if d.entropies is None:
            return product
        product = product + d.scores[a] * d.entropies[b] * self.cross[row, left]
        product = product + d.entropies[a] * d.scores[b] * self.cross[row, right]
        return product + d.entropies[a] * d.entropies[b] * self.slope_square[row]


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
