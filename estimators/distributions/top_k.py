"""TopK: the k largest of Gumbel-perturbed logits, as a set."""

import math

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from estimators.distributions.gumbel_noise import perturbed
from estimators.distributions.subsets import SubsetConstraint, all_subsets, checked_size, k_hot
from estimators.distributions.symmetric_polynomials import log_polynomials

TAIL = 38.0  # exp(−TAIL) of the mass is left out at either end
# Nodes of the trapezoid rule, and MORE √k: its error is then rounding, against 4,000 nodes; of the
# mean, while all logits lie within about 20 of each other.
NODES, NODES_OF_MEAN, MORE = 144, 208, 60
# What is summed over instead, which is faster: the subsets of so few items, so few points.
FEW, SUMMED = 4, 64


class TopK(Distribution):
    """The first k of a Plackett–Luce ordering, without their order, as a vector of k ones.

    x = the k largest of logits + Gumbel noise: k draws without replacement, each in proportion to
    exp(logit). Its marginals are not those of `ConditionalBernoulli`, though both favour the same
    items: with logits (log 2, 0, 0) and k = 2 item 0 is in with 5/6 here and 4/5 there.

    p(S) = ∫ W exp(−W t) Π_{i ∈ S} (1 − exp(−w_i t)) dt,   w = exp(logits),   W = Σ_{i ∉ S} w_i

    - `k`: how many items are chosen, from 1 to n.
    - `logits`: [*batch, n]; adding a number to all of them changes nothing.

    Events are [n] of 0. and 1. `mean` holds the inclusion probabilities, differentiable in the
    logits. The density (for k > 4) and the mean are trapezoid sums over log t, exact to rounding,
    at O(k) and O(n k) for each of some hundred nodes.
    Raises ValueError for another k.
    Source: Yellott 1977, J. Math. Psychology 15(2); Kool, van Hoof & Welling 2020,
    arXiv:2002.06043, appendix, for the integral; Berthet et al. 2020, arXiv:2002.08676, for the
    mean as a derivative.
    """

    arg_constraints = {"logits": constraints.real_vector}  # noqa: RUF012, as in torch.distributions

    def __init__(self, k: int, logits: Tensor, validate_args: bool | None = None):
        self.k, self.logits = checked_size(k, logits.shape[-1]), logits
        super().__init__(logits.shape[:-1], logits.shape[-1:], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self):
        return SubsetConstraint(self.k)

    def expand(self, batch_shape, _instance=None):
        logits = self.logits.expand(*batch_shape, *self.event_shape)
        return TopK(self.k, logits, validate_args=False)

    def harden(self, z: Tensor) -> Tensor:
        """The subset of the k largest of z [..., n]."""
        return k_hot(z.topk(self.k, -1).indices, *self.event_shape, z)

    @torch.no_grad()
    def sample(self, sample_shape=()):
        return self.harden(perturbed(self.logits, torch.Size(sample_shape)))

    @property
    def mode(self) -> Tensor:
        return self.harden(self.logits)  # exchanging two items for likelier ones raises p

    def enumerate_support(self, expand=True):
        points = all_subsets(*self.event_shape, self.k, self.logits)
        points = points.reshape(-1, *[1] * len(self.batch_shape), *self.event_shape)
        return points.expand(-1, *self.batch_shape, -1) if expand else points

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        if self.k == self.event_shape[0]:
            return self.logits.sum(-1).expand(value.shape[:-1]) * 0.0
        logits, value = torch.broadcast_tensors(self.logits, value)
        chosen = logits.gather(-1, value.topk(self.k, -1).indices)
        others = logits.masked_fill(value > 0, -torch.inf).logsumexp(-1, keepdim=True)
        log_first = log_first_few if self.k <= FEW else log_first_many
        return log_first(chosen - others)

    @property
    def mean(self) -> Tensor:
        """P(x_i = 1) = ∂/∂logit_i E[sum of the k largest perturbed logits]: [*batch, n]."""
        if self.k == self.event_shape[0]:
            return self.logits * 0.0 + 1.0
        if self.k <= FEW and math.comb(*self.event_shape, self.k) <= SUMMED:
            points = self.enumerate_support()
            return (self.log_prob(points).exp().unsqueeze(-1) * points).sum(0)
        differentiable = torch.is_grad_enabled() and self.logits.requires_grad
        with torch.enable_grad():
            logits = self.logits if differentiable else self.logits.detach().requires_grad_()
            total = _expected_sum(logits, self.k).sum()
            (found,) = torch.autograd.grad(total, logits, create_graph=differentiable)
        return found

    @property
    def variance(self) -> Tensor:
        mean = self.mean
        return mean * (1 - mean)


