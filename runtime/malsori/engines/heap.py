"""The heaps of the C library, of which glibc gives each thread its own: what is freed in one stays with the process."""

from __future__ import annotations

import ctypes

M_ARENA_MAX = -8  # of glibc's malloc.h


def share_heap() -> None:
    """Let all threads share one heap. For a process of our own: a library must not decide that for others.

    What a large array leaves free in one heap is of no use to another: three minutes of speech take stock base 75 MB
    more with several, in the same time.
    """
    _call("mallopt", M_ARENA_MAX, 1)


def give_back() -> None:
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
