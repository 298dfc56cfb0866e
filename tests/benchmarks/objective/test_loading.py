"""Installed packages may contribute; a broken one is a warning and no more."""

import json
import os
import subprocess
import sys
from pathlib import Path

PLUGIN = """
import estimators
from estimators.pathwise import Pathwise

estimators.register("contributed")(Pathwise)
"""


def test_plugins_by_entry_point(tmp_path):
    (tmp_path / "contributing.py").write_text(PLUGIN)
    (tmp_path / "breaking.py").write_text("raise RuntimeError('no wheels')\n")
    info = tmp_path / "someone-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: someone\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[gradmeter]\ngood = contributing\nbad = breaking\n")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("gradmeter")), "list", "--json"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert "contributed" in {row["name"] for row in json.loads(done.stdout)}
    assert done.stderr == "warning: plugin 'bad' failed: RuntimeError: no wheels\n"