def log_first_few(ratio: Tensor) -> Tensor:
    """The same as `log_first_many`, by the 2^k subsets: p(C) = Σ_{c ∈ C} w_c p(C∖c) / (w(C) + W).

    p(C) is the probability that the items C come first of all but the rest of S: [..., k] → [...].
    """
    item = ratio.unbind(-1)
    found = [torch.zeros_like(item[0])]
    for subset in range(1, 2 ** len(item)):
        members = [i for i in range(len(item)) if subset >> i & 1]
        last = torch.stack([item[i] + found[subset - 2**i] for i in members]).logsumexp(0)
        held = torch.stack([found[0], *(item[i] for i in members)]).logsumexp(0)
        found.append(last - held)
    return found[-1]


def log_first_many(ratio: Tensor) -> Tensor:
    """log ∫ exp(v − exp v) Π_i (1 − exp(−exp(ratio_i + v))) dv for log w_i / W: [..., k] → [...].

    exp v is the time, in units of 1 / W, at which the first of the others comes.
    """
    k = ratio.shape[-1]
    right = math.log(k + 12 * math.sqrt(k) + TAIL)  # the time is at most like a Gamma(k + 1)
    nodes = NODES + int(MORE * math.sqrt(k))
    v = torch.linspace(-TAIL, right, nodes, dtype=ratio.dtype, device=ratio.device)
    floor = math.log(torch.finfo(ratio.dtype).tiny)
    y = (ratio.unsqueeze(-1) + v).clamp(min=floor, max=-floor).exp()  # [..., k, nodes]
    inside = torch.log(-torch.expm1(-y)).sum(-2)
    return (v - v.exp() + inside).logsumexp(-1) + math.log((right + TAIL) / (nodes - 1))


def _expected_sum(logits: Tensor, k: int) -> Tensor:
    """E[sum of the k largest of logits + Gumbel noise], but for a constant: [*B, n] → [*B].

    ∫ E[min(N(s), k)] ds, where N(s) counts the items whose perturbed logit is above −s, each with
    the probability 1 − exp(−exp(logit + s)), independently.
    """
    nodes = NODES_OF_MEAN + int(MORE * math.sqrt(k))
    with torch.no_grad():
        left = -logits.logsumexp(-1, keepdim=True) - TAIL
        right = math.log(TAIL) - logits.amin(-1, keepdim=True)
        share = torch.linspace(0, 1, nodes, dtype=logits.dtype, device=logits.device)
        s = left + (right - left) * share  # [*B, nodes]
    y = (logits.unsqueeze(-2) + s.unsqueeze(-1)).exp().clamp_max(TAIL)  # [*B, nodes, n]
    odds = y + torch.log(-torch.expm1(-y))  # log(p / (1 − p)), and log(1 − p) = −y
    mass = log_polynomials(odds, k - 1)[-1][..., 0, :] - y.sum(-1, keepdim=True)  # log P(N = m)
    missing = torch.arange(k, 0, -1, dtype=logits.dtype, device=logits.device)
    step = ((right - left) / (nodes - 1)).squeeze(-1)
    return -(missing * mass.exp()).sum((-1, -2)) * step
