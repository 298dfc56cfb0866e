"""Score-function gradients at mirrored samples of a Normal."""

from mirrored_gradients import problems  # noqa: F401  registers its problem
from mirrored_gradients.mirrored_reinforce import MirroredReinforce

__all__ = ["MirroredReinforce"]
