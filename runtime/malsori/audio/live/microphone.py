"""A microphone through sounddevice (PortAudio). Its callback copies blocks into the inbox and does nothing else."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from typing import Any
from weakref import WeakSet

import numpy as np
from numpy.typing import NDArray

from ...errors import MicrophoneLost, NoMicrophone, brief
from ...types import SAMPLE_RATE
from .capture import HELD_S, Captured, Inbox, InputDevice, pick

BLOCKS_PER_SECOND = 50
SILENT_S = 1.5  # a microphone without a block for that long is lost; that is to be reported within 2 s
CLOSING_S = 1.0  # longest wait for closing, which can hang when the device is gone (PortAudio issue 1037)
OVERRUN = "the microphone's buffer ran over"

_open: WeakSet[Microphone] = WeakSet()
_closing: WeakSet[threading.Thread] = WeakSet()


class Microphone:
    """Records from a device, chosen by its number or a part of its name, or from the default one.

    `rate` and `channels` are what the device must take; by default 16 kHz and one channel if it takes them, else its
    own. `library` is the module sounddevice. Raises `NoMicrophone` when there is no such device or it cannot be opened.
    """

    patient = False

    def __init__(
        self,
        device: int | str | None = None,
        *,
        library: Any,
        rate: int | None = None,
        channels: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._library = library
        self._clock = clock
        try:
            chosen = _chosen(self._library, device)
            self.name = chosen.name
            self.rate, self.channels = _form(self._library, chosen, rate, channels)
            self._inbox = Inbox(round(HELD_S * self.rate), clock=clock)
            self._due: float | None = None  # time of the next block's first sample, on the device's clock
            self._stream = self._library.InputStream(
                samplerate=self.rate,
                blocksize=self.rate // BLOCKS_PER_SECOND,
                device=chosen.number,
                channels=self.channels,
                dtype="int16",
                callback=self._callback,
            )
            self._stream.start()
        except self._library.PortAudioError as error:
            raise NoMicrophone(_shown(device), "a microphone that can be opened", brief(error)) from error
        _open.add(self)

    @property
    def overruns(self) -> int:
        """How many blocks were dropped because they were not read in time."""
        return self._inbox.overruns

    @property
    def heard(self) -> float:
        """When the last block came, in monotonic seconds."""
        return self._inbox.heard

    def read(self, timeout: float) -> Captured:
        """Return the next block. Raises `MicrophoneLost` when none has come for 1.5 s."""
        left = max(0.0, self.heard + SILENT_S - self._clock())
        captured = self._inbox.take(min(timeout, left)) or Captured()
        if not len(captured.samples) and self._clock() - self.heard >= SILENT_S:
            raise MicrophoneLost(self.name, "sound", f"none for {SILENT_S:g} s; it is tried again until it is back")
        return captured

    def close(self) -> None:
        """Stop recording; a device that hangs is not waited for longer than `CLOSING_S`."""
        _open.discard(self)
        closing = threading.Thread(target=self._stop, name="malsori-microphone-close", daemon=True)
        _closing.add(closing)
        closing.start()
        closing.join(CLOSING_S)

    def _stop(self) -> None:
        with suppress(Exception):  # a device that is gone may say so in any way it likes
            self._stream.abort()
        with suppress(Exception):
            self._stream.close()

    def _callback(self, block: NDArray[np.int16], frames: int, times: Any, status: Any) -> None:
        """Take a block from PortAudio, in PortAudio's thread."""
        made = float(times.inputBufferAdcTime)
        lost = self._missing(made, frames) if status.input_overflow else 0
        self._due = made + frames / self.rate if made > 0 else None
        self._inbox.put((block[:, 0] if self.channels == 1 else block).copy(), lost, OVERRUN if lost else "")

    def _missing(self, made: float, frames: int) -> int:
        """Return how many frames an overrun has lost, by the device's clock, or by ours where the device has none."""
        if made > 0 and self._due is not None:
            seconds = made - self._due
        else:
            seconds = self._clock() - self.heard - frames / self.rate
        return max(1, round(seconds * self.rate))


def sounddevice() -> tuple[Any, str]:
    """Return the module and "", or None and what of it is not installed: the package, or the PortAudio beneath it."""
    try:
        import sounddevice
    except (ImportError, OSError) as error:
        return None, "the library PortAudio" if isinstance(error, OSError) else "the package sounddevice"
    return sounddevice, ""


def microphones(library: Any) -> list[InputDevice]:
    """Return the devices that sounddevice can record from, those of the default host interface first."""
    default = _default(library)
    found = [entry for entry in library.query_devices() if entry["max_input_channels"] > 0]
    home = next((entry["hostapi"] for entry in found if entry["index"] == default), None)
    return [
        InputDevice(
            entry["index"],
            entry["name"],
            entry["max_input_channels"],
            round(entry["default_samplerate"]),
            entry["index"] == default,
        )
        for entry in sorted(found, key=lambda entry: entry["hostapi"] != home)
    ]


def rescan(library: Any) -> None:
    """Look for devices anew: PortAudio lists them once. Nothing is done while it serves another microphone."""
    if not any(each._library is library for each in _open) and not any(thread.is_alive() for thread in _closing):
        with suppress(library.PortAudioError):
            library._terminate()
        with suppress(library.PortAudioError):
            library._initialize()


def _chosen(library: Any, wanted: int | str | None) -> InputDevice:
    devices = microphones(library)
    if wanted is not None:
        return pick(devices, wanted)
    found = [device for device in devices if device.default] or devices
    if not found:
        raise NoMicrophone(
            "microphone", "a device to record from", "none; is it plugged in? --simulate FILE plays a file"
        )
    return found[0]


def _default(library: Any) -> int | None:
    try:
        index: int = library.query_devices(kind="input")["index"]
    except (library.PortAudioError, ValueError):
        return None
    return index


def _form(library: Any, device: InputDevice, rate: int | None, channels: int | None) -> tuple[int, int]:
    """Return the first rate and number of channels that the device takes. Raises `PortAudioError` of the last."""
    forms = list(_forms(device, rate, channels))
    for rate_, channels_ in forms[:-1]:
        with suppress(library.PortAudioError):
            library.check_input_settings(device=device.number, samplerate=rate_, channels=channels_, dtype="int16")
            return rate_, channels_
    return forms[-1]


def _forms(device: InputDevice, rate: int | None, channels: int | None) -> Iterator[tuple[int, int]]:
    rates = (rate,) if rate else (SAMPLE_RATE, device.rate)
    counts = (channels,) if channels else dict.fromkeys((1, min(2, device.channels), device.channels))
    return ((one, count) for count in counts for one in rates)


def _shown(wanted: int | str | None) -> str:
    return "microphone" if wanted is None else f"microphone {wanted!r}"
