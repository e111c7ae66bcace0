"""Any sound to mono 16 kHz float32: whole (`decode`) or in blocks of bounded size (`decode_blocks`).

A chain of generators: reader of a format -> pieces of a second, counted -> mono -> 16 kHz. Formats, readers and limits
are in their own files; microphones are in `live/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias, cast

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioError, AudioNotFound, CorruptAudio, EmptyAudio, OptionError
from ..types import SAMPLE_RATE, Audio, Span
from .clock import FileClock
from .limits import DEFAULT_LIMITS, Limits
from .mono import Mixer, resample, weights_of
from .opening import open_stream
from .pieces import Form, Promise, ReadingOptions, SoundPiece, SoundStream
from .promise import check_promise
from .samples import Samples, as_array, as_frames, to_float, whole_rate
from .source import FileRange, Source, name_of, one_line, open_file
from .tracks import check_only

AudioSource: TypeAlias = "Source | Samples"
"""A path, bytes, a binary file object, or samples: an array, a list, or a tensor (see `Samples`)."""


@dataclass(frozen=True, slots=True)
class DecodedAudio:
    """A whole recording, its name in messages, and a line for each kind of fault that was mended in it.

    `filled_s` seconds of its samples are silence in place of sound that is not in the file, or does not decode.
    """

    samples: Audio
    name: str
    warnings: tuple[str, ...] = ()
    filled_s: float = 0.0


class Blocks(Iterator[Audio]):
    """The recording in blocks of up to about a second. `warnings` is complete when the last block has been read.

    The source is closed at the end, by an error, by `close()` or by leaving a `with` block.
    """

    def __init__(self, name: str, audio: Iterator[Audio], mixer: Mixer, stream: SoundStream, stack: ExitStack) -> None:
        self.name = name
        self._audio = audio
        self._mixer = mixer
        self._stream = stream
        self._stack = stack

    @property
    def warnings(self) -> tuple[str, ...]:
        """A line for each kind of fault that was mended so far."""
        return (*self._stream.notes, *self._stream.clock.notes(), *self._mixer.warnings())

    @property
    def promised(self) -> float | None:
        """Seconds that the file's header promises; None where it promises none."""
        return self._stream.promise.seconds

    @property
    def filled_s(self) -> float:
        """Seconds of silence so far in place of sound that is not in the file, or does not decode."""
        return self._stream.clock.filled

    @property
    def filled(self) -> tuple[Span, ...]:
        """Where that silence is, in samples at 16 kHz."""
        silences = self._stream.clock.silences
        return tuple(Span(round(start * SAMPLE_RATE), round(stop * SAMPLE_RATE)) for start, stop in silences)

    def __next__(self) -> Audio:
        try:
            return next(self._audio)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Blocks:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        self.close()

    def close(self) -> None:
        """Close the source; a caller's own file object stays open."""
        self._stack.close()


def decode(
    source: AudioSource,
    *,
    sample_rate: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
    allow_truncated: bool = False,
    track: int | str | None = None,
    start_at_zero: bool = False,
    name: str = "",
) -> DecodedAudio:
    """Return the whole recording as mono 16 kHz float32 in [-1, 1]. Parameters and errors as in `decode_blocks`."""
    with decode_blocks(
        source,
        sample_rate=sample_rate,
        limits=limits,
        allow_truncated=allow_truncated,
        track=track,
        start_at_zero=start_at_zero,
        name=name,
    ) as blocks:
        samples = np.concatenate(list(blocks))
    return DecodedAudio(samples, blocks.name, blocks.warnings, blocks.filled_s)


def decode_blocks(
    source: AudioSource,
    *,
    sample_rate: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
    allow_truncated: bool = False,
    track: int | str | None = None,
    start_at_zero: bool = False,
    name: str = "",
) -> Blocks:
    """Return the recording in blocks of mono 16 kHz float32; memory does not grow with its length.

    `sample_rate` is Hz and for arrays only (default 16,000); files say theirs. A recording that holds less than it
    promises, or a part that does not decode, is an error unless `allow_truncated`, which uses what is there, puts
    silence where something is damaged, and warns. `track` is the sound track to read where there are several: a number
    from 1 on, or a language as the file tags it ("kor"); None takes the file's default one. Sound that begins later
    than the file does begins with silence, unless `start_at_zero`. `name` is what messages call the recording.

    Raises at once, for what the header shows, or while reading: `AudioNotFound`, `UnsupportedFormat`, `CorruptAudio`,
    `EmptyAudio`, `AudioTooLong`; `OptionError` for a `sample_rate` where it has no meaning and for no such track.
    """
    array = as_array(source, name or "<array>")
    readable = cast("Source", source)  # which is no array
    name = one_line(name) if name else ("<array>" if array is not None else name_of(readable))
    file: FileRange | None = None
    with ExitStack() as opening:
        if array is not None:
            check_only(track, name)
            rate = whole_rate(SAMPLE_RATE if sample_rate is None else sample_rate, name)
            stream = _open_array(array, rate, name, limits)
        elif sample_rate is not None:
            raise OptionError(f"{name}: sample_rate is for arrays; a file says its own")
        else:
            file = open_file(readable, name, limits, opening)
            stream = _open_file(file, name, limits, opening, ReadingOptions(allow_truncated, track, start_at_zero))
        limits.check_length(name, stream.promise.seconds or 0.0)
        opened = opening.pop_all()
    mixer = Mixer(stream.lossy)
    pieces = _counted(stream, file, name, limits, allow_truncated)
    audio = _checked(_at_16_khz(pieces, mixer), mixer, name)
    return Blocks(name, audio, mixer, stream, opened)


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


def _at_16_khz(pieces: Iterator[SoundPiece], mixer: Mixer) -> Iterator[Audio]:
    """Mix and resample; each run of pieces of one form on its own."""
    for form, run in groupby(pieces, key=lambda piece: piece.form):
        frames = (piece.frames for piece in run)
        yield from resample(mixer.mixed(frames, weights_of(form.layout)), form.rate)


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


def _checked(audio: Iterator[Audio], mixer: Mixer, name: str) -> Iterator[Audio]:
    """Pass the blocks on; raise at the end when there were no samples, or not one that is a finite number."""
    empty = True
    for block in audio:
        empty = False
        yield block
    if mixer.all_bad:
        raise CorruptAudio(name, "sound", f"{mixer.samples} samples, none of them a finite number")
    if empty:
        raise EmptyAudio(name, "sound", "no samples")
