"""Sequences of tokens, each drawn given those before it, up to an end token."""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.distributions import Distribution, constraints

from estimators.distributions.prefixes import (
    completion_count,
    completions,
    next_prefix,
    prefix_count,
    prefix_tokens,
)

LARGEST_SUPPORT = 2**16


class Autoregressive(Distribution):
    """p(x) = ∏_t softmax(logits given x_<t)[x_t], up to the end token or `length` tokens.

    A point is [T] integers, T = `length`: the tokens drawn, the end token among them where it was
    drawn, and end tokens after it, which have no probability of their own (`mask` says which).

    - `logits`: a table [*batch, prefixes, V] (prefixes of fewer than T tokens, none with the end
      token, by length, then lexicographically), or a callable that takes prefixes
      [*any, t] of t = 0 … T − 1 tokens and returns their logits [*any, V].
    - `eos`: the end token, one of 0 … V − 1.
    - `length`: T, the largest number of tokens.
    - `batch_shape`: of the points, where `logits` is a callable.

    Raises ValueError for a table of another size and an end token outside of the vocabulary.
    """

    arg_constraints = {}  # noqa: RUF012  torch's own name and form

    def __init__(
        self,
        logits: Tensor | Callable[[Tensor], Tensor],
        eos: int,
        length: int,
        batch_shape: tuple[int, ...] = (),
        validate_args: bool | None = None,
    ):
        self.logits, self.eos, self.length = logits, eos, length
        if isinstance(logits, Tensor):
            check_table(logits, eos, length)
            batch_shape = logits.shape[:-2]
        super().__init__(torch.Size(batch_shape), torch.Size([length]), validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self):
        """Tokens of the vocabulary, which end tokens end."""
        return constraints.independent(constraints.nonnegative_integer, 1)

    @property
    def mode(self) -> Tensor:
        """The greedy completion, the likeliest token at each step: [*batch, T].

        It need not be the likeliest completion. Source: it is what "greedy decoding" means.
        """
        with torch.no_grad():
            return self._extended(lambda log_p: log_p.argmax(-1), ())

    def sample(self, sample_shape=()) -> Tensor:
        """Completions [*sample, *batch, T], by inverting the cumulative sum of each step."""

        def draw(log_p: Tensor) -> Tensor:
            below = log_p.exp().cumsum(-1)[..., :-1]
            return (torch.rand_like(log_p[..., :1]) >= below).sum(-1)

        with torch.no_grad():
            return self._extended(draw, sample_shape)

    def log_prob(self, value: Tensor) -> Tensor:
        """log p of whole completions [*sample, *batch, T]: [*sample, *batch]."""
        if self._validate_args:
            self._validate_sample(value)
        return self.terms(value).sum(-1)

    def terms(self, value: Tensor) -> Tensor:
        """log p(x_t given x_<t) of each token, zero after the end: [*sample, *batch, T]."""
        mask = self.mask(value)
        if isinstance(self.logits, Tensor):
            chosen = self._looked_up(value, mask)
        else:
            steps = [self.logits(value[..., :t]).log_softmax(-1) for t in range(self.length)]
            chosen = torch.stack(steps, -2).gather(-1, value.unsqueeze(-1)).squeeze(-1)
        return torch.where(mask, chosen, 0.0)

    def mask(self, value: Tensor) -> Tensor:
        """Which tokens belong to the completions, the end token included: like `value`."""
        ended = (value == self.eos).cumsum(-1)
        return (ended - (value == self.eos).long()) == 0

    def enumerate_support(self, expand: bool = True) -> Tensor:
        """Every completion: [N, *batch, T]. NotImplementedError for more than 2^16."""
        vocabulary = self._logits(torch.zeros(*self.batch_shape, 0, dtype=torch.long)).shape[-1]
        count = completion_count(vocabulary, self.length)
        if count > LARGEST_SUPPORT:
            raise NotImplementedError(f"{count} completions are too many to enumerate")
        points = completions(vocabulary, self.eos, self.length).tokens
        points = points.reshape(-1, *[1] * len(self.batch_shape), self.length)
        return points.expand(-1, *self.batch_shape, -1) if expand else points

    def expand(self, batch_shape, _instance=None) -> "Autoregressive":
        """The same sequences with another batch shape that this one broadcasts to."""
        logits, batch = self.logits, torch.Size(batch_shape)
        if isinstance(logits, Tensor):
            logits = logits.expand(*batch, *logits.shape[-2:])
        return Autoregressive(logits, self.eos, self.length, batch, self._validate_args)

    def _extended(self, choose: Callable[[Tensor], Tensor], sample_shape) -> Tensor:
        """Completions whose tokens `choose` picks, step by step, from log-probabilities [*, V]."""
        shape = (*sample_shape, *self.batch_shape)
        device = self.logits.device if isinstance(self.logits, Tensor) else None
        prefix = torch.zeros(*shape, 0, dtype=torch.long, device=device)
        ended = torch.zeros(shape, dtype=torch.bool, device=device)
        for _ in range(self.length):
            token = choose(self._logits(prefix).log_softmax(-1)).masked_fill(ended, self.eos)
            prefix = torch.cat((prefix, token.unsqueeze(-1)), -1)
            ended = ended | (token == self.eos)
        return prefix

    def _logits(self, prefix: Tensor) -> Tensor:
        """Logits after `prefix` [*sample, *batch, t]: [*sample, *batch, V]; any after the end."""
        if not isinstance(self.logits, Tensor):
            return self.logits(prefix)
        index = self._indices(prefix)[..., -1:].unsqueeze(-1)
        table = self.logits.expand(*index.shape[:-2], *self.logits.shape[-2:])
        return table.gather(-2, index.expand(*index.shape[:-1], table.shape[-1])).squeeze(-2)

    def _indices(self, tokens: Tensor) -> Tensor:
        """The rows of the table before each token and after the last one: [*, t + 1].

        After an end token they are any rows: nobody looks at them.
        """
        prefixes, vocabulary = self.logits.shape[-2:]
        found = [torch.zeros(tokens.shape[:-1], dtype=torch.long, device=tokens.device)]
        for token in tokens.unbind(-1):
            after = next_prefix(found[-1], token, vocabulary, self.eos)
            found.append(after.clamp(max=prefixes - 1))
        return torch.stack(found, -1)

    def _looked_up(self, value: Tensor, mask: Tensor) -> Tensor:
        """Each token's log-probability, one gather from each batch element's table."""
        batch, vocabulary = self.batch_shape, self.logits.shape[-1]
        places = self._indices(value)[..., :-1] * vocabulary + value  # [*sample, *batch, T]
        places = torch.where(mask, places, 0)
        flat = places.reshape(-1, *batch, self.length).movedim(0, -2)  # [*batch, S, T]
        table = self.logits.log_softmax(-1).flatten(-2)
        chosen = table.gather(-1, flat.flatten(-2)).reshape(flat.shape)
        return chosen.movedim(-2, 0).reshape(places.shape)


