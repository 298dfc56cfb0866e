"""Refusals."""


class Unsupported(Exception):
    """A refusal: one sentence naming the object, the missing ability and the way out."""
