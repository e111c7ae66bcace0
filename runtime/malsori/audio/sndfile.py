"""WAV, FLAC, OGG (Vorbis, Opus) and MP3 through libsndfile, from bytes whose format is already known.

libsndfile knows thirty formats more, some with known holes (ADPCM); none of them is reached from here.
mpg123, which it uses for MP3, prints complaints about damaged frames to the process's stderr and cannot be told not to.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import CorruptAudio, UnsupportedFormat
from .limits import Limits
from .sniff import Format, mp3_frame_bytes
from .source import Window
from .stream import PIECE_FRAMES, Frames, Stream
from .wav import read_header

if TYPE_CHECKING:
    from soundfile import SoundFile

_ALLOWED = {
    ("FLAC", "PCM_S8"),
    ("FLAC", "PCM_16"),
    ("FLAC", "PCM_24"),
    ("OGG", "VORBIS"),
    ("OGG", "OPUS"),
    ("MP3", "MPEG_LAYER_III"),
}
_OGG_PAGE_BYTES = 65_307  # at most (RFC 3533)
_MP3_SLACK = 2 * 1_152  # frames: decoder delay that a Xing header may or may not count


def open_wav(window: Window, name: str, limits: Limits, stack: ExitStack) -> Stream:
    """Read a WAV: the header here, its samples as headerless ones by libsndfile."""
    header = read_header(window, name, limits)
    file = _open(
        window.part(header.start, header.stop),
        "WAV",
        name,
        stack,
        format="RAW",
        subtype=header.subtype,
        endian="LITTLE",
        samplerate=header.rate,
        channels=header.channels,
    )
    return Stream(header.rate, header.channels, _pieces(file, name, "WAV"), header.declared)


def open_sndfile(window: Window, kind: Format, name: str, limits: Limits, stack: ExitStack) -> Stream:
    """Read FLAC, OGG or MP3. Raises `UnsupportedFormat` for what the allow-list does not hold, and `CorruptAudio`."""
    file = _open(window, kind, name, stack)
    if file.format != kind or (file.format, file.subtype) not in _ALLOWED:
        raise UnsupportedFormat(name, f"{kind} as its first bytes say", f"{file.format} with {file.subtype}")
    limits.check_shape(name, file.samplerate, file.channels)
    declared, slack = _promise(file, window, kind)
    pieces = _pieces(file, name, kind)
    notes = _ogg_notes(window) if kind == "OGG" else ()
    return Stream(file.samplerate, file.channels, pieces, declared, slack, kind != "FLAC", notes)


def _open(window: Window, kind: Format, name: str, stack: ExitStack, **fields: Any) -> SoundFile:
    import soundfile

    class Sequential(soundfile.SoundFile):  # type: ignore[misc]  # soundfile is untyped
        """Never seeks: soundfile would after every read, which fails on FLAC that does not say its length."""

        def seekable(self) -> bool:
            return False

    try:
        file: SoundFile = stack.enter_context(Sequential(window, **fields))
    except soundfile.SoundFileError as error:
        # libsndfile calls an MP3 without one whole frame "not a regular file".
        found = "not one whole frame" if kind == "MP3" else _words(error)
        raise CorruptAudio(name, f"a readable {kind} file", found) from error
    return file


def _promise(file: SoundFile, window: Window, kind: Format) -> tuple[int | None, int]:
    """Return how many frames the container itself promises (where it does not, libsndfile guesses) and the slack."""
    if kind == "FLAC":
        return (file.frames if file.frames < 1 << 36 else None), 0  # STREAMINFO's field has 36 bits
    if kind == "MP3":
        first = window.bytes_at(0, 4)
        head = window.bytes_at(0, max(mp3_frame_bytes(first), 192))
        return (file.frames if b"Xing" in head or b"Info" in head else None), _MP3_SLACK
    return None, 0


def _ogg_notes(window: Window) -> tuple[str, ...]:
    """Warn when no whole page marked as the last ends it. Only a warning: a live recording has none either."""
    tail = window.bytes_at(max(0, window.size - _OGG_PAGE_BYTES), _OGG_PAGE_BYTES)
    page = tail[max(0, tail.rfind(b"OggS")) :]
    sizes = page[27 : 27 + page[26]] if len(page) > 27 else b""
    whole = len(page) > 27 and len(page) >= 27 + page[26] + sum(sizes)
    return () if whole and page[5] & 4 else ("the OGG stream has no last page; it may be cut short",)


def _pieces(file: SoundFile, name: str, kind: str) -> Iterator[Frames]:
    import soundfile

    done = 0
    while True:
        try:
            frames: Frames = file.read(PIECE_FRAMES, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            raise CorruptAudio(name, f"sound {kind} data", f"damage after {done} frames ({_words(error)})") from error
        if not len(frames):
            return
        done += len(frames)
        yield np.asarray(frames)


def _words(error: Exception) -> str:
    """Return libsndfile's own words without the repr of the file object that soundfile puts in front."""
    return str(getattr(error, "error_string", error)).removeprefix("Error : ").rstrip(".")
