"""The contract of a live source (`LiveSource`, `Captured`), and what its kinds share: devices, the inbox of blocks.

The sources are in the files beside it.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from ...errors import AudioError, NoMicrophone

SEE = "malsori live --list-devices shows them"
HELD_S = 30.0  # seconds of sound that are kept for a reader that is late
UNREAD = "nobody read it in time"


def _nothing() -> NDArray[np.generic]:
    return np.zeros(0, np.int16)


@dataclass(frozen=True, slots=True)
class Captured:
    """A block of sound, and what happened before it.

    `samples` are int16 or float32, `(frames,)` or `(frames, channels)`, at the source's rate; none when none came in
    time. `lost` frames were lost just before them, for `reason`. `trouble` is an error after which the source goes on.
    `mended` has a line for each kind of fault that was mended in the sound so far.
    """

    samples: NDArray[np.generic] = field(default_factory=_nothing)
    lost: int = 0
    reason: str = ""
    trouble: AudioError | None = None
    mended: tuple[str, ...] = ()


class LiveSource(Protocol):
    """Sound in blocks while it is recorded. To be read by one thread."""

    name: str
    rate: int  # Hz; the same from the first block to the last
    channels: int
    patient: bool  # whether sound waits for a reader that is late, as in a pipe

    def read(self, timeout: float) -> Captured | None:
        """Return the next block, waiting up to `timeout` seconds for it; None at the end of the sound.

        Raises `AudioError` when no more can be read.
        """
        ...

    def close(self) -> None:
        """Close the source; sound that was not read is lost."""
        ...


@dataclass(frozen=True, slots=True)
class InputDevice:
    """A microphone, chosen by its number or name; `rate` is its own in Hz, 0 where unknown."""

    number: int
    name: str
    channels: int = 0
    rate: int = 0
    default: bool = False
    note: str = ""


def pick(devices: Sequence[InputDevice], wanted: int | str) -> InputDevice:
    """Return the device with that number or name, else the first whose name contains it.

    Raises `NoMicrophone` for none.
    """
    text = str(wanted).strip()
    if text.isdigit():
        found = [device for device in devices if device.number == int(text)]
    else:
        named = [device for device in devices if device.name == text]
        found = named or [device for device in devices if text.casefold() in device.name.casefold()]
    if not found or not text:
        names = ", ".join(f"{device.number} {device.name}" for device in devices) or "none"
        raise NoMicrophone(f"microphone {text!r}", f"a number or a part of a name; {SEE}", f"these: {names}")
    return found[0]


class Inbox:
    """Queue of up to `limit` frames from a recording thread to its reader; more drop the oldest, which leaves a gap.

    `heard` is when the last block came (monotonic seconds), `overruns` the number of blocks dropped.
    """

    def __init__(self, limit: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = limit
        self._clock = clock
        self._blocks: deque[Captured] = deque()
        self._frames = 0
        self._dropped = 0  # frames, before the oldest block
        self._closed = False
        self._changed = threading.Condition()
        self.heard = clock()
        self.overruns = 0

    def put(self, samples: NDArray[np.generic], lost: int = 0, reason: str = "") -> None:
        """Append a block, which must not be written to any more, without waiting."""
        with self._changed:
            self._blocks.append(Captured(samples, lost, reason))
            self._frames += len(samples)
            self.heard = self._clock()
            while self._frames > self._limit and len(self._blocks) > 1:
                self._drop()
            self._changed.notify()

    def take(self, timeout: float) -> Captured | None:
        """Return the oldest block, an empty one when none comes in time, None when the inbox is closed and empty."""
        with self._changed:
            self._changed.wait_for(lambda: self._blocks or self._closed, timeout)
            if not self._blocks:
                return None if self._closed else Captured()
            block = self._blocks.popleft()
            self._frames -= len(block.samples)
            if self._dropped:
                block = Captured(block.samples, block.lost + self._dropped, UNREAD)
                self._dropped = 0
            return block

    def close(self) -> None:
        """Note that no more blocks will come; those held can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def _drop(self) -> None:
        oldest = self._blocks.popleft()
        self._frames -= len(oldest.samples)
        self._dropped += oldest.lost + len(oldest.samples)
        self.overruns += 1
