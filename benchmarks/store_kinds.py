"""Which types the fields of a record may have, checked once per shape of a record.

Records come by the million and are of few shapes, so that the check is a look-up. Standard library
only.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

LARGEST = 2**63  # of whole numbers, as the columns of a frame hold them
NULL = type(None)
NUMBER, WHOLE, TEXT, FLAG = {int, float}, {int}, {str}, {bool}
NAMES = {int: "a number", float: "a number", str: "text", bool: "true or false", list: "a list"}
NAMES |= {NULL: "null", dict: "an object"}
SCALARS = frozenset({int, float, str, bool, NULL})
NUMBERS = frozenset({int, float, NULL})


@dataclass(frozen=True, eq=False)  # hashed for every record: by its identity
class Kinds:
    """The types of the known fields, and which of them may not be null."""

    fields: Mapping[str, frozenset[type]]
    required: frozenset[str] = frozenset()
    others: frozenset[type] = SCALARS  # what fields that are not known may be

    def mistake(self, record: Mapping) -> str | None:
        """What is wrong with a mapping, as part of a sentence; None if nothing is."""
        wrong, whole, lists = _shape(self, tuple(record), tuple(map(type, record.values())))
        if wrong is not None:
            return wrong
        for name in whole:
            if not -LARGEST <= record[name] < LARGEST:
                return f"{name} is too large"
        for name in lists:
            allowed = NUMBERS if name in self.fields else SCALARS
            if not allowed.issuperset(set(map(type, record[name]))):
                return f"{name} holds something else than numbers"
        return None


@lru_cache(maxsize=128)
def _shape(
    kinds: Kinds, names: tuple[str, ...], types: tuple[type, ...]
) -> tuple[str | None, tuple[str, ...], tuple[str, ...]]:
    """What is wrong with every record of one shape, and its fields of whole numbers and lists."""
    found = dict(zip(names, types, strict=True))
    for name in kinds.required:
        if found.get(name, NULL) is NULL:
            return f"it has no {name}", (), ()
    for name, kind in found.items():
        allowed = kinds.fields.get(name, kinds.others)
        if kind is not NULL and kind not in allowed:
            expected = " or ".join(sorted({NAMES[one] for one in allowed if one is not NULL}))
            return f"{name[:40]} is {NAMES[kind]}, not {expected}", (), ()
    whole = tuple(name for name, kind in found.items() if kind is int)
    return None, whole, tuple(name for name, kind in found.items() if kind is list)
