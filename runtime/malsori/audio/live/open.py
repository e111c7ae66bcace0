"""Which way to a microphone this machine has: sounddevice, else arecord."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from typing import Any

from ...errors import NoMicrophone
from .arecord import PROGRAM, Arecord, arecord_devices
from .devices import InputDevice
from .microphone import Microphone, NoSounddevice, microphones, rescan, sounddevice
from .reconnecting import Reconnecting

HOW = "pip install 'malsori[mic]', or the package alsa-utils for arecord"


def open_microphone(device: int | str | None = None, *, tell: Callable[[str], None] | None = None) -> Reconnecting:
    """Start recording from a device, given by its number or a part of its name, or from the default one.

    A microphone that is lost later is tried again until it is back. `tell` is told when arecord has to serve. Raises
    `NoMicrophone` when there is no such device, or nothing to record with.
    """
    library, lacking = _library()
    if library is None:
        if tell is not None:
            tell(f"arecord records, because {lacking} is not installed (pip install 'malsori[mic]')")
        return Reconnecting(Arecord(device), lambda: Arecord(device))
    first = Microphone(device, library=library)

    def again() -> Microphone:
        rescan(library)  # after which numbers may be others, and names are not
        name = None if device is None else first.name
        return Microphone(name, rate=first.rate, channels=first.channels, library=library)

    return Reconnecting(first, again)


def list_microphones() -> list[InputDevice]:
    """Return the microphones that there are. Raises `NoMicrophone` when there is nothing to record with."""
    library, _ = _library()
    return arecord_devices() if library is None else microphones(library)


def recorder() -> str:
    """Return what records here, sounddevice or arecord. Raises `NoMicrophone` where neither can."""
    library, _ = _library()
    return PROGRAM if library is None else "sounddevice"


def _library() -> tuple[Any, str]:
    """Return sounddevice, or what it lacks. Raises `NoMicrophone` when there is no arecord either."""
    try:
        return sounddevice(), ""
    except NoSounddevice as error:
        if shutil.which(PROGRAM) is None:
            raise NoMicrophone("microphone", f"a way to record: {HOW}", "neither") from error
        return None, error.lacking
