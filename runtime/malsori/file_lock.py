"""Locks that processes hold: each is a file, and ends with its process."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

POLL = 0.2  # seconds between tries, so that Ctrl-C has an effect in between


@contextmanager
def locked(path: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of the file at `path`; `waiting` is called once where another process has it. Raises `OSError`.

    The file stays. Who holds the lock may remove it: whoever waits for it then sees that, and locks the new one.
    """
    reported = False
    while True:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)  # not inherited by what is started meanwhile
        try:
            while not _take(descriptor):
                if not reported:
                    waiting()
                    reported = True
                time.sleep(POLL)
            if _is_at(path, descriptor):
                yield
                return
        finally:
            os.close(descriptor)


def _is_at(path: Path, descriptor: int) -> bool:
    """Whether an open file is still the one at `path`."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def _take(descriptor: int) -> bool:
    try:
        import fcntl
    except ImportError:  # Windows
        return _take_on_windows(descriptor)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _take_on_windows(descriptor: int) -> bool:
    import msvcrt

    try:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
    except OSError:
        return False
    return True
