"""Streamed moments of vectors: a table of blocks of replicates, merged pairwise and in order.

Axes: M rows of the table, P parameters. Each row holds the moments of its replicates about their
own mean, so nothing cancels; rows merge exactly (Pébay 2008, SAND2008-6212).
"""

from dataclasses import dataclass, fields

import torch
from torch import Tensor


@dataclass(frozen=True)
class Moments:
    """Count, mean, and sums of powers of the deviations d = g − mean, one row a block."""

    count: Tensor  # [M]
    mean: Tensor  # [M, P]
    m2: Tensor  # Σ d²  [M, P]
    m3: Tensor  # Σ d³  [M, P]
    m4: Tensor  # Σ d⁴  [M, P]
    q3: Tensor  # Σ ‖d‖² d  [M, P]
    q4: Tensor  # Σ ‖d‖⁴  [M]

    @classmethod
    def of(cls, x: Tensor) -> "Moments":
        """The moments of x [M, n, P], cast to float64 first."""
        x = x.double()
        mean = x.mean(1)
        d = x - mean.unsqueeze(1)
        d2 = d.square()
        norm2 = d2.sum(-1, keepdim=True)
        return cls(
            count=torch.full_like(mean[:, 0], x.shape[1]),
            mean=mean,
            m2=d2.sum(1),
            m3=(d2 * d).sum(1),
            m4=d2.square().sum(1),
            q3=(norm2 * d).sum(1),
            q4=norm2.square().sum((1, 2)),
        )

    def __len__(self) -> int:
        return len(self.count)

    def __getitem__(self, rows: slice) -> "Moments":
        return Moments(*(getattr(self, f.name)[rows] for f in fields(self)))

    def __add__(self, other: "Moments") -> "Moments":
        """The table with the rows of `other` below."""
        pairs = ((getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return Moments(*(torch.cat(pair) for pair in pairs))

    def merged(self, other: "Moments") -> "Moments":
        """Row by row, the moments of both together."""
        na, nb = self.count.unsqueeze(-1), other.count.unsqueeze(-1)
        n = na + nb
        delta = other.mean - self.mean
        a, b = -nb / n * delta, na / n * delta  # from the new mean to the old ones
        left, right = self._about(a), other._about(b)
        sums = {name: left[name] + right[name] for name in left}
        return Moments(self.count + other.count, self.mean - a, **sums)

    def halved(self) -> "Moments":
        """Neighbouring rows merged: ⌈M/2⌉ rows."""
        even = len(self) - len(self) % 2
        return self[0:even:2].merged(self[1:even:2]) + self[even:]

    def total(self) -> "Moments":
        """Everything in one row."""
        whole = self
        while len(whole) > 1:
            whole = whole.halved()
        return whole

    def _about(self, shift: Tensor) -> dict[str, Tensor]:
        """The sums about a centre from which the rows' means lie `shift` [M, P] away.

        The term 4 Σ (d·shift)² of q4 uses the diagonal of the covariance. It is exact for P = 1 and
        uncorrelated parameters, else off by at most 4/n of q4, for the n replicates of a row.
        """
        n = self.count.unsqueeze(-1)
        s2 = shift.square()
        trace = self.m2.sum(-1, keepdim=True)
        norm2 = s2.sum(-1, keepdim=True)
        return {
            "m2": self.m2 + n * s2,
            "m3": self.m3 + 3 * shift * self.m2 + n * s2 * shift,
            "m4": self.m4 + 4 * shift * self.m3 + 6 * s2 * self.m2 + n * s2.square(),
            "q3": self.q3 + 2 * shift * self.m2 + shift * (trace + n * norm2),
            "q4": self.q4
            + (4 * shift * self.q3 + 4 * s2 * self.m2 + 2 * norm2 * self.m2).sum(-1)
            + (n * norm2.square()).squeeze(-1),
        }


class Table:
    """A growing table of at most `limit` equally filled rows, whatever the number of replicates.

    Rows start as chunks of `chunk` replicates. When there are more than `limit`, neighbours merge
    and rows hold twice as many. What does not fill a row yet waits in `rest`.
    """

    def __init__(self, chunk: int, limit: int = 64):
        self.chunk = chunk
        self.row_size = chunk
        self.limit = limit
        self.rows: Moments | None = None
        self.rest: Moments | None = None

    def add(self, x: Tensor) -> None:
        """Add a block x [R, P]."""
        full = len(x) // self.chunk * self.chunk
        if full:
            self._append(Moments.of(x[:full].unflatten(0, (-1, self.chunk))))
        if full < len(x):
            self._append(Moments.of(x[full:].unsqueeze(0)))

    def whole(self) -> Moments:
        """Every replicate, in one row."""
        parts = [part for part in (self.rows, self.rest) if part is not None]
        return (parts[0] if len(parts) == 1 else parts[0] + parts[1]).total()

    def _append(self, new: Moments) -> None:
        while len(new) > 1 and new.count[0] < self.row_size and new.count[0] == new.count[-1]:
            new = new.halved()
        for i in range(len(new)) if new.count[0] < self.row_size else ():
            self._fill(new[i : i + 1])
        if new.count[0] >= self.row_size:
            self.rows = new if self.rows is None else self.rows + new
        while self.rows is not None and len(self.rows) > self.limit:
            self._double()

    def _fill(self, row: Moments) -> None:
        self.rest = row if self.rest is None else self.rest.merged(row)
        if self.rest.count[0] >= self.row_size:
            self.rows = self.rest if self.rows is None else self.rows + self.rest
            self.rest = None

    def _double(self) -> None:
        even = len(self.rows) - len(self.rows) % 2
        odd = self.rows[even:]
        self.rows = self.rows[:even].halved()
        self.row_size *= 2
        if len(odd):
            self.rest = odd if self.rest is None else odd.merged(self.rest)
