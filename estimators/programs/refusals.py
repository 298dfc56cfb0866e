"""What is refused or fails inside a program, as one sentence with the node's name."""

from collections.abc import Iterator
from contextlib import contextmanager

from estimators.core import Unsupported
from estimators.programs.draws import ModelError


@contextmanager
def named(name: str) -> Iterator[None]:
    """Put the node's name in front of what is refused inside."""
    try:
        yield
    except Unsupported as refusal:
        if str(refusal).startswith("Node "):
            raise
        raise Unsupported(f"Node {name!r}: {refusal}") from refusal


def readable(failure: RuntimeError) -> Exception:
    """A sentence for a model that branches on a draw; other failures as they are."""
    if "Boolean value of Tensor" not in str(failure):
        return failure
    return ModelError(
        "The model branches on a draw, of which there are many at once: which nodes there are must "
        "not depend on it. Compute both sides and choose with torch.where(b > 0, one, other)."
    )
