"""From a problem to a measurement."""
