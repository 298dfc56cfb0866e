"""The two sides of a comparison as running code: a worktree each, and a worker in it."""

import atexit
import os
import pickle
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from benchmarks.machine import allocator, timing
from benchmarks.regression.repository import SETTINGS, entry_points, is_own
from benchmarks.regression.signals import interruptible, undisturbed

WORKER = Path(__file__).with_name("worker.py")
HOME = Path(__file__).resolve().parents[2]  # all packages of this gradmeter lie in it


class WorkerFailed(ValueError):
    """The worker of one side stopped: the wrong code, or a revision it cannot work with."""


class WorkerKilled(WorkerFailed):
    """The worker was ended by a signal: the code under test crashed, or took too much memory."""


@dataclass(frozen=True)
class Code:
    """One side: the checkout in `root`, and files to run in it.

    `repository` is the working copy of somebody else's repository, whose plugin is measured; None
    for gradmeter's own code, which measures itself.
    """

    root: Path
    plugins: tuple[str, ...] = ()
    repository: Path | None = None

    @property
    def path(self) -> str:
        """PYTHONPATH of its worker: its own packages come first, a plugin's are put there later."""
        before = os.environ.get("PYTHONPATH")
        places = [str(self.root), before] if self.repository is None else [before, str(HOME)]
        return os.pathsep.join(place for place in places if place)

    @property
    def arguments(self) -> list[str]:
        """Of worker.py."""
        plugin = [] if self.repository is None else [str(HOME), str(self.repository)]
        return [str(self.root), *plugin]


class Worker:
    """A process that measures with one side's `code`; see `worker.Work` for its requests.

    It stays on the processor `cpu`, if one is given. Raises WorkerFailed where it has ended.
    """

    def __init__(self, code: Code, cpu: int | None = None):
        self.code, self.cpu = code, cpu
        self.start()

    def start(self) -> None:
        """Start the process; once it has been killed, another."""
        ours = {"PYTHONPATH": self.code.path, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
        environment = os.environ | allocator.ENVIRONMENT | ours
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 closed in `close`
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(WORKER), *self.code.arguments],
            cwd=self.code.root,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C is for the one who asks
        )
        if self.cpu is not None:
            timing.pin(self._process.pid, {self.cpu})

    def ask(self, request: str, **arguments) -> None:
        """Send a request; its answer is fetched with `answer`."""
        with suppress(BrokenPipeError):  # `answer` says why
            pickle.dump((request, arguments), self._process.stdin)
            self._process.stdin.flush()

    def answer(self):
        """What the worker answers to the oldest request that is open."""
        try:
            good, value = pickle.load(self._process.stdout)
        except (EOFError, pickle.UnpicklingError):
            status = self._process.wait()
            if status < 0:
                name = signal.Signals(-status).name
                raise WorkerKilled(f"The process that measured it was ended by {name}.") from None
            raise WorkerFailed(self._last_words()) from None
        if not good:
            raise WorkerFailed(f"The code in {self.code.root} cannot be measured: {value}")
        return value

    def __call__(self, request: str, **arguments):
        self.ask(request, **arguments)
        return self.answer()

    def load(self) -> dict:
        """What its code has registered, after running its files."""
        return self("about", plugins=list(self.code.plugins))

    def restart(self) -> None:
        """Another process in place of this one, with its code loaded."""
        self.close()
        self.start()
        self.load()

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for file in (self._process.stdin, self._process.stdout, self._errors):
            with suppress(BrokenPipeError):
                file.close()

    def _last_words(self) -> str:
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines() or ["no message"]
        traceback = any(line.startswith("Traceback") for line in lines)
        why = f"The worker in {self.code.root} stopped: {lines[-1]}" if traceback else lines[-1]
        return why.strip()


@contextmanager
def workers(*sides: Code, cpu: int | None = None) -> Iterator[list[Worker]]:
    """A worker for each side, started side by side on one processor, ended on leaving."""
    with ExitStack() as stack:
        started = []
        for code in sides:
            started.append(Worker(code, cpu))
            stack.callback(started[-1].close)
        yield started


@contextmanager
def checkouts(names: Sequence[str], repository: Path) -> Iterator[list[Path]]:
    """The folders that hold the named revisions: a worktree each, removed on leaving.

    A folder with the code stands for itself. Within, SIGTERM raises KeyboardInterrupt
    as ctrl-C does; neither leaves a worktree behind. ValueError for a name that is no revision.
    """
    with interruptible(), tempfile.TemporaryDirectory(prefix="gradmeter-") as folder:
        places = [(Path(folder) / place).resolve() for place in ("base", "head")]  # of one length
        removals = [partial(_remove, repository, root) for root in places]
        for removal in removals:
            atexit.register(removal)  # for an interruption just where `finally` begins
        try:
            with undisturbed():
                roots = [_checkout(*pair, repository) for pair in zip(names, places, strict=True)]
            yield roots
        finally:
            with undisturbed():
                for removal in removals:
                    removal()
                    atexit.unregister(removal)


def _checkout(name: str, place: Path, repository: Path) -> Path:
    """The folder with the code of one side: its own, or a worktree at `place`."""
    if is_checkout(name):
        return Path(name).resolve()
    commit = commit_of(name, repository)
    try:
        git(repository, "worktree", "add", "--detach", str(place), commit)
    except subprocess.CalledProcessError as failure:
        said = failure.stderr.strip().splitlines() or ["no message"]
        raise ValueError(f"git could not check out {name!r}: {said[-1]}") from None
    return place


def _remove(repository: Path, root: Path) -> None:
    """Remove a worktree from the folder and from git's list, if it is there."""
    with undisturbed(), suppress(subprocess.CalledProcessError):
        git(repository, "worktree", "remove", "--force", str(root))


def is_checkout(name: str) -> bool:
    """Whether the name is a folder with the code under test, gradmeter's own or a plugin."""
    folder = Path(name)
    return is_own(folder) or (folder / SETTINGS).is_file() or bool(entry_points(folder))


def commit_of(name: str, repository: Path) -> str:
    """The commit that a revision stands for. ValueError if there is none."""
    try:
        return git(repository, "rev-parse", "--verify", "--quiet", f"{name}^{{commit}}")
    except subprocess.CalledProcessError:
        raise ValueError(
            f"{name!r} is no git revision of {repository.resolve()}, no result store and no "
            "checkout; give a commit, a branch, a folder with records.jsonl, or one with the code."
        ) from None


def git(repository: Path, *arguments: str) -> str:
    """What git answers; CalledProcessError if it fails."""
    done = subprocess.run(
        ["git", "-C", str(repository), *arguments], capture_output=True, text=True, check=True,
        start_new_session=True,  # ctrl-C must not stop it halfway
    )  # fmt: skip
    return done.stdout.strip()
