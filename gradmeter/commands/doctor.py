"""`gradmeter doctor`"""

import json
import sys
from dataclasses import asdict

import click

from gradmeter.options import CELLS_FAILED, say

MARKS = {"ok": "ok", "note": "--", "wrong": "!!"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON document.")
def doctor(as_json: bool) -> None:
    """Say whether this installation is sound: packages, versions, device, threads, folders.

    Exit status 3 if something is wrong; what is only missing (!! is wrong, -- a note) is none.

    Example: gradmeter doctor
    """
    from gradmeter.diagnosis import diagnose

    found = diagnose()
    if as_json:
        say(json.dumps([asdict(finding) for finding in found], indent=2, ensure_ascii=False))
    else:
        width = max(len(finding.about) for finding in found)
        for finding in found:
            say(f"{MARKS[finding.state]} {finding.about:<{width}}  {finding.says}")
    sys.exit(CELLS_FAILED if any(finding.state == "wrong" for finding in found) else 0)
