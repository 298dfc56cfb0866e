"""Loops that whoever measures may bring in machine code: the same bits as without, sooner.

Nothing here needs one: each place that asks has a way of its own. They are

- `normals(source, out)`: fill an array with NumPy's normals of a generator SFC64;
- `poissons(rate)`: torch's Poisson numbers, from its stream;
- `gamma_derivatives(x, ratio, log_ratio, alpha, row, table, axis, out)`: the end of
  `gamma_beta.gamma_derivative`, of x [N, P] with P concentrations alpha;
- `looked_up(table, x, out)`: out[n, p] = table[p, x[n, p]], of x in double precision, none of them
  beyond the table; False where one is no whole number;
- `weighted_sums(weight, z, first, second)`: Σ_k w z and Σ_k (w z) z, [N, P], of weights [K, N] and
  z [K, N, P], added up in the order of k.
"""

from collections.abc import Callable

_brought: dict[str, Callable] = {}


def bring(**loops: Callable | None) -> None:
    """Use these loops, by the names above, from now on; None: no more."""
    for name, loop in loops.items():
        if loop is None:
            _brought.pop(name, None)
        else:
            _brought[name] = loop


def brought(name: str) -> Callable | None:
    """The loop of that name, if there is one."""
    return _brought.get(name)
