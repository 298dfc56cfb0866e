"""Loops in C, compiled by the machine's own compiler when one is first asked for.

They take a part of the time of the operations of torch or NumPy that they stand for, and who asks
for one has a way of its own where there is none. What is compiled is kept in the user's cache, by
source, compiler, C library and processor.
"""

import ctypes
import hashlib
import os
import platform
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from itertools import takewhile
from operator import index
from pathlib import Path

from numpy import ndarray
from torch import Tensor

HERE = Path(__file__).parent
COMPILERS = ("cc", "gcc", "clang")
OPTIONS = [
    *("-std=c11", "-O3", "-shared", "-fPIC", "-fvisibility=default", "-fno-fast-math"),
    *("-fno-math-errno", "-fno-trapping-math", "-ffp-contract=off"),  # the bits of the source,
    "-fopenmp-simd",  # but for sums whose order it says is free
]
NATIVE = (["-march=native"], [])  # the second where a compiler does not know it
PATIENCE = 120  # seconds for the compiler
Given = Tensor | ndarray | int | None  # int64_t, or a pointer to the first number


def available() -> bool:
    """Whether there are loops: where a C compiler is, and makes them."""
    return _library() is not None


def loop(name: str) -> Callable[..., int]:
    """The loop of that name, in the C beside this file; arrays are contiguous, of the type there.

    Only where loops are `available`.
    """
    function = getattr(_library(), name)

    def call(*given: Given) -> int:
        return function(*map(_argument, given))

    return call


def compiler() -> list[str] | None:
    """The command of the C compiler, which the environment's `CC` may name; None without one."""
    try:
        wish = shlex.split(os.environ.get("CC", ""))
    except ValueError:  # an open quotation
        return None
    for command in [wish] if wish else [[name] for name in COMPILERS]:
        found = shutil.which(command[0])
        if found:
            return [found, *command[1:]]
    return None


def _argument(given: Given) -> ctypes.c_int64 | ctypes.c_void_p:
    if isinstance(given, Tensor):
        if given.device.type != "cpu" or not given.is_contiguous():
            where = f"{given.stride()} strides on {given.device}"
            raise TypeError(f"Loops in C are for tensors in one piece on the CPU, not {where}.")
        return ctypes.c_void_p(given.data_ptr())
    if isinstance(given, ndarray):
        if not given.flags.c_contiguous:
            raise TypeError(f"Loops in C are for arrays in one piece, not {given.strides} strides.")
        return ctypes.c_void_p(given.ctypes.data)
    return ctypes.c_void_p() if given is None else ctypes.c_int64(index(given))


@cache
def _library() -> ctypes.CDLL | None:
    """All loops; None where they cannot be compiled or loaded."""
    command = compiler()
    if command is None:
        return None
    with suppress(OSError, RuntimeError):  # RuntimeError: nobody's home
        return _kept(command)
    with suppress(OSError), tempfile.TemporaryDirectory() as folder:  # for this process alone
        return _opened(_compiled(command, Path(folder)))
    return None


def _kept(command: list[str]) -> ctypes.CDLL:
    """The library in the cache, compiled if it is not there; a torn one would end the process."""
    folder, name = _cache(), f"loops-{_identity(command)}-"
    for path in folder.glob(f"{name}*.so"):
        if path.stem == name + _digest(path.read_bytes()):
            return _opened(path)
        path.unlink()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as place:
        made = _compiled(command, Path(place))
        library = _opened(made)
        os.replace(made, folder / f"{name}{_digest(made.read_bytes())}.so")
    return library


def _opened(path: Path) -> ctypes.CDLL:
    """The library there; OSError where it is none, or has no loops."""
    library = ctypes.CDLL(str(path))
    if not hasattr(library, "take_in"):
        raise OSError(f"{path} has no loops.")
    return library


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "gradmeter")


def _identity(command: list[str]) -> str:
    """What the machine code depends on: source, compiler, C library and processor."""
    sources = [path.read_text() for path in sorted(HERE.glob("*.[ch]"))]
    built = os.stat(command[0])
    made = command, OPTIONS, built.st_size, built.st_mtime_ns
    parts = sources, made, platform.libc_ver(), _processor()
    return _digest(repr(parts).encode())


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _processor() -> list[str]:
    """What says which instructions it has."""
    with suppress(OSError), open("/proc/cpuinfo") as lines:
        first = takewhile(str.strip, lines)
        return [line for line in first if line.split(":")[0].strip() in ("flags", "Features")]
    return [platform.machine(), platform.processor()]


def _compiled(command: list[str], folder: Path) -> Path:
    """The library in `folder`; OSError where the compiler does not make it."""
    out = folder / "loops.so"
    sources = [str(path) for path in sorted(HERE.glob("*.c"))]
    for native in NATIVE:
        whole = [*command, *OPTIONS, *native, "-o", str(out), *sources, "-lm"]
        with suppress(subprocess.SubprocessError):
            subprocess.run(whole, check=True, capture_output=True, timeout=PATIENCE)
            return out
    raise OSError(f"{command[0]} compiles no loops.")
