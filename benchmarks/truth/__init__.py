"""The exact gradient, found where it can be."""
