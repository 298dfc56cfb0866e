"""What `gradmeter doctor` looks at. Every check returns findings and raises nothing."""

import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from urllib.parse import unquote, urlparse

from packaging.requirements import Requirement

from gradmeter import origin

OLDEST = (3, 11)


@dataclass(frozen=True)
class Finding:
    """What was looked at, how it is (ok, note or wrong), and a sentence about it."""

    about: str
    state: str
    says: str


def diagnose() -> list[Finding]:
    """Every finding, in the order in which they depend on each other."""
    found = [*_packages(), *_versions()]
    if any(finding.state == "wrong" for finding in found):
        return [*found, *_folders()]  # the rest would import what was found to be wrong
    checks = _device, _threads, _folders, _compilers, _generators, _plugins
    return [*found, *(finding for check in checks for finding in check())]


def _packages() -> Iterator[Finding]:
    wrong = origin.complaint()
    yield Finding("packages", "wrong" if wrong else "ok", wrong or f"all from {origin.HOME}")
    try:
        installed = metadata.distribution("gradmeter")
    except metadata.PackageNotFoundError:
        says = "gradmeter is not installed, only found; install it with pip, for plugins"
        yield Finding("installation", "note", says)
        return
    home = _home(installed)
    if home is not None and home != origin.HOME:
        says = f"what is installed lies in {home}, what runs in {origin.HOME}"
        yield Finding("installation", "note", says)
    else:
        yield Finding("installation", "ok", f"gradmeter {installed.version}")


def _home(installed: metadata.Distribution) -> Path | None:
    """Where the installed packages lie: beside the metadata, or where an editable install says."""
    direct = json.loads(installed.read_text("direct_url.json") or "{}")
    if direct.get("dir_info", {}).get("editable"):
        return Path(unquote(urlparse(direct["url"]).path)).resolve()
    marker = installed.locate_file("gradmeter/__init__.py")
    return Path(marker).resolve().parent.parent if Path(marker).exists() else None


def _versions() -> Iterator[Finding]:
    python = platform.python_version()
    old = sys.version_info < OLDEST
    says = f"{python}; it must be {'.'.join(map(str, OLDEST))} or later" if old else python
    yield Finding("python", "wrong" if old else "ok", says)
    for line in metadata.requires("gradmeter") or ():
        needed = Requirement(line)
        optional = needed.marker is not None and not needed.marker.evaluate({"extra": ""})
        missing = "note" if optional else "wrong"
        try:
            version = metadata.version(needed.name)
        except metadata.PackageNotFoundError:
            yield Finding(needed.name, missing, f"is not installed; pip install '{needed.name}'")
            continue
        fits = needed.specifier.contains(version, prereleases=True)
        says = version if fits else f"{version}, but {needed.specifier} is needed"
        yield Finding(needed.name, "ok" if fits else missing, says)


def _device() -> Iterator[Finding]:
    import torch

    if torch.cuda.is_available():
        yield Finding("device", "ok", f"cpu and cuda ({torch.cuda.get_device_name()})")
    elif torch.version.cuda and shutil.which("nvidia-smi"):
        says = f"torch was built for CUDA {torch.version.cuda} and sees no GPU; check the driver"
        yield Finding("device", "note", says)
    else:
        yield Finding("device", "ok", "cpu only")


def _threads() -> Iterator[Finding]:
    import torch

    asked = os.environ.get("OMP_NUM_THREADS", "not set")
    says = f"{torch.get_num_threads()} of torch, {len(os.sched_getaffinity(0))} processors for us"
    yield Finding("threads", "ok", f"{says}, OMP_NUM_THREADS {asked}")


def _folders() -> Iterator[Finding]:
    for about, folder in (("working folder", Path.cwd()), ("temporary", tempfile.gettempdir())):
        try:
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"\0" * 4096)
                file.flush()
            free = shutil.disk_usage(folder).free
        except OSError as failure:
            says = f"{folder} cannot be written ({failure.strerror}); use --out elsewhere"
            yield Finding(about, "wrong", says)
            continue
        short = free < 2**28
        says = f"{folder}, {free / 2**30:.1f} GiB free"
        yield Finding(about, "note" if short else "ok", says)


def _compilers() -> Iterator[Finding]:
    from benchmarks import c_loops

    command = c_loops.compiler()
    if c_loops.available():
        yield Finding("C loops", "ok", f"compiled by {command[0]}")
    else:
        none = "CC names no compiler" if os.environ.get("CC") else "there is no C compiler"
        why = f"{command[0]} makes none" if command else none
        says = f"{why}, and measuring may take twice as long; install gcc or clang, or set CC"
        yield Finding("C loops", "note", says)
    wish = os.environ.get("CXX")
    found = next(filter(None, map(shutil.which, [wish] if wish else ["g++", "clang++"])), None)
    missing = f"{wish or 'g++'} is not there; only torch.compile needs it"
    yield Finding("compiler", "ok" if found else "note", found or missing)


def _generators() -> Iterator[Finding]:
    from benchmarks.machine import mkl_numbers

    version = mkl_numbers.installed()
    says = (
        f"torch, NumPy and, with --generator mkl, MKL {version}"
        if version
        else ("torch and NumPy; pip install 'gradmeter[fast]' for --generator mkl, on x86-64")
    )
    yield Finding("random numbers", "ok", says)


def _plugins() -> Iterator[Finding]:
    from benchmarks.objective.loading import installed_plugins

    failures = installed_plugins()
    for failure in failures:
        yield Finding("plugins", "wrong", failure)
    if not failures:
        count = len(metadata.entry_points(group="gradmeter"))
        yield Finding("plugins", "ok", f"{count} installed")
