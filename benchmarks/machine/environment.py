"""Where and when a record was made: what may explain a difference, but does not identify it."""

import hashlib
import json
import os
import platform
import subprocess
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

import numpy
import torch

_files: dict[str, str] = {}  # that were run first: by path the checksum


def note_file(path: Path) -> None:
    """Say in every later context that a user's file was run."""
    _files[str(path.resolve())] = hashlib.sha256(path.read_bytes()).hexdigest()[:16]


def context() -> dict:
    """Commit of this code, time, host, processors, threads and versions, as plain values."""
    return {
        "commit": _git("rev-parse", "HEAD"),
        "dirty": bool(_git("status", "--porcelain", "--untracked-files=no")),
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "host": platform.node(),
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "gpu": torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        "threads": 1,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "gradmeter": metadata.version("gradmeter"),
        "platform": platform.platform(),
        "plugins": json.dumps(list(_files.items())) if _files else None,
    }


def _git(*arguments: str) -> str | None:
    """What git says about the folder of this code; None for an installed package."""
    here = Path(__file__).parents[1]
    if not (here.parent / ".git").exists():
        return None
    try:
        done = subprocess.run(
            ["git", "-C", str(here), *arguments], capture_output=True, text=True, timeout=10
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    found = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(found, platform.processor())
