"""Few numbers for long vectors: fixed random projections, so that files stay small."""

import numpy as np
from numpy.typing import NDArray

WIDTH = 64


def sketch(x: NDArray) -> NDArray:
    """x [..., P] as it is for P ≤ 64, else its projections on 64 fixed random signs: [..., 64].

    Norms of differences survive to about 9 % (Johnson & Lindenstrauss 1984; signs: Achlioptas
    2003). The signs depend on P alone, so sketches of different files can be compared. A change of
    one parameter of many is spread over all projections: found later than in x itself.
    """
    size = x.shape[-1]
    if size <= WIDTH:
        return x
    bits = np.random.Generator(np.random.Philox(key=size)).integers(0, 2, (size, WIDTH), np.int8)
    return x @ ((2.0 * bits - 1) / np.sqrt(WIDTH))
