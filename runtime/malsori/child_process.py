"""Python processes that this one starts, and the messages between the two: pickles on pipes, as both ends are ours.

Not `multiprocessing`: that would import the caller's program again, and its memory would count as the child's.
"""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from io import FileIO, RawIOBase
from struct import Struct
from typing import Any

from .errors import MalsoriError

LENGTH = Struct("!Q")
CLOSED = (EOFError, OSError, ValueError, pickle.UnpicklingError)  # what a pipe whose other end died may raise
UNPICKLABLE = (pickle.PicklingError, TypeError, AttributeError)  # what pickling a message may raise
LAST_LINES = 40
LONGEST_LINE = 300


class MessagePipes:
    """Messages on a pipe each way; any thread may send, one receives. A message is its length, then its pickle.

    The files have no buffers: the interpreter aborts when it ends while a thread waits within a buffered one.
    """

    def __init__(self, incoming: RawIOBase, outgoing: RawIOBase) -> None:
        self._incoming, self._outgoing = incoming, outgoing
        self._lock = threading.Lock()

    def send(self, message: Any) -> None:
        """Send a message whole. Raises `OSError` or `ValueError` where the other end is gone."""
        packed = pickle.dumps(message)  # first, so that what cannot be pickled leaves no half of it on the pipe
        left = memoryview(LENGTH.pack(len(packed)) + packed)
        with self._lock:
            while left:
                left = left[self._outgoing.write(left) :]

    def receive(self) -> Any:
        """Return the next message. Raises one of `CLOSED` where there is none any more."""
        (length,) = LENGTH.unpack(self._exactly(LENGTH.size))
        return pickle.loads(self._exactly(length))

    def _exactly(self, count: int) -> bytes:
        found = bytearray()
        while len(found) < count:
            piece = self._incoming.read(count - len(found))
            if not piece:
                raise EOFError
            found += piece
        return bytes(found)


def program_calling(entry: str) -> str:
    """Return a program for `python -c` that calls a function, named as `module:name`, and imports what we import.

    Not `-m`: that would look for modules in the current folder, which may be one of recordings of anybody's.
    """
    module, _, name = entry.partition(":")
    return f"import sys; sys.path[:] = {sys.path!r}; from {module} import {name}; {name}()"


def pipe_of(process: subprocess.Popen[bytes], name: str) -> FileIO:
    """Return a pipe of a process that was started with `bufsize=0`: its `stdin`, `stdout` or `stderr`."""
    pipe: FileIO = getattr(process, name)
    return pipe


def pipes_to(process: subprocess.Popen[bytes]) -> MessagePipes:
    """Return the pipes to a process that was started with `bufsize=0`."""
    return MessagePipes(pipe_of(process, "stdout"), pipe_of(process, "stdin"))


def pipes_to_parent() -> MessagePipes:
    """Return the pipes to the process that has started this one; what libraries print goes to stderr from now on."""
    incoming, outgoing = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return MessagePipes(FileIO(incoming, "rb"), FileIO(outgoing, "wb"))


def picklable(error: MalsoriError) -> MalsoriError:
    """Return the error, or one with its message where it holds what cannot be pickled."""
    try:
        pickle.dumps(error)
    except UNPICKLABLE:
        return MalsoriError(str(error))
    return error


def end_of_process(code: int) -> str:
    """Return how a process has ended, by its exit code: `ended with exit code 3`, `was ended by SIGABRT`."""
    if code >= 0:
        return f"ended with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    return f"was ended by {name}" + (", as the system does when memory is short" * (name == "SIGKILL"))


class LastLines:
    """The last lines that a process has written to stderr, for the message when it dies; `tell` gets each."""

    def __init__(self, tell: Callable[[str], None] = lambda line: None) -> None:
        self._lines: deque[str] = deque(maxlen=LAST_LINES)
        self._tell = tell

    def keep(self, pipe: RawIOBase) -> None:
        """Read a pipe until it is closed."""
        rest = b""
        while piece := pipe.read(1 << 16):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                self._keep(line)
            rest = rest[-LONGEST_LINE:]
        if rest:
            self._keep(rest)

    @property
    def last(self) -> str:
        """The last line; of a crash the line that says of what, above the traceback."""
        said = [line.strip() for line in self._lines if line.strip()]
        fatal = [line for line in said if line.startswith("Fatal Python error")]
        return (fatal or said or [""])[-1]

    def _keep(self, line: bytes) -> None:
        text = line.decode("utf-8", "replace").rstrip()
        self._lines.append(text[:LONGEST_LINE])
        self._tell(text)
