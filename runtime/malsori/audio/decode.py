"""Any sound to mono 16 kHz float32: whole (`decode`) or in blocks of bounded size (`decode_blocks`).

A chain of generators: reader of a format -> pieces of a second, counted -> mono -> 16 kHz. Formats, readers and limits
are in their own files; microphones are in `live/`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ..errors import CorruptAudio, EmptyAudio, NoSuchChannel
from ..types import SAMPLE_RATE, Audio, Span
from .channels import channels_of, picked, silenced
from .limits import DEFAULT_LIMITS, Limits
from .mono import Mixer, Resampler, resample, weights_of
from .opened import AudioSource, ChannelOf, open_source
from .pieces import Form, Frames, ReadingOptions, SoundPiece, SoundStream


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
    def form(self) -> Form:
        """Rate, channels and their speakers, as the recording begins."""
        return self._stream.form

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

    def first(self, seconds: float) -> Audio:
        """Return up to so many of the seconds that come next, without decoding what is behind them."""
        found: list[Audio] = []
        left = round(seconds * SAMPLE_RATE)
        while left > 0 and (block := next(self, None)) is not None:
            found.append(block[:left])
            left -= len(found[-1])
        return np.concatenate(found) if found else np.zeros(0, np.float32)

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
    than the file does begins with silence, unless `start_at_zero`. A `ChannelOf` is one channel in place of the mix of
    all. `name` is what messages call the recording.

    Raises at once, for what the header shows, or while reading: `AudioNotFound`, `UnsupportedFormat`, `CorruptAudio`,
    `EmptyAudio`, `AudioTooLong`; `OptionError` for a `sample_rate` where it has no meaning; `NoSuchTrack`,
    `NoSuchChannel`.
    """
    reading = ReadingOptions(allow_truncated, track, start_at_zero)
    opened = open_source(source, sample_rate, limits, reading, name)
    stream, mixer = opened.stream, Mixer(opened.stream.lossy)
    pieces = opened.pieces(limits, allow_truncated)
    if isinstance(source, ChannelOf) and source.number is not None:
        if source.number > stream.form.channels and not source.padded:
            opened.stack.close()
            raise NoSuchChannel(opened.name, f"the channel {source.number}", channels_of(stream.form))
        pieces = picked(pieces, source.number, stream.notes)
    audio = _at_16_khz(pieces, mixer)
    if isinstance(source, ChannelOf) and source.silent:
        audio = silenced(audio, source.silent)
    return Blocks(opened.name, _checked(audio, mixer, opened.name), mixer, stream, opened.stack)


def decode_channels(
    source: AudioSource,
    *,
    sample_rate: float | None = None,
    limits: Limits = DEFAULT_LIMITS,
    reading: ReadingOptions,
    name: str = "",
) -> Blocks:
    """Return the recording in blocks of 16 kHz float32 `(samples, channels)`, otherwise as `decode_blocks` does.

    Where the number of channels changes within the recording, it changes from one block to the next.
    """
    opened = open_source(source, sample_rate, limits, reading, name)
    mixer = Mixer(opened.stream.lossy)
    audio = _apart(opened.pieces(limits, reading.allow_truncated), mixer)
    return Blocks(opened.name, _checked(audio, mixer, opened.name), mixer, opened.stream, opened.stack)


def _at_16_khz(pieces: Iterator[SoundPiece], mixer: Mixer) -> Iterator[Audio]:
    """Mix and resample; each run of pieces of one form on its own."""
    for form, run in groupby(pieces, key=lambda piece: piece.form):
        frames = (piece.frames for piece in run)
        yield from resample(mixer.mixed(frames, weights_of(form.layout)), Resampler(form.rate))


def _apart(pieces: Iterator[SoundPiece], mixer: Mixer) -> Iterator[Frames]:
    """Resample the channels, each run of pieces of one form on its own."""
    for form, run in groupby(pieces, key=lambda piece: piece.form):
        frames = (piece.frames for piece in run)
        yield from resample(mixer.apart(frames), Resampler(form.rate, form.channels))


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
