"""What to do about a tensor of a user's that is not in the dtype that is measured."""

import re
from collections.abc import Mapping

from torch import Tensor

MIXED = re.compile("same dtype|expected scalar type|did not match|not match.*dtype", re.IGNORECASE)


def way_out(failure: BaseException, parameters: Mapping[str, Tensor]) -> str:
    """The end of a sentence about a `failure` in which dtypes met, or nothing.

    `parameters` are λ as they were given to what failed.
    """
    if not isinstance(failure, RuntimeError) or not MIXED.search(str(failure)):
        return ""
    name, value = next(iter(parameters.items()))
    dtype = str(value.dtype).removeprefix("torch.")
    return (
        f"; λ is {dtype} here, and a tensor that the family or the cost holds is not: let it "
        f"follow, as with data.to({name})"
    )