def check_table(logits: Tensor, eos: int, length: int) -> None:
    """Raise ValueError, with one sentence, if `logits` [*, prefixes, V] is no table for these."""
    if length < 1:
        raise ValueError(f"length is {length}; a completion has at least one token.")
    if logits.ndim < 2 or logits.shape[-1] < 2:
        raise ValueError(
            f"logits have shape {tuple(logits.shape)}; they must be [prefixes, V] with at least "
            "two tokens, the end token among them."
        )
    prefixes, vocabulary = logits.shape[-2:]
    if not 0 <= eos < vocabulary:
        raise ValueError(
            f"The end token {eos} is outside of the vocabulary of {vocabulary} tokens; "
            f"give one of 0 … {vocabulary - 1}."
        )
    if prefixes != prefix_count(vocabulary, length):
        raise ValueError(
            f"logits have {prefixes} rows, but {vocabulary - 1} tokens beside the end token and "
            f"length {length} make {prefix_count(vocabulary, length)} prefixes, the empty one "
            "included: one row each, by length, then lexicographically."
        )


def prefix_table(
    module: Callable[[Tensor], Tensor],
    vocabulary: int,
    eos: int,
    length: int,
    prompts: Tensor | None = None,
) -> Tensor:
    """The logits of `module` after every prefix, differentiable: [prefixes, V].

    `module` maps prefixes [n, t] to logits [n, V]; it is called once for each t < `length`. With
    `prompts` [P, s], integers that stand before a prefix, it maps [n, s + t]: [P, prefixes, V].
    `vocabulary` is V, `eos` the end token.
    """
    before = torch.zeros(1, 0, dtype=torch.long) if prompts is None else prompts
    prefixes = prefix_count(vocabulary, length)
    rows = []
    for size in range(length):
        first, after = prefix_count(vocabulary, size), prefix_count(vocabulary, size + 1)
        index = torch.arange(first, after, device=before.device)
        tokens = prefix_tokens(index, size, vocabulary, eos)  # [n, t]
        pairs = torch.cat(
            (before.repeat_interleave(len(tokens), 0), tokens.repeat(len(before), 1)), 1
        )
        rows.append(module(pairs).reshape(len(before), len(tokens), vocabulary))
    table = torch.cat(rows, 1)
    return table.reshape(prefixes, vocabulary) if prompts is None else table
