"""What the groups of a process (a container, a job of a cluster, a unit of systemd) leave it."""

from collections.abc import Iterator
from functools import cache
from pathlib import Path

CGROUP = Path("/sys/fs/cgroup")
OWN = Path("/proc/self/cgroup")
NONE = 2**62  # bytes left where nothing limits: more than there are
# The files of one group in version 2 and in version 1 of Linux's control groups: the most, what is
# held, and in memory.stat what the system keeps of files, which is given back.
VERSIONS = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def left_in_groups() -> int:
    """Bytes that every group which the process is in still lets it take; NONE without a limit."""
    try:
        own = OWN.read_text()
    except OSError:
        own = ""
    return min((_left(folder) for folder in _groups(own, CGROUP)), default=NONE)


@cache
def _groups(own: str, top: Path) -> tuple[Path, ...]:
    """The folders of the process's groups that are there, from its own to the root, by versions.

    In a container the root is its own group, and the path may be one of outside: then only the
    root is there.
    """
    return tuple(filter(Path.is_dir, dict.fromkeys(_named(own, top))))


def _named(own: str, top: Path) -> Iterator[Path]:
    yield top
    yield top / "memory"
    for line in own.splitlines():
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = top / "memory" if controllers else top
        folder = root / path.strip("/")
        yield folder
        yield from (parent for parent in folder.parents if parent.is_relative_to(root))


def _left(folder: Path) -> int:
    for most, held, kept in VERSIONS:
        try:
            limit = int((folder / most).read_text())
            taken = int((folder / held).read_text())
            stat = (folder / "memory.stat").read_text().splitlines()
            given_back = int(dict(line.split() for line in stat).get(kept, 0))
            return max(limit - taken + given_back, 0)
        except (OSError, ValueError):  # no group of this version, or "max", which is no limit
            continue
    return NONE
