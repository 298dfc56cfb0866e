"""Where `measure` stood in version 0.1; it is imported from `benchmarks` itself."""

from benchmarks.measuring.measure import measure

__all__ = ["measure"]
