"""From a store to pandas frames, and what follows from those."""
