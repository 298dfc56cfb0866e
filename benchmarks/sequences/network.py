"""Logits that come out of a module: their table, and gradients in the table as those of weights."""

import copy
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.func import functional_call

from estimators.distributions.autoregressive import check_table, prefix_table

MOST_NUMBERS = 2**27  # of the derivative of the table in the weights, 1 GB
NEGLIGIBLE = 1e-13  # share of the largest eigenvalue, of the rounding of a Gram matrix


class Network:
    """A module from prefixes to logits, in float64 and evaluation mode, as a function of weights.

    Args:
        module: takes the tokens of a prefix, integers [n, t], and returns logits [n, V].
        eos: the end token.
        length: the largest number of tokens of a completion.
        prompts: integers [P, s] that stand before every prefix; None: nothing does.
    Raises ValueError, with one sentence, for a module that does not do that.
    """

    def __init__(self, module: nn.Module, eos: int, length: int, prompts: Tensor | None = None):
        self.module = copy.deepcopy(module).double().eval()
        self.eos, self.length, self.prompts = eos, length, prompts
        self.weights = {
            name: w.detach() for name, w in self.module.named_parameters() if w.requires_grad
        }
        empty = torch.zeros(1, 0, dtype=torch.long) if prompts is None else prompts[:1]
        with torch.no_grad():
            first = self._logits(self.weights, empty)
        if first.isnan().any():
            raise ValueError(
                f"The module's logits after tokens {list(empty.shape)} are NaN; one that needs a "
                "first token takes it from `prompts`."
            )
        self.vocabulary = first.shape[-1]
        check_table(first.expand(1, -1), eos, 1)

    def table(self, weights: dict[str, Tensor] | None = None) -> Tensor:
        """The logits at these `weights`, or its own: [prompts, prefixes, V]."""
        given = self.weights if weights is None else weights
        empty = torch.zeros(1, 0, dtype=torch.long) if self.prompts is None else self.prompts
        return prefix_table(
            lambda tokens: self._logits(given, tokens),
            self.vocabulary, self.eos, self.length, empty,
        )  # fmt: skip

    def pulled_back(self, gradient: Tensor) -> dict[str, Tensor]:
        """A gradient in the table, [prompts, prefixes, V], as one in the weights, by name."""
        leaves = {name: w.clone().requires_grad_() for name, w in self.weights.items()}
        found = torch.autograd.grad(
            self.table(leaves), list(leaves.values()), gradient,
            allow_unused=True, materialize_grads=True,
        )  # fmt: skip
        return dict(zip(leaves, found, strict=True))

    @cached_property
    def jacobian(self) -> Tensor:
        """The derivative of each logit in all weights, one after the other: [prompts · …, P]."""
        leaves = {name: w.clone().requires_grad_() for name, w in self.weights.items()}
        table = self.table(leaves).flatten()
        count = sum(w.numel() for w in leaves.values())
        if len(table) * count > MOST_NUMBERS:
            raise ValueError(
                f"{len(table)} logits of all prefixes and {count} weights have more than "
                f"{MOST_NUMBERS} derivatives to hold; use fewer prompts, tokens or weights, or "
                "freeze some with requires_grad_(False)."
            )
        rows = []
        for logit in table:
            parts = torch.autograd.grad(
                logit, list(leaves.values()),
                retain_graph=True, allow_unused=True, materialize_grads=True,
            )  # fmt: skip
            rows.append(torch.cat([part.flatten() for part in parts]))
        return torch.stack(rows)

    @cached_property
    def factor(self) -> Tensor:
        """F [prompts · prefixes · V, rank] with F Fᵀ = J Jᵀ: ‖Jᵀ v‖ = ‖Fᵀ v‖, for fewer numbers."""
        values, vectors = torch.linalg.eigh(self.jacobian @ self.jacobian.mT)
        kept = values > NEGLIGIBLE * values[-1]
        return vectors[:, kept] * values[kept].sqrt()

    def _logits(self, weights: dict[str, Tensor], tokens: Tensor) -> Tensor:
        try:
            found = functional_call(self.module, weights, tokens)
        except Exception as failure:
            first = (str(failure).strip().splitlines() or [type(failure).__name__])[0]
            start = (
                "; a module that needs a first token takes it from `prompts`"
                if tokens.shape[-1] == 0
                else ""
            )
            raise ValueError(
                f"The module fails on tokens {list(tokens.shape)}, which are [prefixes, tokens] in "
                f"float64: {first}{start}."
            ) from failure
        if not isinstance(found, Tensor) or found.ndim != 2 or len(found) != len(tokens):
            got = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise ValueError(
                f"The module returned {got} for tokens {list(tokens.shape)}; it must return the "
                "logits of the next token, [prefixes, V]."
            )
        return found
