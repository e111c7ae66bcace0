"""A window as PyAV reads it: an interrupt that lands meanwhile is kept and raised afterwards, as itself.

PyAV calls the file's methods from within FFmpeg, where nothing can be raised: it hands on an `Exception`, and drops
what is not one, KeyboardInterrupt among it, to go on as if the file ended there.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Callable, Generator
from functools import partial

from .source import Window

_SEEK = struct.Struct("<qq")  # where to, from where on
_NONE = -1  # no seek is waiting


class AvFile:
    """What `av.open` is given. `check` is to be called whenever PyAV has returned, however it did.

    Python's signal handlers run where a function of Python's begins, before its first line, so a `try` inside `read`
    comes too late (most interrupts during decoding land there, since the main thread is in C until then). The method
    `send` of a generator is none of Python's functions, and the generator goes on within its `try`. Nor is `pack_into`:
    a seek only leaves its arguments behind, for the next `read` or `tell`.
    """

    def __init__(self, window: Window) -> None:
        self._kept: list[BaseException] = []
        waiting = bytearray(_SEEK.pack(0, io.SEEK_SET))
        serving = _serve(window, waiting, self._kept)
        next(serving)
        self.read: Callable[[int | None], bytes | int] = serving.send
        self.tell: Callable[[], bytes | int] = serving.__next__
        self.seek: Callable[[int, int], None] = partial(_SEEK.pack_into, waiting, 0)

    def check(self) -> None:
        """Raise what was kept."""
        if self._kept:
            raise self._kept[0]


def _serve(window: Window, waiting: bytearray, kept: list[BaseException]) -> Generator[bytes | int, int | None, None]:
    """Answer a count with so many bytes, and None with the position; nothing but ends of file after an error."""
    position = 0
    answer: bytes | int = b""
    while True:
        try:
            while True:
                count = yield answer
                answer = b"" if count is not None else position
                offset, whence = _SEEK.unpack(waiting)
                if whence != _NONE:
                    base = {io.SEEK_CUR: position, io.SEEK_END: window.size}.get(whence, 0)
                    position = max(0, base + offset)
                    _SEEK.pack_into(waiting, 0, 0, _NONE)
                if count is None:
                    answer = position
                elif not kept:
                    answer = window.bytes_at(position, count)
                    position += len(answer)
        except GeneratorExit:
            return
        except BaseException as error:
            kept.append(error)
            answer = b""  # what was read last may be longer than what is asked for now
