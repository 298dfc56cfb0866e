"""PlackettLuce: orderings of n items, or of the first k, one after the other by their weights."""

import math
from itertools import permutations

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints
from torch.nn.functional import one_hot

from estimators.distributions.gumbel_noise import perturbed
from estimators.distributions.subsets import MOST_POINTS, checked_size
from estimators.distributions.top_k import TopK


class RankingConstraint(constraints.Constraint):
    """Vectors [k] of different integers from 0 to n − 1."""

    is_discrete = True
    event_dim = 1

    def __init__(self, n: int):
        self.n = n

    def check(self, value: Tensor) -> Tensor:
        ordered = value.sort(-1).values
        different = (ordered[..., 1:] > ordered[..., :-1]).all(-1)
        return different & (ordered[..., 0] >= 0) & (ordered[..., -1] < self.n)


class PlackettLuce(Distribution):
    """Orderings of n items: each place takes one of those left, in proportion to exp(logit).

    log p(x) = Σ_i logit(x_i) − log Σ_{j not before place i} exp(logit_j)

    - `logits`: [*batch, n]; adding a number to all of them changes nothing.
    - `k`: how many places are filled; None for all n.

    Events are integers [k], the items in the order chosen; `OneHotPlackettLuce` has the same law
    over permutation matrices, which can be relaxed, and `TopK` over the set of the first k.
    Samples are the arg-sort of logits + Gumbel noise. O(n) for a density.
    Raises ValueError for another k.
    Source: Plackett 1975, Applied Statistics 24(2); Luce 1959; Yellott 1977, for the noise.
    """

    arg_constraints = {"logits": constraints.real_vector}  # noqa: RUF012, as in torch.distributions

    def __init__(self, logits: Tensor, k: int | None = None, validate_args: bool | None = None):
        self.logits, n = logits, logits.shape[-1]
        self.k = n if k is None else checked_size(k, n)
        super().__init__(logits.shape[:-1], torch.Size((self.k,)), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self):
        return RankingConstraint(self.logits.shape[-1])

    def expand(self, batch_shape, _instance=None):
        logits = self.logits.expand(*batch_shape, self.logits.shape[-1])
        return PlackettLuce(logits, self.k, validate_args=False)

    def harden(self, z: Tensor) -> Tensor:
        """The items with the k largest z [..., n], largest first: [..., k]."""
        return z.topk(self.k, -1).indices

    @torch.no_grad()
    def sample(self, sample_shape=()):
        return self.harden(perturbed(self.logits, torch.Size(sample_shape)))

    @property
    def mode(self) -> Tensor:
        return self.harden(self.logits)

    def placed_log_prob(self, value: Tensor) -> Tensor:
        """log p of each place given those before it: the terms of `log_prob`, [..., k]."""
        shape = torch.broadcast_shapes(value.shape[:-1], self.batch_shape)
        logits = self.logits.expand(*shape, -1)
        value = value.expand(*shape, -1)
        chosen = logits.gather(-1, value)
        left = chosen  # [..., k], and one more for all that is never chosen
        if self.k < logits.shape[-1]:
            gone = torch.zeros_like(logits, dtype=torch.bool).scatter(-1, value, True)
            never = logits.masked_fill(gone, -torch.inf).logsumexp(-1, keepdim=True)
            left = torch.cat((chosen, never), -1)
        return chosen - left.flip(-1).logcumsumexp(-1).flip(-1)[..., : self.k]

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return self.placed_log_prob(value).sum(-1)

    def enumerate_support(self, expand=True):
        points = all_orderings(self.logits.shape[-1], self.k).to(self.logits.device)
        points = points.reshape(-1, *[1] * len(self.batch_shape), self.k)
        return points.expand(-1, *self.batch_shape, -1) if expand else points


class OneHotPlackettLuce(Distribution):
    """The orderings of `PlackettLuce` as permutation matrices: x[i, j] = 1 if place i has item j.

    - `logits`: [*batch, n]; adding a number to all of them changes nothing.

    Events are [n, n] of 0. and 1. `mean` holds P(place i has item j), exact to rounding and
    differentiable in the logits, at the cost of n − 1 means of `TopK`.
    Source: as PlackettLuce; Grover et al. 2019, arXiv:1903.08850, for the matrix.
    """

    arg_constraints = {"logits": constraints.real_vector}  # noqa: RUF012, as in torch.distributions
    support = constraints.independent(constraints.boolean, 2)

    def __init__(self, logits: Tensor, validate_args: bool | None = None):
        self.logits, n = logits, logits.shape[-1]
        super().__init__(logits.shape[:-1], torch.Size((n, n)), validate_args=validate_args)

    @property
    def ranking(self) -> PlackettLuce:
        """The same law over integers."""
        return PlackettLuce(self.logits, validate_args=False)

    def expand(self, batch_shape, _instance=None):
        logits = self.logits.expand(*batch_shape, self.logits.shape[-1])
        return OneHotPlackettLuce(logits, validate_args=False)

    def harden(self, z: Tensor) -> Tensor:
        """The matrix that sorts z [..., n], largest first: [..., n, n]."""
        return one_hot(z.argsort(-1, descending=True), z.shape[-1]).to(z.dtype)

    @torch.no_grad()
    def sample(self, sample_shape=()):
        return self.harden(perturbed(self.logits, torch.Size(sample_shape)))

    @property
    def mode(self) -> Tensor:
        return self.harden(self.logits)

    @property
    def mean(self) -> Tensor:
        """P(place i has item j), what `TopK` gains from one more place: [*batch, n, n]."""
        n = self.logits.shape[-1]
        up_to = [TopK(k, self.logits, validate_args=False).mean for k in range(1, n + 1)]
        up_to = torch.stack(up_to, -2)
        return torch.cat((up_to[..., :1, :], up_to[..., 1:, :] - up_to[..., :-1, :]), -2)

    @property
    def variance(self) -> Tensor:
        mean = self.mean
        return mean * (1 - mean)

    def log_prob(self, value):
        if self._validate_args:
            self._validate_sample(value)
        return self.ranking.log_prob(value.argmax(-1))

    def enumerate_support(self, expand=True):
        orders = self.ranking.enumerate_support(expand)
        return one_hot(orders, self.logits.shape[-1]).to(self.logits.dtype)


def all_orderings(n: int, k: int) -> Tensor:
    """Every ordering of k of n items, in lexicographic order: [n! / (n − k)!, k].

    NotImplementedError if there are too many.
    """
    if math.perm(n, k) > MOST_POINTS:
        raise NotImplementedError(
            f"There are {math.perm(n, k)} orderings of {k} of {n} items, more than the "
            f"{MOST_POINTS} that are listed; sample them instead."
        )
    return torch.tensor(list(permutations(range(n), k)))
