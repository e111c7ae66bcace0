"""Settings of the whole process: how CTranslate2's threads wait, memory of the heap, and models in forked processes."""

from __future__ import annotations

import ctypes
import os
import sys
import weakref
from collections.abc import Callable
from typing import Any

POLICY = "OMP_WAIT_POLICY"
CHOICES = (POLICY, "GOMP_SPINCOUNT", "KMP_BLOCKTIME")  # environment variables by which users choose that for OpenMP
M_ARENA_MAX = -8  # of glibc's malloc.h
_LOADED: weakref.WeakKeyDictionary[Any, Callable[[Any], Any]] = weakref.WeakKeyDictionary()


def ctranslate2() -> Any:
    """Return CTranslate2, imported with threads that sleep while they wait, unless the environment chooses otherwise.

    Its own copy of OpenMP reads the environment once, when it is loaded; the variable is removed behind that, so that
    neither the rest of the program nor its child processes see it.
    """
    if "ctranslate2" in sys.modules or any(name in os.environ for name in CHOICES):
        import ctranslate2

        return ctranslate2
    os.environ[POLICY] = "PASSIVE"
    try:
        import ctranslate2
    finally:
        os.environ.pop(POLICY, None)
    return ctranslate2


def share_heap() -> None:
    """Let all threads share one heap of glibc. For the command's own process, not for a library.

    Memory free in one heap cannot be used by another: with several, three minutes of speech take stock base 75 MB more,
    in the same time.
    """
    _call("mallopt", M_ARENA_MAX, 1)


def release_free_memory() -> None:
    """Return the free memory of all heaps to the system; it takes milliseconds.

    Without it, six threads that load copies of tiny.en's weights in turn kept 0.5 GB instead of 0.26.
    """
    _call("malloc_trim", 0)


def _call(name: str, *numbers: int) -> None:
    """Call a function of the system's C library, where it has it."""
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):  # musl and macOS have none; Windows has no library of that name
        return
    function(*numbers)


def keep_in_forks(owner: Any, loaded: Callable[[Any], Any]) -> None:
    """Keep the object `loaded(owner)` from being freed in a forked process, where its threads are missing."""
    _LOADED[owner] = loaded


def _keep() -> None:
    for owner, loaded in list(_LOADED.items()):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(loaded(owner)))


if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(after_in_child=_keep)
