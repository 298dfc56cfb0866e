"""Whether the packages that would be imported are this distribution's.

Somebody's own folder `benchmarks`, in the working directory or on PYTHONPATH, comes before ours.
"""

import importlib.util
import sys
from pathlib import Path

PACKAGES = ("estimators", "benchmarks", "reports")
HOME = Path(__file__).resolve().parent.parent  # all of ours lie beside this one


def strangers() -> dict[str, str]:
    """The packages that are not ours, with the place they would come from. Imports nothing."""
    found = {}
    for name in PACKAGES:
        module = sys.modules.get(name)
        spec = module.__spec__ if module else importlib.util.find_spec(name)
        places = list(spec.submodule_search_locations or [spec.origin]) if spec else ["nowhere"]
        if [Path(place).resolve() for place in places] != [HOME / name]:
            found[name] = ", ".join(map(str, places))
    return found


def complaint() -> str | None:
    """One sentence about packages that are not ours; None if all are."""
    found = strangers()
    if not found:
        return None
    wrong = ", ".join(f"{name} from {place}" for name, place in found.items())
    return (
        f"Python would import {wrong}, which is not gradmeter's (that lies in {HOME}); run it from "
        "another folder, or take that one off PYTHONPATH."
    )
