"""Check what is often said of these gradients: `python docs/claims > docs/claims.md`.

With the name of a claim, such as `python docs/claims frequency`, only that one is measured.
"""

import sys

from checking import claims
from page import page

import estimators

if __name__ == "__main__":
    if unknown := [name for name in sys.argv[1:] if name not in claims]:
        sys.exit(estimators.unknown("claim", unknown[0], claims))
    for line in page(sys.argv[1:]):
        print(line, flush=True)
