"""ConditionalBernoulli: independent Bernoullis, given that k of them are one."""

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.nn.functional import pad

from estimators.distributions.subsets import SubsetConstraint, all_subsets, checked_size, k_hot
from estimators.distributions.symmetric_polynomials import ABSENT, log_polynomials


class ConditionalBernoulli(Distribution):
    """k of n items, p(x) = exp(Σ_i x_i logit_i) / e_k(exp(logits)), as a vector of k ones.

    It is the law of independent Bernoullis given that their sum is k: the exponential family on the
    subsets of size k. Choosing the k largest of Gumbel-perturbed logits is another law, `TopK`,
    with other marginals.

    - `k`: how many items are chosen, from 1 to n.
    - `logits`: [*batch, n]; adding a number to all of them changes nothing.

    Events are [n] of 0. and 1. `mean` holds the inclusion probabilities, differentiable in the
    logits. O(n k) for a density or the mean, O(n log n) more for a sample, in log space.
    Raises ValueError for another k.
    Source: Chen & Liu 1997, Statistica Sinica 7; for halving, Shamir's product tree.
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
        return ConditionalBernoulli(self.k, logits, validate_args=False)

    @property
    def relative(self) -> Tensor:
        """The logits less the largest, which changes no probability but keeps digits."""
        return self.logits - self.logits.amax(-1, keepdim=True).detach()

    @property
    def log_normaliser(self) -> Tensor:
        """log e_k(exp(relative logits)): [*batch]."""
        return log_polynomials(self.relative, self.k)[-1][..., 0, self.k]

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return (value * self.relative).sum(-1) - self.log_normaliser

    @property
    def mean(self) -> Tensor:
        """P(x_i = 1) = ∂ log e_k / ∂ logit_i: [*batch, n]."""
        differentiable = torch.is_grad_enabled() and self.logits.requires_grad
        with torch.enable_grad():
            logits = self.logits if differentiable else self.logits.detach().requires_grad_()
            normaliser = ConditionalBernoulli(self.k, logits, validate_args=False).log_normaliser
            (found,) = torch.autograd.grad(normaliser.sum(), logits, create_graph=differentiable)
        return found

    @property
    def variance(self) -> Tensor:
        mean = self.mean
        return mean * (1 - mean)

    @property
    def mode(self) -> Tensor:
        return k_hot(self.logits.topk(self.k, -1).indices, *self.event_shape, self.logits)

    def entropy(self):
        return self.log_normaliser - (self.mean * self.relative).sum(-1)

    def enumerate_support(self, expand=True):
        points = all_subsets(*self.event_shape, self.k, self.logits)
        points = points.reshape(-1, *[1] * len(self.batch_shape), *self.event_shape)
        return points.expand(-1, *self.batch_shape, -1) if expand else points

    def sample(self, sample_shape=()):
        shape = self._extended_shape(sample_shape)
        u = torch.rand(shape, dtype=self.logits.dtype, device=self.logits.device)
        return self.of_uniforms(u)

    @torch.no_grad()
    def of_uniforms(self, u: Tensor) -> Tensor:
        """The subset that independent uniforms u in [0, 1) make: both [*sample, *batch, n].

        From the root of the tree down, each node shares its number of items out to its two halves:
        P(j of them to the left) ∝ e_j(left) e_{c−j}(right). The first leaf on the right says which
        uniform decides, so that all but u_0 are used once.
        """
        levels = log_polynomials(self.relative, self.k)
        count = u.new_full((*u.shape[:-1], 1), self.k).long()  # [*sample, *batch, nodes]
        for depth in reversed(range(len(levels) - 1)):
            left, right = levels[depth][..., 0::2, :], levels[depth][..., 1::2, :]
            first = torch.arange(left.shape[-2], device=u.device) * 2 ** (depth + 1) + 2**depth
            decides = u[..., first.clamp_max(u.shape[-1] - 1)]
            to_left = _share(left, right, count, decides)
            count = torch.stack((to_left, count - to_left), -1).flatten(-2)
        return count[..., : u.shape[-1]].to(self.logits.dtype)


def _share(left: Tensor, right: Tensor, count: Tensor, u: Tensor) -> Tensor:
    """How many of `count` items go to the left, decided by u: [*sample, *batch, nodes]."""
    top = left.shape[-1] - 1
    j = torch.arange(top + 1, device=u.device)
    wanted = count.unsqueeze(-1) - j  # [*sample, *batch, nodes, top + 1], what goes to the right
    right = pad(right, (1, 1), value=ABSENT).expand(*wanted.shape[:-1], -1)
    weight = left + right.gather(-1, (wanted + 1).clamp(0, top + 2))
    below = weight.softmax(-1).cumsum(-1)
    drawn = (u.unsqueeze(-1) * below[..., -1:] >= below[..., :-1]).sum(-1)
    return drawn.clamp(min=(count - top).clamp_min(0), max=count.clamp_max(top))
