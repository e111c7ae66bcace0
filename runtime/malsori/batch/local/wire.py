"""What a worker process and its runner say to each other: pickles on two pipes, as both are ours."""

from __future__ import annotations

import pickle
import threading
from dataclasses import dataclass
from io import RawIOBase
from struct import Struct
from typing import Any

from ...errors import MalsoriError
from ..settings import WorkerSettings

LENGTH = Struct("!Q")
CLOSED = (EOFError, OSError, ValueError, pickle.UnpicklingError)  # what a pipe whose other end died may raise


@dataclass(frozen=True, slots=True)
class Orders:
    """The first message to a worker process. `cpus` are those that it may use, empty for all that its parent has."""

    settings: WorkerSettings
    cpus: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """A worker process has loaded its model."""


@dataclass(frozen=True, slots=True)
class ItemWanted:
    """A worker process can take an item. It is answered by one, by None for no more now, or left to wait."""


@dataclass(frozen=True, slots=True)
class ItemsDone:
    """A worker process has given a result for each item that it took, and holds none."""


@dataclass(frozen=True, slots=True)
class RunFailed:
    """A worker process raised what ends the whole run."""

    error: MalsoriError


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
