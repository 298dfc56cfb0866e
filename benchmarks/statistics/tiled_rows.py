"""A matrix of few long rows as numpy has them, made and used a few thousand columns at a time."""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

if TYPE_CHECKING:  # reports use intervals without torch
    from torch import Tensor

COLUMNS = 2**12  # held at once, in float64, for each row

Columns = slice | NDArray


class TiledRows(NDArrayOperatorsMixin):
    """[M, P] in float64, of which no more than [M, COLUMNS] is ever held.

    Elementwise operations are put off; `sum`, `mean` and products with a vector or with the
    transpose of such a matrix are carried out tile by tile. Vectors [P] and columns [M, 1] may take
    part; a mask or indices of columns select.

    - `shape`: (M, P).
    - `tile`: gives the columns of a slice or of indices [n], as an array [M, n] or [1, n].
    """

    def __init__(self, shape: tuple[int, int], tile: Callable[[Columns], NDArray]):
        self.shape, self.tile = shape, tile

    @classmethod
    def of(cls, rows: "Sequence[Tensor]", origin: "Tensor") -> "TiledRows":
        """`origin` [P] added to each of M rows [P], which may have fewer digits."""
        each, base = [row.numpy() for row in rows], origin.numpy()

        def tile(columns: Columns) -> NDArray:
            return np.stack([row[columns] for row in each]).astype(float) + base[columns]

        return cls((len(each), len(base)), tile)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index: tuple[slice, Columns]) -> "TiledRows":
        """Some of the columns, of all rows: `rows[:, kept]`."""
        rows, columns = index
        if rows != slice(None):
            raise TypeError("Only columns of tiled rows can be selected, as in rows[:, kept].")
        if isinstance(columns, slice) and columns == slice(None):
            return self
        chosen = np.arange(self.shape[1])[columns]
        if isinstance(columns, slice):
            start = columns.start or 0
            return TiledRows(
                (len(self), len(chosen)),
                lambda some: self.tile(slice(some.start + start, some.stop + start)),
            )
        return TiledRows((len(self), len(chosen)), lambda some: self.tile(chosen[some]))

    @property
    def T(self) -> "_Transposed":
        """What `rows @ rows.T` needs."""
        return _Transposed(self)

    def sum(self, axis: int) -> NDArray:
        """Over the rows (0): [P]; or over the columns (1 or -1): [M]."""
        if axis == 0:
            return np.concatenate([tile.sum(0) for _, tile in self._tiles()])
        return sum(tile.sum(1) for _, tile in self._tiles())

    def mean(self, axis: int) -> NDArray:
        """Like `sum`."""
        return self.sum(axis) / self.shape[axis]

    def __array_ufunc__(self, ufunc, method, *inputs, **kwargs):
        """What numpy calls for `rows - v`, `np.square(rows)`, `rows @ v` and `w @ rows`."""
        if method != "__call__" or kwargs:
            return NotImplemented
        if ufunc is np.matmul:
            return _product(*inputs)
        shape = next(part.shape for part in inputs if isinstance(part, TiledRows))

        def tile(columns: Columns) -> NDArray:
            return ufunc(*(_columns_of(part, shape[1], columns) for part in inputs))

        return TiledRows(shape, tile)

    def _tiles(self) -> Iterator[tuple[slice, NDArray]]:
        for start in range(0, self.shape[1], COLUMNS):
            columns = slice(start, min(start + COLUMNS, self.shape[1]))
            yield columns, self.tile(columns)


class _Transposed:
    __array_ufunc__ = None

    def __init__(self, rows: TiledRows):
        self.rows = rows

    def __rmatmul__(self, other: TiledRows) -> NDArray:
        """[M, M'] products of rows."""
        same = other is self.rows
        total = 0.0
        for columns, tile in other._tiles():
            total = total + tile @ (tile if same else self.rows.tile(columns)).T
        return total


def outer(a: NDArray, u: NDArray, like: "NDArray | TiledRows") -> "NDArray | TiledRows":
    """a uᵀ [M, P] of a [M] and u [P], tiled if the matrix `like` is."""
    if not isinstance(like, TiledRows):
        return np.outer(a, u)
    return TiledRows((len(a), len(u)), lambda columns: np.outer(a, u[columns]))


def _product(left, right) -> NDArray:
    if isinstance(left, TiledRows):  # with a vector [P] or a matrix [P, n]
        return sum(tile @ right[columns] for columns, tile in left._tiles())
    return np.concatenate([left @ tile for _, tile in right._tiles()], axis=-1)


def _columns_of(part, width: int, columns: Columns):
    if isinstance(part, TiledRows):
        return part.tile(columns)
    whole = np.ndim(part) and np.shape(part)[-1] == width and width > 1
    return part[..., columns] if whole else part
