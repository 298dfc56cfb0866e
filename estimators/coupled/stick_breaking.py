"""DisARM for categoricals: antithetic sticks, of which the first that breaks is the class."""

from abc import abstractmethod

import torch

from estimators import capabilities
from estimators.core import Estimator, Unsupported, evaluate, register


class StickBreaking(Estimator):
    """Pairs of categorical samples whose sticks break at antithetic uniform numbers.

    With the classes by rising probability, b_i = 1[u_i < σ(φ_i)], b̃_i = 1[1 − u_i < σ(φ_i)], and
    the class is the first i with b_i = 1, or else the last; σ(φ_i) = p_i / (p_i + … + p_C).
    Subclasses write the weights of the pairs.
    """

    unbiased = True

    def surrogate(self, dist, cost, samples=1):
        logits = capabilities.categorical_logits(dist)  # [*B, *F, C]
        if samples % 2:
            raise Unsupported(
                f"Antithetic samples come in pairs, not {samples} at a time; pass an even number "
                "of samples, or use carms for an odd number of three or more."
            )
        order = logits.detach().argsort(dim=-1, stable=True)
        ordered = logits.gather(-1, order)
        sticks = stick_logits(ordered)  # φ: [*B, *F, C − 1]
        first, second = broken(sticks.detach(), samples // 2)
        places = torch.cat((first_one(first), first_one(second)))  # [K, *B, *F, C], one-hot
        back = order.argsort(-1).expand_as(places)
        f = evaluate(cost, places.gather(-1, back), dist)  # [K, *B]
        one, other = f.detach().chunk(2)
        half = capabilities.spread(dist, one - other) / 2
        carried = self.carried(half, (first, second), places.chunk(2), sticks, ordered)
        return f.mean(0) + capabilities.over_event(dist, carried).mean(0)

    @abstractmethod
    def carried(self, half, pair, places, sticks, ordered):
        """Zero, with the gradient of every factor of every pair: [K/2, *B, *F, …].

        `half` is half of the cost's difference; `pair` holds both b, `places` both one-hot classes
        in the order of `ordered`, whose sticks are `sticks`.
        """


@register("disarm-stick-breaking")
class DisarmStickBreaking(StickBreaking):
    """DisARM of the sticks of which a categorical sample is made (DisARM-SB).

    ĝ_φi = mean over pairs of ½ (f(x) − f(x̃)) times (b_i − b̃_i) σ(|φ_i|) up to the first of the two
    classes, b_i − σ(φ_i) from there to class x, −(b̃_i − σ(φ_i)) from there to class x̃, then 0

    The classes stand by rising probability, φ are the logits of the sticks, σ(φ_i) = p_i / Σ_j≥i
    p_j, and b_i = 1[u_i < σ(φ_i)] and b̃_i = 1[1 − u_i < σ(φ_i)] share their uniform numbers.
    Needs OneHotCategorical or Independent of it, and an even K; the cost may be any function.
    Unbiased; for two classes it is DisARM. K cost evaluations.
    Raises Unsupported for other distributions and for an odd K.
    Source: Dong, Mnih & Tucker 2021, arXiv:2106.08056, read in their code.
    """

    def carried(self, half, pair, places, sticks, ordered):
        b, mirrored = pair  # [K/2, *B, *F, C − 1]
        seen, also = (reached(place) for place in places)  # 1 up to the class
        p, sure = sticks.detach().sigmoid(), sticks.detach().abs().sigmoid()
        both = seen * also * (b - mirrored) * sure
        alone = seen * (1 - also) * (b - p) - also * (1 - seen) * (mirrored - p)
        return half * (both + alone) * (sticks - sticks.detach())


@register("disarm-importance")
class DisarmImportance(StickBreaking):
    """Leave-one-out over antithetic pairs of categorical samples, reweighted (DisARM-IW).

    ĝ = mean over pairs of ½ (f(x) − f(x̃)) w (∇log p(x) − ∇log p(x̃)),   w = p(x) p(x̃) / P(x, x̃)
    w = σ(|φ_m|) Π_{i<m} (1 − p_i)² / (1 − 2 p_i),   p_i = σ(φ_i), m the first of the two classes

    The pairs are those of disarm-stick-breaking; by rising probability p_i ≤ ½, so that every two
    classes meet.
    Needs OneHotCategorical or Independent of it, and an even K; the cost may be any function.
    Unbiased; for two classes it is DisARM. K cost evaluations.
    Raises Unsupported for other distributions and for an odd K.
    Source: Dong, Mnih & Tucker 2021, arXiv:2106.08056, read in their code.
    """

    def carried(self, half, pair, places, sticks, ordered):
        p, sure = sticks.detach().sigmoid(), sticks.detach().abs().sigmoid()
        rest = p[..., :-1]  # at most ⅓ each
        neither = ((1 - rest).square() / (1 - 2 * rest)).cumprod(-1)
        before = torch.cat((torch.ones_like(p[..., :1]), neither), -1)
        met = sum(places)[..., :-1]  # 1 where one of two different classes is, 2 where both are
        earliest = (met == 1) & (met.cumsum(-1) == 1)
        weight = (earliest * before * sure).sum(-1, keepdim=True)
        return half * weight * (places[0] - places[1]) * (ordered - ordered.detach())


def stick_logits(logits):
    """logit_i − log Σ_{j>i} exp(logit_j): [..., C] → [..., C − 1]."""
    later = logits.flip(-1).logcumsumexp(-1).flip(-1)
    return logits[..., :-1] - later[..., 1:]


def broken(sticks, pairs):
    """Whether each stick breaks, at u and at 1 − u: [pairs, *B, *F, C − 1] each."""
    u = torch.rand(pairs, *sticks.shape, dtype=sticks.dtype, device=sticks.device)
    return (u < sticks.sigmoid()).to(u), (1 - u < sticks.sigmoid()).to(u)


def first_one(b):
    """The first stick that breaks, or else the last class, one-hot: [..., C − 1] → [..., C]."""
    b = torch.cat((b, torch.ones_like(b[..., :1])), -1)
    return b * (b.cumsum(-1) == 1)


def reached(place):
    """1 for the sticks that were looked at until the class was known: [..., C − 1]."""
    return place.flip(-1).cumsum(-1).flip(-1)[..., :-1]
