"""What a repository is to a comparison: gradmeter's own code, or a plugin that is measured by it.

A plugin's repository says in `gradmeter.toml`, or by its entry points, what to load and how to
judge it. One installed gradmeter then measures both revisions of it.
"""

import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import msgspec

SETTINGS = "gradmeter.toml"
GROUP = "gradmeter"  # of entry points
NOTHING = """\
{place} is not gradmeter's own code, and nothing says what to measure in it: give it a \
gradmeter.toml with files = ["FILE.py"], an entry point of the group "gradmeter" in its \
pyproject.toml, or name a file of it with --with FILE.py."""


class Gate(msgspec.Struct, forbid_unknown_fields=True, rename="kebab", frozen=True):
    """What is measured and what fails, as the options of `gradmeter regress` say it.

    The table `[regress]`; what it leaves out is as it is without it, and an option that is given
    comes first.
    """

    suite: Literal["quick", "full"] | None = None
    problems: list[str] = []
    estimators: list[str] = []
    samples: list[Annotated[int, msgspec.Meta(ge=1)]] | None = None
    replicates: Annotated[int, msgspec.Meta(ge=1)] | None = None
    fail_on: list[Literal["variance", "bias", "speed", "memory"]] | None = None
    seconds: Annotated[float, msgspec.Meta(gt=0)] | None = None


class Settings(msgspec.Struct, forbid_unknown_fields=True, rename="kebab", frozen=True):
    """The file gradmeter.toml: files to run, folders to import from, both below its own."""

    files: list[str] = []
    paths: list[str] | None = None  # "src" if there is one, and the root
    regress: Gate = Gate()


@dataclass(frozen=True)
class Plugin:
    """What one checkout of a repository brings: modules by entry points, files, and its gate."""

    root: Path
    modules: tuple[str, ...]
    files: tuple[Path, ...]
    paths: tuple[Path, ...]
    gate: Gate

    @classmethod
    def at(cls, root: Path, named: Iterable[str] = ()) -> "Plugin":
        """That of the checkout in `root`; `named` are files below it that the command names.

        Raises ValueError with one sentence for a gradmeter.toml that cannot be meant.
        """
        settings = read_settings(root)
        files = tuple(_below(root, name) for name in dict.fromkeys([*settings.files, *named]))
        paths = settings.paths
        if paths is None:
            paths = ["src", "."] if (root / "src").is_dir() else ["."]
        folders = tuple(_below(root, path) for path in paths)
        return cls(root, entry_points(root), files, folders, settings.regress)

    @property
    def empty(self) -> bool:
        """Whether it says nothing of what to load."""
        return not (self.modules or self.files)

    def names(self) -> set[str]:
        """The top-level packages and modules that are imported from this checkout."""
        found = set()
        for path in self.paths:
            found |= {file.stem for file in path.glob("*.py")}
            found |= {folder.parent.name for folder in path.glob("*/__init__.py")}
        return found


def is_plugin(root: Path) -> bool:
    """Whether the checkout in `root` is somebody else's, not gradmeter's own code."""
    return (root / SETTINGS).is_file() or not is_own(root)


def is_own(root: Path) -> bool:
    """Whether the folder holds the packages of gradmeter itself."""
    return all((root / name / "__init__.py").is_file() for name in ("estimators", "benchmarks"))


def read_settings(root: Path) -> Settings:
    """The gradmeter.toml of a checkout; without one, settings that say nothing."""
    file = root / SETTINGS
    if not file.is_file():
        return Settings()
    try:
        return msgspec.convert(tomllib.loads(file.read_text()), Settings)
    except (ValueError, msgspec.ValidationError) as mistake:
        raise ValueError(
            f"{file}: {str(mistake).rstrip('.')}; it has files, paths and a table [regress] with "
            f"{', '.join(Gate.__struct_encode_fields__)}."
        ) from None


def entry_points(root: Path) -> tuple[str, ...]:
    """The modules that the checkout's pyproject.toml names under the group "gradmeter"."""
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text()).get("project", {})
    except FileNotFoundError:
        return ()
    except ValueError as mistake:
        raise ValueError(f"{root / 'pyproject.toml'}: {mistake}.") from None
    named = project.get("entry-points", {}).get(GROUP, {})
    return tuple(dict.fromkeys(point.partition(":")[0].strip() for point in named.values()))


def _below(root: Path, name: str) -> Path:
    path = (root / name).resolve()
    if not path.is_relative_to(root.resolve()):
        raise ValueError(f"{SETTINGS} of {root}: {name!r} lies outside of the repository.")
    return path
