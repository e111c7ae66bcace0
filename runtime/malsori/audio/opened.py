"""A source of any kind, opened: a file by its reader, or an array, in pieces that are counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioError, AudioNotFound, CorruptAudio, OptionError
from ..types import SAMPLE_RATE, Span
from .clock import FileClock
from .limits import Limits
from .opening import open_stream
from .pieces import Form, Promise, ReadingOptions, SoundPiece, SoundStream
from .promise import check_promise
from .samples import Samples, as_array, as_frames, to_float, whole_rate
from .source import FileRange, Source, name_of, one_line, open_file
from .tracks import check_only


@dataclass(frozen=True, slots=True, eq=False)
class ChannelOf:
    """Channel `number`, from 1 on, of a source, in place of the mix of all; None is the mix.

    It is silent where the recording goes on with fewer channels, and in the `silent` spans, in samples at 16 kHz. One
    that is not there at the beginning is an error, unless `padded`. `name` is what messages call the recording.
    """

    source: AudioSource
    number: int | None
    silent: tuple[Span, ...] = ()
    padded: bool = False
    name: str = ""


AudioSource: TypeAlias = "Source | Samples | ChannelOf"
"""A path, bytes, a binary file object, or samples: an array, a list, or a tensor (see `Samples`)."""


@dataclass(frozen=True, slots=True)
class OpenedSource:
    """A source that was opened; it is closed with `stack`."""

    name: str
    stream: SoundStream
    file: FileRange | None
    stack: ExitStack

    def pieces(self, limits: Limits, allow_truncated: bool) -> Iterator[SoundPiece]:
        """Return its sound, counted."""
        return _counted(self.stream, self.file, self.name, limits, allow_truncated)


def open_source(
    source: AudioSource, sample_rate: float | None, limits: Limits, reading: ReadingOptions, name: str
) -> OpenedSource:
    """Return any source, opened; its errors are those of `decode_blocks`."""
    if isinstance(source, ChannelOf):
        return open_source(source.source, sample_rate, limits, reading, name or source.name)
    array = as_array(source, name or "<array>")
    readable = cast("Source", source)  # which is no array
    name = one_line(name) if name else ("<array>" if array is not None else name_of(readable))
    file: FileRange | None = None
    with ExitStack() as opening:
        if array is not None:
            check_only(reading.track, name)
            rate = whole_rate(SAMPLE_RATE if sample_rate is None else sample_rate, name)
            stream = _open_array(array, rate, name, limits)
        elif sample_rate is not None:
            raise OptionError(f"{name}: sample_rate is for arrays; a file says its own")
        else:
            file = open_file(readable, name, limits, opening)
            stream = _open_file(file, name, limits, opening, reading)
        limits.check_length(name, stream.promise.seconds or 0.0)
        return OpenedSource(name, stream, file, opening.pop_all())


def _open_file(file: FileRange, name: str, limits: Limits, stack: ExitStack, reading: ReadingOptions) -> SoundStream:
    try:
        return open_stream(file, name, limits, stack, reading)
    except AudioError:
        _check_was_readable(file, name)
        raise


def _check_was_readable(file: FileRange | None, name: str) -> None:
    """Raise the first error while reading, which decoders cannot pass on and took for the end of the file."""
    if file is not None and file.failures:
        raise AudioNotFound(name, "a readable file", f"a read error ({file.failures[0]})") from file.failures[0]


def _open_array(array: NDArray[np.generic], rate: int, name: str, limits: Limits) -> SoundStream:
    frames = as_frames(array, name)
    limits.check_shape(name, rate, frames.shape[1])
    limits.check_bytes(name, array.nbytes)
    form = Form(rate, frames.shape[1])
    starts = range(0, len(frames), form.block)
    pieces = (SoundPiece(to_float(frames[start : start + form.block]), form) for start in starts)
    return SoundStream(form, pieces, FileClock(), Promise(len(frames) / rate))


def _counted(
    stream: SoundStream, file: FileRange | None, name: str, limits: Limits, allow_truncated: bool
) -> Iterator[SoundPiece]:
    """Pass the pieces on; raise when they are longer than the limits allow or shorter than the file promises."""
    try:
        for piece in stream.pieces:
            stream.heard_s += len(piece.frames) / piece.form.rate
            limits.check_length(name, stream.heard_s)
            yield piece
        _check_was_readable(file, name)
        check_promise(stream, name, allow_truncated=allow_truncated)
    except CorruptAudio:
        _check_was_readable(file, name)
        raise
