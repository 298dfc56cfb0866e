"""What a problem in a file is made of: code that the file imports, and numbers that it holds."""

import hashlib
import sys
import sysconfig
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from types import FunctionType, MethodType, ModuleType

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

DEEP = 6  # containers and closures inside of each other that are opened
MOST = 100_000  # parts that are looked at: longer lists count as far as that
WITH = " with "  # between the text of a file and the rest, in a problem's version
OURS = {"benchmarks", "estimators", "reports", "gradmeter"}  # whose commit is in every record
INSTALLED = tuple({Path(sysconfig.get_path(kind)) for kind in ("stdlib", "platlib", "purelib")})


def digest(problem: object, module: ModuleType) -> str:
    """A short text that changes with what the numbers of a problem depend on.

    - `problem`: whose functions, parameters and data are looked through.
    - `module`: where it stands. Its text and those of what it imports from files that are not
      installed count; and tensors, arrays, networks and numbers in them as values. Texts that are
      values do not: they may be places on this machine.
    """
    modules = _imported(module)
    found = hashlib.sha256()
    for one in modules:
        found.update(Path(one.__file__).read_bytes())
    values = [problem, *(vars(one) for one in modules)]
    for part in _Walk().parts(values, DEEP):
        found.update(part)
    return found.hexdigest()[:12]


def edition(version: int | str | None) -> int | str | None:
    """The part of a problem's version that its file's text or its author sets."""
    return version.partition(WITH)[0] if isinstance(version, str) else version


def _imported(module: ModuleType) -> list[ModuleType]:
    """A module, and those of the user that its names come from, in the order in which they show."""
    found = [module]
    for one in found:
        for value in [*vars(one).values()]:
            name = getattr(value, "__module__", None)
            source = value if isinstance(value, ModuleType) else sys.modules.get(name or "")
            if is_a_users(source) and source not in found:
                found.append(source)
    return found


def is_a_users(module: ModuleType | None) -> bool:
    """Whether a module is a file that is neither installed nor this package's."""
    place = getattr(module, "__file__", None)
    if not isinstance(place, str) or not place.endswith(".py"):
        return False
    if module.__name__.partition(".")[0] in OURS:
        return False
    return not any(Path(place).is_relative_to(folder) for folder in INSTALLED)


class _Walk:
    """Goes through values, containers and objects once each, and gives the bytes of numbers."""

    def __init__(self):
        self.seen: dict[int, object] = {}  # held, so that no number is given twice
        self.count = 0

    def parts(self, value: object, deep: int) -> Iterator[bytes]:
        self.count += 1
        if deep < 0 or self.count > MOST:
            return
        if isinstance(value, int | float | complex | np.generic | None):
            yield f"{value!r} ".encode()
            return
        if id(value) in self.seen:
            return
        self.seen[id(value)] = value
        if hasattr(value, "__array__") and not isinstance(value, type):
            yield _bytes_of(value)
            return
        for part in _inside(value):
            yield from self.parts(part, deep - 1)


def _inside(value: object) -> Iterable[object]:
    """What a value is made of; nothing where that is somebody else's object."""
    if isinstance(value, dict):
        return [part for name, part in value.items() if not str(name).startswith("__")]
    if isinstance(value, list | tuple):
        return value
    if isinstance(value, nn.Module):
        return [*value.state_dict().values(), _plain(value)]
    if isinstance(value, DataLoader):
        return [value.dataset, value.batch_size]
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, MethodType):
        return [value.__self__]
    if isinstance(value, FunctionType):
        return _held_by(value)
    if isinstance(value, type):
        return [dict(vars(value))] if is_a_users(sys.modules.get(value.__module__)) else []
    if isinstance(value, ModuleType):
        return []
    return [vars(value)] if hasattr(value, "__dict__") else []


def _plain(network: nn.Module) -> dict[str, object]:
    """The attributes of a network that are no part of its state."""
    return {name: part for name, part in vars(network).items() if not name.startswith("_")}


def _held_by(function: FunctionType) -> list[object]:
    """What a function holds: its defaults, and what it was made around."""
    held = [function.__defaults__, function.__kwdefaults__]
    for cell in function.__closure__ or ():
        try:
            held.append(cell.cell_contents)
        except ValueError:  # nothing is in it yet
            continue
    return held


def _bytes_of(value: object) -> bytes:
    """The numbers of a tensor, an array or a table; their types and shape where they have none."""
    said = f"{getattr(value, 'dtype', '')} {tuple(getattr(value, 'shape', ()))}".encode()
    try:
        if isinstance(value, Tensor):
            value = value.detach().cpu().contiguous().view(-1).view(torch.uint8)
        array = np.asarray(value)
        return said + (b"" if array.dtype.hasobject else array.tobytes())
    except (RuntimeError, TypeError, ValueError):
        return said
