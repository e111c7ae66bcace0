"""Any sound to mono 16 kHz float32: whole (`decode`) or in blocks of bounded size (`decode_blocks`).

The way is a chain of generators: reader of a format -> pieces of a second, counted -> mono -> 16 kHz. Formats, readers
and limits are in their own files; recording from a microphone is not here.
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
from .mix import Mixer, weights_of
from .opening import open_stream
from .pieces import Form, Promise, ReadingOptions, SoundPiece, SoundStream
from .promise import hold_to_promise
from .resample import resample
from .samples import Samples, as_array, as_frames, to_float, whole_rate
from .source import FileRange, Source, name_of, one_line, open_window
from .tracks import check_only

AudioSource: TypeAlias = "Source | Samples"
"""A path, bytes, a binary file object, or samples: an array, a list, or a tensor (see `Samples`)."""


@dataclass(frozen=True, slots=True)
class DecodedAudio:
    """A whole recording, what messages call it, and what was mended in it, one line each.

    `filled_s` seconds of its samples are silence that stands for sound that is not in the file, or does not decode.
    """

    samples: Audio
    name: str
    warnings: tuple[str, ...] = ()
    filled_s: float = 0.0


class Blocks(Iterator[Audio]):
    """The recording in blocks of up to about a second. `warnings` is complete when the last block has been read.

    What was opened is closed at the end, by an error, by `close()` or by leaving a `with` block.
    """

    def __init__(self, name: str, audio: Iterator[Audio], mixer: Mixer, stream: SoundStream, stack: ExitStack) -> None:
        self.name = name
        self._audio = audio
        self._mixer = mixer
        self._stream = stream
        self._stack = stack

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was mended so far, one line each."""
        return (*self._stream.notes, *self._stream.clock.notes(), *self._mixer.warnings())

    @property
    def promised(self) -> float | None:
        """Seconds that the file says it has; None where it does not say."""
        return self._stream.promise.seconds

    @property
    def filled_s(self) -> float:
        """Seconds of silence so far that stand for sound that is not in the file, or does not decode."""
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
        """Close what was opened for the recording; a caller's own file object stays open."""
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
    file = cast("Source", source)  # which is no array
    name = one_line(name) if name else ("<array>" if array is not None else name_of(file))
    window: FileRange | None = None
    with ExitStack() as opening:
        if array is not None:
            check_only(track, name)
            rate = whole_rate(SAMPLE_RATE if sample_rate is None else sample_rate, name)
            stream = _open_array(array, rate, name, limits)
        elif sample_rate is not None:
            raise OptionError(f"{name}: sample_rate is for arrays; a file says its own")
        else:
            window = open_window(file, name, limits, opening)
            stream = _open_file(window, name, limits, opening, ReadingOptions(allow_truncated, track, start_at_zero))
        limits.check_length(name, stream.promise.seconds or 0.0)
        opened = opening.pop_all()
    mixer = Mixer(stream.lossy)
    pieces = _counted(stream, window, name, limits, allow_truncated)
    audio = _checked(_at_16_khz(pieces, mixer), mixer, name)
    return Blocks(name, audio, mixer, stream, opened)


def _open_file(window: FileRange, name: str, limits: Limits, stack: ExitStack, reading: ReadingOptions) -> SoundStream:
    try:
        return open_stream(window, name, limits, stack, reading)
    except AudioError:
        _check_was_readable(window, name)
        raise


def _check_was_readable(window: FileRange | None, name: str) -> None:
    """Raise what the disk said while decoders, which cannot pass it on, took it for the end of the file."""
    if window is not None and window.failures:
        raise AudioNotFound(name, "a readable file", f"a read error ({window.failures[0]})") from window.failures[0]


def _open_array(array: NDArray[np.generic], rate: int, name: str, limits: Limits) -> SoundStream:
    frames = as_frames(array, name)
    limits.check_shape(name, rate, frames.shape[1])
    limits.check_bytes(name, array.nbytes)
    form = Form(rate, frames.shape[1])
    starts = range(0, len(frames), form.block)
    pieces = (SoundPiece(to_float(frames[start : start + form.block]), form) for start in starts)
    return SoundStream(form, pieces, FileClock(), Promise(len(frames) / rate))


def _at_16_khz(pieces: Iterator[SoundPiece], mixer: Mixer) -> Iterator[Audio]:
    """Mix and resample, each stretch of one form on its own."""
    for form, stretch in groupby(pieces, key=lambda piece: piece.form):
        frames = (piece.frames for piece in stretch)
        yield from resample(mixer.mixed(frames, weights_of(form.layout)), form.rate)


def _counted(
    stream: SoundStream, window: FileRange | None, name: str, limits: Limits, allow_truncated: bool
) -> Iterator[SoundPiece]:
    """Pass the pieces on, holding their length against the limits and against what the file promised."""
    try:
        for piece in stream.pieces:
            stream.heard_s += len(piece.frames) / piece.form.rate
            limits.check_length(name, stream.heard_s)
            yield piece
        _check_was_readable(window, name)
        hold_to_promise(stream, name, allow_truncated=allow_truncated)
    except CorruptAudio:
        _check_was_readable(window, name)
        raise


def _checked(audio: Iterator[Audio], mixer: Mixer, name: str) -> Iterator[Audio]:
    """Pass the blocks on; raise when in the end there was nothing, or nothing but NaN."""
    empty = True
    for block in audio:
        empty = False
        yield block
    if mixer.all_bad:
        raise CorruptAudio(name, "sound", f"{mixer.samples} samples, none of them a finite number")
    if empty:
        raise EmptyAudio(name, "sound", "no samples")
