"""A limit of seconds for work that may hang in a user's code: it is cut short where it stands."""

import contextlib
import math
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType, SimpleNamespace

OWN = (__file__, contextlib.__file__)
AGAIN = 0.1  # seconds after which an alarm that was lost is given again


class TimeUp(BaseException):
    """Raised inside what is cut short; no Exception, so that nothing takes it for a failure."""


class Deadline:
    """So many `seconds` from now, by the clock on the wall: what somebody who waits will see."""

    def __init__(self, seconds: float):
        self.seconds, self.start = seconds, time.perf_counter()

    @property
    def spent(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    @property
    def left(self) -> float:
        """Seconds until the end; zero after it."""
        return max(self.seconds - self.spent, 0.0)

    def advance(self, spent: float) -> None:
        """Take it that at least so many seconds were spent, in an earlier process."""
        self.start = min(self.start, time.perf_counter() - spent)

    @contextmanager
    def at_most(self, seconds: float | None = None) -> Iterator[SimpleNamespace]:
        """Cut the block short after `seconds`, at most after what is left; `.cut` says whether.

        Where there is no alarm, outside the main thread or on Windows, the block runs to its end.
        """
        state = SimpleNamespace(cut=False)
        limit = self.left if seconds is None else min(seconds, self.left)
        try:
            with _alarm(limit):
                yield state
        except TimeUp:
            state.cut = True


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    main = threading.current_thread() is threading.main_thread()
    if not (main and hasattr(signal, "setitimer")) or math.isinf(seconds):
        yield
        return
    armed = True

    def ring(_, frame: FrameType | None) -> None:
        here = frame is not None and frame.f_code.co_filename in OWN
        if armed and not here:  # on the way in or out it would be lost
            raise TimeUp

    begun = time.perf_counter()
    handler = signal.signal(signal.SIGALRM, ring)
    later, again = signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-6), AGAIN)
    try:
        yield
    finally:
        armed = False
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if later:  # somebody else's alarm goes on
            left = max(later - (time.perf_counter() - begun), 1e-6)
            signal.setitimer(signal.ITIMER_REAL, left, again)
