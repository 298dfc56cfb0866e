"""What is registered, kept in a file: `gradmeter list` answers without importing torch.

`python -m benchmarks.kept_catalogue` writes the file; a test compares it with the registry.
"""

import json
import sys
from pathlib import Path

PATH = Path(__file__).with_name("catalogue.json")
KINDS = ("estimators", "problems", "families")


def rows(kind: str) -> list[dict]:
    """Rows about every estimator, problem or family (`kind`), as `benchmarks.catalogue` makes them.

    Where the registry is in memory, it may hold a user's too, and the rows are made of it.
    """
    if "estimators" not in sys.modules:
        return json.loads(PATH.read_text())[kind]
    from benchmarks import catalogue

    return catalogue.rows(kind)


def written() -> str:
    """The file as the registry says: JSON, one row a line."""
    from benchmarks import catalogue

    parts = [f'"{kind}": [\n{_lines(catalogue.rows(kind))}\n]' for kind in KINDS]
    return "{" + ",\n".join(parts) + "}\n"


def _lines(rows: list[dict]) -> str:
    return ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


if __name__ == "__main__":
    PATH.write_text(written())
