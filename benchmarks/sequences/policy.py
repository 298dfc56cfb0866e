"""A policy over completions that can be enumerated, with the exact gradients of its objectives."""

import inspect
import math
from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor, nn

from benchmarks.sequences.network import Network
from estimators.distributions.autoregressive import check_table
from estimators.distributions.prefixes import Completions, completion_count, completions

MOST_COMPLETIONS = 2**20
ROUNDING = 1e-14  # relative, of a sum over completions


class PolicyError(ValueError):
    """A user's mistake in a policy: one sentence with the way out."""


class Policy:
    """Logits over prefixes, a reward of completions, and the laws it is compared with.

    - `logits`: [prefixes, V]: prefixes of fewer than `length` tokens, none with the end token, by
      length, then lexicographically. [prompts, prefixes, V] for several prompts, which count
      equally. Or a module that takes the tokens of prefixes, integers [n, t], and returns
      logits [n, V]: gradients are then those of its weights that require one.
    - `eos`: the end token.
    - `length`: the largest number of tokens of a completion, its end token included.
    - `reward`: of a completion, a tuple of tokens with the end token where one was drawn; with
      several prompts it takes (tokens, prompt). It must be finite.
    - `reference`: logits like `logits` of the law that KL(policy ‖ reference) is taken to.
    - `sampler`: logits of the law that completions are drawn from; the policy itself if None.
    - `old`: logits of the law that importance ratios are taken to, as after several steps on the
      same completions; the policy itself if None.
    - `name`: of this policy in tables and records.
    - `prompts`: integers [prompts, s] that stand before the prefixes a module is given.

    The reference, sampler and old law may be modules too. Raises PolicyError, in one sentence, for
    what does not fit.
    """

    def __init__(
        self,
        logits: Tensor | nn.Module,
        eos: int,
        length: int,
        reward: Callable[..., float],
        reference: Tensor | nn.Module | None = None,
        sampler: Tensor | nn.Module | None = None,
        old: Tensor | nn.Module | None = None,
        name: str = "policy",
        prompts: Tensor | None = None,
    ):
        self.eos, self.length, self.reward, self.name = eos, length, reward, name
        self.prompt_tokens = _tokens(prompts)
        self.network = self._network(logits) if isinstance(logits, nn.Module) else None
        if self.network is not None and not self.network.weights:
            raise PolicyError("No weight of the module requires a gradient; there is none to take.")
        self.logits = self._table("logits", self.network or logits)
        self.shape = getattr(logits, "shape", self.logits.shape)  # of the logits as they were given
        try:
            check_table(self.logits, eos, length)
        except ValueError as mistake:
            raise PolicyError(str(mistake)) from None
        _enumerable(completion_count(self.vocabulary, length) * self.prompts)
        self.reference, self.sampler, self.old = (
            self._law(which, given)
            for which, given in (("reference", reference), ("sampler", sampler), ("old", old))
        )
        self.rewards = self._rewards()  # [prompts, N]

    @property
    def vocabulary(self) -> int:
        """V, the number of tokens, the end token included."""
        return self.logits.shape[-1]

    @property
    def prompts(self) -> int:
        """The number of prompts."""
        return len(self.logits)

    @cached_property
    def table(self) -> Completions:
        """The completions as tensors [N, length]."""
        return completions(self.vocabulary, self.eos, self.length)

    @property
    def completions(self) -> list[tuple[int, ...]]:
        """Every completion, by length, then lexicographically."""
        rows = zip(self.table.tokens.tolist(), self.table.mask.sum(-1).tolist(), strict=True)
        return [tuple(tokens[:size]) for tokens, size in rows]

    def terms(self, logits: Tensor) -> Tensor:
        """log π(token given prefix) of every completion's tokens: [prompts, N, length]."""
        chosen = logits.log_softmax(-1)[:, self.table.prefix, self.table.tokens]
        return torch.where(self.table.mask, chosen, 0.0)

    def probabilities(self, logits: Tensor | None = None) -> Tensor:
        """Of every completion, under the policy or under other logits: [prompts, N]."""
        return self.terms(self.logits if logits is None else logits).sum(-1).exp()

    def objective(self, which: str, logits: Tensor) -> Tensor:
        """E reward, KL(policy ‖ reference) or the entropy of completions at `logits`, over prompts.

        `which` is reward | kl | entropy; `logits` are [prompts, prefixes, V].
        Raises PolicyError for another name, and for "kl" without a reference.
        """
        if which not in ("reward", "kl", "entropy"):
            raise PolicyError(f"There is no objective {which!r}; use reward, kl or entropy.")
        if which == "kl" and self.reference is None:
            raise PolicyError(
                "A KL term needs a reference to be taken to; give the policy a `reference`."
            )
        log_p = self.terms(logits).sum(-1)  # [prompts, N]
        return (log_p.exp() * self._values(which, log_p)).sum(-1).mean()

    def gradient(self, which: str) -> Tensor | dict[str, Tensor]:
        """The exact gradient of an `objective` in the logits, like the logits that were given.

        By the sum over all completions; what is nothing but its rounding is zero. Of a module it is
        that in its weights, by their names.
        """
        leaf = self.logits.detach().clone().requires_grad_()
        found = torch.autograd.grad(self.objective(which, leaf), leaf)[0]
        log_p = self.terms(self.logits).sum(-1)
        size = self._values(which, log_p).abs() + float(which != "reward")
        if found.norm() <= ROUNDING * (log_p.exp() * size).sum():
            found = torch.zeros_like(found)
        return (
            found.reshape(self.shape) if self.network is None else self.network.pulled_back(found)
        )

    def _values(self, which: str, log_p: Tensor) -> Tensor:
        """What an objective is the expectation of: [prompts, N]."""
        if which == "reward":
            return self.rewards
        return log_p - self.terms(self.reference).sum(-1) if which == "kl" else -log_p

    def _network(self, module: nn.Module) -> Network:
        try:
            return Network(module, self.eos, self.length, self.prompt_tokens)
        except ValueError as mistake:
            raise PolicyError(str(mistake)) from None

    def _table(self, which: str, given: Tensor | Network, finite: bool = True) -> Tensor:
        """`given` logits, or those of a module, as [prompts, prefixes, V] in float64."""
        if isinstance(given, Network):
            prompts = 1 if self.prompt_tokens is None else len(self.prompt_tokens)
            _enumerable(completion_count(given.vocabulary, self.length) * prompts)
            with torch.no_grad():
                given = given.table()
        elif which == "logits" and self.prompt_tokens is not None:
            raise PolicyError(
                "prompts stand before the prefixes of a module; a table has its rows."
            )
        return _table(which, given, finite)

    def _law(self, which: str, given: Tensor | nn.Module | None) -> Tensor | None:
        """The logits of another law, like those of the policy."""
        if given is None:
            return None
        given = self._network(given) if isinstance(given, nn.Module) else given
        logits = self._table(which, given, finite=False)
        if logits.shape != self.logits.shape:
            raise PolicyError(
                f"The {which} has logits {tuple(given.shape)} and the policy "
                f"{tuple(self.logits.shape)}; they must be of one shape."
            )
        if not logits.log_softmax(-1).isfinite().all():
            raise PolicyError(
                f"The {which} gives no probability to a token that the policy draws, so that their "
                "ratio is infinite; give it finite logits."
            )
        return logits

    def _rewards(self) -> Tensor:
        several = self.prompts > 1 or _takes_prompt(self.reward)
        found = []
        for prompt in range(self.prompts):
            for tokens in self.completions:
                value = self.reward(tokens, prompt) if several else self.reward(tokens)
                found.append(_finite(value, tokens))
        return torch.tensor(found, dtype=torch.float64).reshape(self.prompts, -1)


