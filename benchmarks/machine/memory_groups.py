"""What the groups of a process (a container, a job of a cluster, a unit of systemd) leave it."""

from collections.abc import Iterator
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
    return min((_left(folder) for folder in dict.fromkeys(_groups())), default=NONE)


def _groups() -> Iterator[Path]:
    """The folders of the process's groups, from its own to the root, by both versions.

    In a container the root is its own group, and the path may be one of outside: then only the
    root is there.
    """
    yield CGROUP
    yield CGROUP / "memory"
    try:
        lines = OWN.read_text().splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers and "memory" not in controllers.split(","):
            continue
        root = CGROUP / "memory" if controllers else CGROUP
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
