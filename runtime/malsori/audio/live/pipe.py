"""Raw PCM from a pipe or any other file descriptor; a read may end within a sample."""

from __future__ import annotations

import os
import select
import sys
from typing import Any

import numpy as np

from ...errors import AudioNotFound, OptionError, UnsupportedFormat
from ...types import SAMPLE_RATE
from ..limits import DEFAULT_LIMITS
from .capture import Captured

ENCODINGS: dict[str, np.dtype[Any]] = {"pcm_s16le": np.dtype("<i2"), "pcm_f32le": np.dtype("<f4")}
PIECES_PER_SECOND = 20


class PcmPipe:
    """Reads interleaved samples from descriptor `fd`, which stays open. A pipe that is read late loses nothing.

    Raises `UnsupportedFormat` for a rate or a number of channels out of bounds, `OptionError` for an unknown encoding.
    """

    patient = True

    def __init__(
        self, fd: int, *, rate: int = SAMPLE_RATE, channels: int = 1, encoding: str = "pcm_s16le", name: str = "<pipe>"
    ) -> None:
        if encoding not in ENCODINGS:
            raise OptionError(f"no encoding {encoding!r}; there are {', '.join(ENCODINGS)}")
        DEFAULT_LIMITS.check_shape(name, rate, channels)
        self.name, self.rate, self.channels = name, rate, channels
        self._fd = fd
        self._type = ENCODINGS[encoding]
        self._frame = channels * self._type.itemsize  # bytes
        self._rest = b""
        self._begun = False

    def read(self, timeout: float) -> Captured | None:
        """Return up to 50 ms of sound; None at the end. A part of a frame at the end is dropped."""
        if not _is_readable(self._fd, timeout):
            return Captured()
        try:
            data = os.read(self._fd, self._frame * max(1, self.rate // PIECES_PER_SECOND))
        except OSError as error:
            raise AudioNotFound(self.name, "raw PCM", f"a read error ({error.strerror or error})") from error
        if not data:
            return None
        data = self._rest + data
        self._check_raw(data)
        whole = len(data) - len(data) % self._frame
        self._rest = data[whole:]
        samples = np.frombuffer(data[:whole], self._type).astype(self._type.newbyteorder("="))
        return Captured(samples if self.channels == 1 else samples.reshape(-1, self.channels))

    def close(self) -> None:
        """Do nothing: the descriptor is the caller's."""

    def _check_raw(self, data: bytes) -> None:
        """Raise `UnsupportedFormat` for a file with a header, which would be heard as noise."""
        if not self._begun and data.startswith((b"RIFF", b"fLaC", b"OggS", b"ID3")):
            raise UnsupportedFormat(self.name, "raw PCM (arecord -t raw)", "a sound file; --simulate FILE plays those")
        self._begun = self._begun or len(data) >= len(b"RIFF")


def _is_readable(fd: int, timeout: float) -> bool:
    if sys.platform == "win32":  # select takes sockets only there, so a read may wait
        return True
    return bool(select.select([fd], [], [], timeout)[0])
