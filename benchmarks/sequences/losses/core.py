"""What a post-training loss is, and the parts that policy-gradient losses are composed of."""

import dataclasses
import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor

from benchmarks.sequences.batch import Batch
from benchmarks.sequences.losses.advantages import ADVANTAGES, Scale, to_go
from benchmarks.sequences.losses.correction import weights
from benchmarks.sequences.losses.divergence import divergence
from benchmarks.sequences.losses.normalisation import NORMALISATIONS
from estimators import unknown


class Loss(ABC):
    """A scalar of a batch of completions whose gradient a trainer descends.

    Laws: `loss` of one batch depends on nothing of another; advantages are constants; a term with
    coefficient 0 is as if it were not there.
    """

    name: str = ""
    vectorised: ClassVar[bool] = True  # whether `loss` takes a leading axis R and returns [R]
    note: str | None = None  # what a reader of the audit must know

    @abstractmethod
    def loss(self, batch: Batch, advantages: Tensor | None) -> Tensor:
        """[*R], of one micro-batch, given the advantages of its completions [*R, B, T or 1]."""

    def advantages(self, batch: Batch) -> Tensor | None:
        """[*R, B, T or 1], of the whole step; None if the loss finds them itself."""
        return None

    @property
    @abstractmethod
    def coefficients(self) -> dict[str, float]:
        """Of the terms "kl" and "entropy", as the objective has them; 0 where there is none."""

    @abstractmethod
    def without(self, *terms: str) -> "Loss":
        """This loss with the coefficients of some terms set to 0."""

    @property
    @abstractmethod
    def settings(self) -> dict[str, Any]:
        """What identifies this loss in a record beside its name."""

    def unsupported(self, batch: Batch) -> str | None:
        """Why this loss cannot take such a batch, in one sentence, or None."""
        return None


def of_step(loss: Loss, batch: Batch, micro_batches: int = 1) -> Tensor:
    """The loss whose gradient one optimiser step follows: [*R].

    Advantages are of all its completions; then the mean over the micro-batches.
    """
    advantages = loss.advantages(batch)
    if micro_batches == 1:
        return loss.loss(batch, advantages)
    parts = batch.split(micro_batches)
    size = len(batch.group) // micro_batches
    each = [None] * micro_batches if advantages is None else advantages.split(size, -2)
    return sum(loss.loss(part, a) for part, a in zip(parts, each, strict=True)) / micro_batches


