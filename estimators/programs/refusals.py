"""What is refused or fails inside a program, as one sentence with the node's name."""

from estimators.core import Unsupported
from estimators.programs.draws import ModelError


class At:
    """A context that puts the node's name in front of what is refused inside."""

    __slots__ = ("name",)

    def __init__(self, name: str):
        self.name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind, refusal, trace) -> None:
        if isinstance(refusal, Unsupported) and not str(refusal).startswith("Node "):
            raise Unsupported(f"Node {self.name!r}: {refusal}") from refusal


def readable(failure: RuntimeError) -> Exception:
    """A sentence for a model that branches on a draw; other failures as they are."""
    if "Boolean value of Tensor" not in str(failure):
        return failure
    return ModelError(
        "The model branches on a draw, of which there are many at once: which nodes there are must "
        "not depend on it. Compute both sides and choose with torch.where(b > 0, one, other)."
    )
