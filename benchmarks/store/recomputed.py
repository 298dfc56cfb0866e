"""Numbers of a record that follow from others: a difference shows that one of them was changed."""

import math
from collections.abc import Iterator, Mapping

from benchmarks.store.schema import Record

SAME = 1e-6  # relative: other orders of summation, in double precision
ROUNDING = 1e-12  # of a mean; a variance below its square is nothing
SKETCHED = 64  # coordinates of a mean from which on it may be a projection of a longer one
PRODUCTS = (
    ("mse", lambda r: r.variance + r.bias2, ("variance", "bias2")),
    ("work_variance", lambda r: r.variance * r.seconds, ("variance", "seconds")),
    ("gradients_per_second", lambda r: 1 / r.seconds if r.seconds else math.inf, ("seconds",)),
)


def unlike(record: Record) -> Iterator[str]:
    """What does not follow from the other numbers of a record, each as part of a sentence."""
    for name, formula, needs in PRODUCTS:
        value = getattr(record, name)
        if value is None or any(getattr(record, need) is None for need in needs):
            continue
        expected = formula(record)
        size = max(abs(expected), abs(getattr(record, needs[0])) if name == "mse" else 0.0)
        if math.isfinite(expected) and abs(value - expected) > SAME * size:
            yield f"{name} is {value:.6g}, but {' and '.join(needs)} make it {expected:.6g}"


def unlike_blocks(record: Mapping, blocks: Mapping) -> str | None:
    """Why the blocks beside a record are not those of its variance, or None.

    `blocks` has count [M], mean [M, P] and m2 [M]. Their variance without each of them is in the
    record, and that of all together, unless some replicates are in no block. Where means may be
    projections of longer ones, what is between blocks is known to its own size only.
    """
    import numpy as np

    missing = [name for name in ("count", "mean", "m2") if name not in blocks]
    if missing:
        return f"they lack {', '.join(missing)}"
    count, mean, m2 = (np.asarray(blocks[name]) for name in ("count", "mean", "m2"))
    whole = count.ndim == 1 and mean.ndim == 2 and mean.shape[:1] == m2.shape == count.shape
    if not whole or len(count) < 2 or any(x.dtype.kind not in "fiu" for x in (count, mean, m2)):
        return "they have other shapes than count [M], mean [M, P] and m2 [M]"
    if not np.all((count >= 1) & np.isfinite(count)):
        return "some hold less than one replicate"
    whole, without, between = _variances(count.astype(float), mean, m2)
    room = (ROUNDING * float(np.abs(mean).max())) ** 2
    room += between if mean.shape[1] >= SKETCHED else 0.0
    known = record.get("variance_jackknife")
    if known is not None and None not in known:
        if len(known) != len(count):
            return f"they are {len(count)}, and the record is of {len(known)}"
        apart = np.abs(np.array(known) - without).max()
        if np.isfinite(known).all() and not apart <= SAME * np.abs(without).max() + room:
            return "the variances without each of them are not those of the record"
    value = record.get("variance")
    if value is None or count.sum() != record.get("replicates"):
        return None
    if math.isfinite(value) and not abs(whole - value) <= SAME * max(whole, value) + room:
        return f"they make the variance {whole:.6g}, and the record says {value:.6g}"
    return None


def _variances(count, mean, m2):
    """The variance of all blocks, without each of them [M], and of what is between them."""
    import numpy as np

    total = count.sum()
    between = count * np.square(mean - np.average(mean, 0, count)).sum(1)  # [M]
    squares = m2.sum() + between.sum()
    left = total - count
    with np.errstate(divide="ignore", invalid="ignore"):  # blocks of one replicate
        without = (squares - m2 - between * total / left) / (left - 1)
    return squares / (total - 1), without, float(between.sum() / (total - 1))


def unlike_parameters(variance: float | None, parameters: Mapping) -> str | None:
    """Why each parameter's variances [P] do not add up to the `variance` of a record, or None."""
    import numpy as np

    each = parameters.get("variance")
    if each is None or variance is None or np.asarray(each).dtype.kind not in "fiu":
        return None
    found = float(np.sum(each))
    if not math.isfinite(found) or abs(found - variance) <= SAME * max(found, variance):
        return None
    return f"they make the variance {found:.6g}, and the record says {variance:.6g}"
