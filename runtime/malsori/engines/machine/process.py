"""What engines ask of the whole process: how CTranslate2's threads wait, one heap, and models that outlive a fork."""

from __future__ import annotations

import ctypes
import os
import sys
import weakref
from collections.abc import Callable
from typing import Any

POLICY = "OMP_WAIT_POLICY"
CHOICES = (POLICY, "GOMP_SPINCOUNT", "KMP_BLOCKTIME")  # what users of OpenMP say this with


def ctranslate2() -> Any:
    """Return CTranslate2, imported with threads that sleep, unless the environment says how they wait.

    Its OpenMP is a copy of its own, which reads the environment once, when it is loaded: the setting is taken back, so
    that neither the rest of the program nor what it starts sees any of it.
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


M_ARENA_MAX = -8  # of glibc's malloc.h


def share_heap() -> None:
    """Let all threads share one heap. For a process of our own: a library must not decide that for others.

    What a large array leaves free in one heap is of no use to another: three minutes of speech take stock base 75 MB
    more with several, in the same time.
    """
    _call("mallopt", M_ARENA_MAX, 1)


def release_free_memory() -> None:
    """Give what is free in all heaps back to the system; it takes milliseconds.

    Of six threads that draw in turn each kept some of the copies of tiny.en's weights that had gone: 0.5 GB for 0.26.
    """
    _call("malloc_trim", 0)


def _call(name: str, *numbers: int) -> None:
    """Call a function of the system's C library, where it has it."""
    try:
        function = getattr(ctypes.CDLL(None), name)
    except (AttributeError, OSError, TypeError):  # musl and macOS have none; Windows has no library of that name
        return
    function(*numbers)


_LOADED: weakref.WeakKeyDictionary[Any, Callable[[Any], Any]] = weakref.WeakKeyDictionary()


def keep_in_forks(owner: Any, loaded: Callable[[Any], Any]) -> None:
    """Have what `loaded(owner)` gives at the time of a fork never freed in the forked process."""
    _LOADED[owner] = loaded


def _keep() -> None:
    for owner, loaded in list(_LOADED.items()):
        ctypes.pythonapi.Py_IncRef(ctypes.py_object(loaded(owner)))


if hasattr(os, "register_at_fork"):  # Windows has no forks
    os.register_at_fork(after_in_child=_keep)