@dataclass(frozen=True)
class PolicyLoss(Loss):
    """A policy-gradient loss, composed of an advantage, a surrogate and a normalisation.

    Σ_it w_it ℓ(r_it, A_it) normalised over tokens and completions, plus β KL, minus c · entropy.

    - advantage: reward | group-mean | leave-one-out | length-weighted | greedy | batch-mean |
      whitened | whitened-group-mean | standardised | standardised-group-mean.
    - scale_rewards: none | group | batch: divide by a standard deviation (true: group), to which
      `epsilon` is added.
    - normalisation: sequence-sum | sequence-mean | token-mean | step-token-mean | constant.
    - clip: ε of the ratio, below and above; None: none. `clip_high`: above, where it differs;
      `delta`: the most that a ratio counts, also for a negative advantage (dual clip).
    - beta: coefficient of KL(policy ‖ reference); `kl`: k1 | k2 | k3; `kl_in`: loss | reward |
      reward-to-go (a token's and those after it); `kl_ratio`: whether a KL in the loss is
      multiplied by the importance ratio.
    - correction: none | token | prefix | sequence: weights for the sampler's mismatch;
      `bound`: truncate | mask | none of them at `cap`, and below at `floor`.
    - entropy_coef: of the mean entropy of a token.

    Raises ValueError for a setting that does not exist.
    """

    advantage: str = "reward"
    scale_rewards: str | bool = "none"
    epsilon: float = 1e-4
    normalisation: str = "sequence-sum"
    clip: float | None = None
    clip_high: float | None = None
    delta: float | None = None
    beta: float = 0.0
    kl: str = "k1"
    kl_in: str = "reward"
    kl_ratio: bool = False
    correction: str = "none"
    bound: str = "none"
    cap: float = 2.0
    floor: float = 0.0
    entropy_coef: float = 0.0
    name: str = dataclasses.field(default="", kw_only=True, compare=False)

    def __post_init__(self):
        scaled = {True: "group", False: "none"}.get(self.scale_rewards, self.scale_rewards)
        object.__setattr__(self, "scale_rewards", scaled)
        for field, known in CHOICES.items():
            if getattr(self, field) not in known:
                raise ValueError(unknown(field, str(getattr(self, field)), known))
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            optional = value is None and "None" in str(field.type)
            if "float" in str(field.type) and not (optional or _is_number(value)):
                raise ValueError(f"{field.name} is {value!r}; it must be a finite number.")

    @property
    def coefficients(self):
        return {"kl": self.beta, "entropy": self.entropy_coef}

    def without(self, *terms):
        names = {"kl": "beta", "entropy": "entropy_coef"}
        return dataclasses.replace(self, **{names[term]: 0.0 for term in terms})

    @property
    def settings(self):
        own = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        return {name: value for name, value in own.items() if name != "name"}

    def unsupported(self, batch):
        if self.beta and batch.reference is None:
            return (
                f"beta = {self.beta} needs a reference to be close to; give the policy a "
                "`reference`, or set beta to 0."
            )
        if self.advantage == "leave-one-out" and batch.size < 2:
            return (
                "A leave-one-out baseline is the mean of the others in the group, and there are "
                "none in a group of one; use a group of 2 or more, or reinforce."
            )
        if self.scale_rewards != "none" and len(batch.group) < 2:
            return (
                "One reward has no standard deviation to scale it by; use a group of 2 or more, "
                "or scale_rewards=none."
            )
        return None

    def advantages(self, batch):
        advantage, scale = ADVANTAGES[self.advantage], Scale(self.scale_rewards, self.epsilon)
        if not self.beta or self.kl_in == "loss":
            return advantage(batch, None, scale).detach()
        penalty = self.beta * divergence(self.kl, batch.old, batch.reference)
        if self.kl_in == "reward-to-go":
            return (advantage(batch, None, scale) - to_go(penalty, batch.mask)).detach()
        return advantage(batch, penalty, scale).detach()

    def loss(self, batch, advantages):
        each = self.surrogate(batch, advantages)  # [*R, B, T]
        if self.correction != "none":
            each = each * weights(batch, self.correction, self.bound, self.cap, self.floor)
        if self.beta and self.kl_in == "loss":
            kl = divergence(self.kl, batch.log_prob, batch.reference)
            each = each + self.beta * (kl * self.ratio(batch) if self.kl_ratio else kl)
        found = NORMALISATIONS[self.normalisation](each, batch)
        if self.entropy_coef:
            mean = (batch.entropy * batch.mask).sum((-2, -1)) / batch.mask.sum((-2, -1))
            found = found - self.entropy_coef * mean
        return found

    def surrogate(self, batch: Batch, advantages: Tensor) -> Tensor:
        """ℓ of each token [*R, B, T]: −A log π, or the clipped ratio's where there is a `clip`."""
        if self.clip is None:
            return -advantages * batch.log_prob
        ratio = self.ratio(batch)
        high = self.clip if self.clip_high is None else self.clip_high
        clipped = ratio.clamp(1 - self.clip, 1 + high)
        ratio = ratio if self.delta is None else ratio.clamp(max=self.delta)
        return -(ratio * advantages).minimum(clipped * advantages)

    def ratio(self, batch: Batch) -> Tensor:
        """π / π_old of each token: [*R, B, T]."""
        return (batch.log_prob - batch.old).exp()


def _is_number(value: Any) -> bool:
    whole = isinstance(value, int | float) and not isinstance(value, bool)
    return whole and math.isfinite(value)


CHOICES = {
    "advantage": ADVANTAGES,
    "scale_rewards": ("none", "group", "batch"),
    "normalisation": NORMALISATIONS,
    "kl": ("k1", "k2", "k3"),
    "kl_in": ("loss", "reward", "reward-to-go"),
    "correction": ("none", "token", "prefix", "sequence"),
    "bound": ("none", "truncate", "mask"),
}
