"""From bytes to the reader of their format: the one place that knows all readers."""

from __future__ import annotations

from contextlib import ExitStack

from ..errors import CorruptAudio
from . import ogg
from .bare import open_bare
from .libav import open_libav
from .limits import Limits
from .packets import USE_ANYWAY
from .sniff import identify
from .source import Window
from .stream import Reading, Stream
from .tracks import check_only
from .wav import open_wav, read_header


def open_stream(window: Window, name: str, limits: Limits, stack: ExitStack, reading: Reading) -> Stream:
    """Return the sound of a file. What is opened for it is closed with `stack`. Raises `AudioError`, `OptionError`."""
    found = identify(window, name)
    if found.format == "MP3" or found.format == "AAC":
        check_only(reading.track, name)
        return open_bare(window, found.offset, found.format, name, limits, reading)
    sound = window.part(found.offset, window.size)
    if found.format == "WAV":
        return _open_wav(sound, name, limits, stack, reading)
    stream = open_libav(sound, found.format, name, limits, stack, reading)
    if found.format == "OGG":
        stream.notes += ogg.notes(sound)
    return stream


def _open_wav(window: Window, name: str, limits: Limits, stack: ExitStack, reading: Reading) -> Stream:
    header = read_header(window, name, limits)
    check_only(reading.track, name)
    if not header.coded:
        return open_wav(window, header)
    present = header.stop - header.start
    if present < header.declared and not reading.allow_truncated:
        raise CorruptAudio(name, f"{header.declared} bytes of sound", f"{present} bytes; {USE_ANYWAY}")
    stream = open_libav(window, "WAV", name, limits, stack, reading)
    if present < header.declared:
        stream.notes.append(f"cut short: expected {header.declared} bytes of sound, found {present}")
    return stream
