"""The tree of prefixes of a sequence with an end token: counts, indices and all completions.

Prefixes hold no end token and are ordered by length, then lexicographically. With n = V − 1 other
tokens that is a heap: the prefix with index j grows by its a-th token into n j + 1 + a.
"""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Completions:
    """Every completion, by length, then lexicographically: N of them, of at most T tokens.

    A completion holds its end token where one was drawn; what follows is padded with end tokens.
    """

    tokens: Tensor  # [N, T], integers
    prefix: Tensor  # [N, T], the index of what stands before each token; 0 after the end
    mask: Tensor  # [N, T], whether a token belongs to the completion

    def __len__(self) -> int:
        return len(self.tokens)


def prefix_count(vocabulary: int, length: int) -> int:
    """How many prefixes of fewer than `length` tokens there are, the empty one included."""
    return sum((vocabulary - 1) ** size for size in range(length))


def completion_count(vocabulary: int, length: int) -> int:
    """How many completions of at most `length` tokens there are."""
    last = (vocabulary - 1) ** (length - 1)
    return prefix_count(vocabulary, length - 1) + last * vocabulary


def next_prefix(prefix: Tensor, token: Tensor, vocabulary: int, eos: int) -> Tensor:
    """The index of `prefix` with `token` added, which is not the end token; shapes broadcast."""
    return prefix * (vocabulary - 1) + 1 + token - (token > eos).to(token.dtype)


def prefix_tokens(prefix: Tensor, size: int, vocabulary: int, eos: int) -> Tensor:
    """The `size` tokens of prefixes with these indices [n], all of that length: [n, size]."""
    others, found = vocabulary - 1, []
    for _ in range(size):
        rank = (prefix - 1) % others
        found.append(rank + (rank >= eos).long())
        prefix = (prefix - 1) // others
    return torch.stack(found[::-1], -1) if found else prefix.new_zeros(len(prefix), 0)


def completions(vocabulary: int, eos: int, length: int) -> Completions:
    """All completions of at most `length` tokens of a vocabulary with the end token `eos`."""
    others = vocabulary - 1
    inner, count = prefix_count(vocabulary, length - 1), prefix_count(vocabulary, length)
    last = torch.arange(inner, count).repeat_interleave(vocabulary)
    prefix = torch.cat((torch.arange(inner), last))  # what each completion's last token follows
    final = torch.arange(vocabulary).repeat(count - inner)
    token = torch.cat((torch.full((inner,), eos), final))
    size = torch.bucketize(prefix, _first_of_each_size(vocabulary, length), right=True)
    found = Completions(
        torch.full((len(prefix), length), eos),
        torch.zeros(len(prefix), length, dtype=torch.long),
        torch.arange(length) < size[:, None],
    )
    for position in reversed(range(length)):
        here = size > position
        found.tokens[here, position], found.prefix[here, position] = token[here], prefix[here]
        rank = (prefix[here] - 1) % others
        token[here] = rank + (rank >= eos).long()
        prefix[here] = (prefix[here] - 1) // others
    return found


def _first_of_each_size(vocabulary: int, length: int) -> Tensor:
    return torch.tensor([prefix_count(vocabulary, size) for size in range(length)])
