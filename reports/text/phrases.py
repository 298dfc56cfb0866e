"""Counts and lists in words."""

NAMED = 3  # how many examples a sentence names before it counts the rest


def listed(items: list[str], named: int = NAMED) -> str:
    """`a, b and c`, or `a, b, c and 4 more`."""
    items = [str(item) for item in items]
    if len(items) > named + 1:
        items = [*items[:named], f"{len(items) - named} more"]
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def counted(count: int, noun: str) -> str:
    """`1 cell`, `3 cells`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"
