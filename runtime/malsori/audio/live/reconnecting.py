"""Opens a microphone with sounddevice, or else arecord, and opens it again when it was lost.

A loss is reported once, and the time without the microphone becomes a gap on the clock.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any, Protocol

from ...errors import AudioError, MicrophoneLost, NoMicrophone
from .arecord import PROGRAM, Arecord, arecord_devices
from .capture import Captured, InputDevice, LiveSource
from .microphone import Microphone, microphones, rescan, sounddevice

FIRST_S, LONGEST_S = 0.5, 10.0  # seconds between two tries; each wait is twice the one before
AWAY = "the microphone was away"
INSTALL = "pip install 'malsori[mic]', or the package alsa-utils for arecord"


class Recorder(LiveSource, Protocol):
    """A source that raises `MicrophoneLost`; `heard` is when it last gave sound, in monotonic seconds."""

    @property
    def heard(self) -> float: ...


class Reconnecting:
    """Reads from the source `first`; when it is lost, from sources that `connect` opens.

    `connect` is called until it raises no `AudioError`. It must return a source of the same rate and channels.
    """

    patient = False

    def __init__(
        self,
        first: Recorder,
        connect: Callable[[], Recorder],
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.name, self.rate, self.channels = first.name, first.rate, first.channels
        self._connect, self._clock, self._sleep = connect, clock, sleep
        self._source: Recorder | None = first
        self._gone: Recorder | None = None  # lost, and not yet closed
        self._wait = FIRST_S
        self._retry = 0.0  # when the next try is due
        self._accounted = 0.0  # up to when sound was given or reported as lost, while there is no source

    def read(self, timeout: float) -> Captured:
        """Return the next block, or the loss of the microphone, or the gap when it is back."""
        self._close_gone()
        if self._source is None:
            return self._try_again(timeout)
        try:
            captured = self._source.read(timeout)
        except MicrophoneLost as error:
            return self._lost(self._source, error)
        if captured is not None and len(captured.samples):
            self._wait = FIRST_S
        return captured or Captured()

    def close(self) -> None:
        """Stop recording, and trying to reconnect."""
        self._close_gone()
        self._gone, self._source = self._source, None
        self._close_gone()

    def _close_gone(self) -> None:
        gone, self._gone = self._gone, None
        if gone is not None:
            gone.close()

    def _lost(self, source: Recorder, error: MicrophoneLost) -> Captured:
        """Report the loss at once, within 2 s of the last sound; the next read closes the source, which may hang."""
        self._gone, self._source = source, None
        self._accounted = self._clock()
        self._retry = self._accounted + self._wait
        return Captured(lost=self._frames(self._accounted - source.heard), reason=AWAY, trouble=error)

    def _try_again(self, timeout: float) -> Captured:
        """Try to open it again when that is due; return the gap since the loss when it is back."""
        left = self._retry - self._clock()
        if left > 0:
            self._sleep(min(timeout, left))
            return Captured()
        self._wait = min(2 * self._wait, LONGEST_S)
        try:
            self._source = self._connect()
        except AudioError:
            self._retry = self._clock() + self._wait
            return Captured()
        return Captured(lost=self._frames(self._source.heard - self._accounted), reason=AWAY)

    def _frames(self, seconds: float) -> int:
        return max(0, round(seconds * self.rate))


def open_microphone(
    device: int | str | None = None,
    *,
    tell: Callable[[str], None] | None = None,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Reconnecting:
    """Start recording from a device, given by its number or a part of its name, or from the default one.

    A microphone that is lost later is opened again as soon as it is back. `tell` gets a line when arecord records.
    Raises `NoMicrophone` when there is no such device, or nothing to record with.
    """
    library, lacking = _library()
    if library is None:
        if tell is not None:
            tell(f"arecord records, because {lacking} is not installed (pip install 'malsori[mic]')")
        return Reconnecting(Arecord(device), lambda: Arecord(device))
    first = Microphone(device, library=library, clock=clock)

    def again() -> Microphone:
        rescan(library)  # numbers may change by it, names do not
        name = None if device is None else first.name
        return Microphone(name, rate=first.rate, channels=first.channels, library=library, clock=clock)

    return Reconnecting(first, again, clock=clock, sleep=sleep)


def list_microphones() -> list[InputDevice]:
    """Return all microphones. Raises `NoMicrophone` when there is nothing to record with."""
    library, _ = _library()
    return arecord_devices() if library is None else microphones(library)


def recorder() -> str:
    """Return what is recorded with, sounddevice or arecord. Raises `NoMicrophone` where neither is installed."""
    library, _ = _library()
    return PROGRAM if library is None else "sounddevice"


def _library() -> tuple[Any, str]:
    """Return sounddevice and "", or None and what is not installed. Raises `NoMicrophone` without arecord, too."""
    library, lacking = sounddevice()
    if library is None and shutil.which(PROGRAM) is None:
        raise NoMicrophone("microphone", f"a way to record: {INSTALL}", "neither")
    return library, lacking