def _enumerable(count: int) -> None:
    """Raise PolicyError for more completions than are enumerated."""
    if count > MOST_COMPLETIONS:
        raise PolicyError(
            f"There are {count} completions, more than {MOST_COMPLETIONS} to enumerate; use "
            "fewer tokens, prompts, or a smaller length."
        )


def _tokens(prompts: Tensor | None) -> Tensor | None:
    """The tokens before all prefixes, as they were given."""
    if prompts is None:
        return None
    if not isinstance(prompts, Tensor) or prompts.is_floating_point() or prompts.ndim != 2:
        raise PolicyError("prompts must be integers [prompts, tokens], each row as long as others.")
    return prompts.long()


def _table(which: str, given: Tensor, finite: bool = True) -> Tensor:
    """`given` logits as [prompts, prefixes, V] in float64."""
    if not isinstance(given, Tensor) or not given.is_floating_point() or given.ndim not in (2, 3):
        shape = tuple(given.shape) if isinstance(given, Tensor) else type(given).__name__
        raise PolicyError(
            f"{which} is {shape}; it must be a floating tensor [prefixes, V], or "
            "[prompts, prefixes, V], or a torch.nn.Module."
        )
    if finite and not given.isfinite().all():
        raise PolicyError(f"{which} is not finite everywhere; use a large negative number for −∞.")
    return given.detach().double().reshape(-1, *given.shape[-2:])


def _finite(value: float, tokens: tuple[int, ...]) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise PolicyError(
            f"The reward of {tokens} is {value!r}; it must be one finite number."
        ) from None
    if not math.isfinite(number):
        raise PolicyError(f"The reward of {tokens} is {number}; it must be finite.")
    return number


def _takes_prompt(reward: Callable[..., float]) -> bool:
    try:
        wanted = inspect.signature(reward).parameters.values()
    except (TypeError, ValueError):
        return False
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(p.kind in plain and p.default is p.empty for p in wanted) == 2
