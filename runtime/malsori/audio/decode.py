"""Any sound to mono 16 kHz float32: whole (`decode`) or in blocks of bounded size (`decode_blocks`).

The way is a chain of generators: container reader -> frames counted -> blocks of a second -> mono -> 16 kHz. Formats,
readers and limits are in their own files; recording from a microphone is not here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..errors import AudioError, AudioNotFound, CorruptAudio, EmptyAudio, OptionError
from ..types import SAMPLE_RATE, Audio
from .arrays import as_frames, scaled
from .libav import open_libav
from .limits import DEFAULT_LIMITS, Limits
from .mix import Mixer
from .resample import resample
from .sndfile import open_sndfile, open_wav
from .sniff import identify
from .source import Source, Window, name_of, one_line, open_window
from .stream import PIECE_FRAMES, Frames, Stream, reblock

AudioSource: TypeAlias = "Source | NDArray[np.generic]"
"""A path, bytes, a binary file object, or an array of int16 or float samples `(samples,)` or `(samples, channels)`."""

_BLOCK_VALUES = 1 << 20  # samples times channels: 4 MiB, whatever rate and channel count a header claims
_USE_ANYWAY = "allow_truncated=True, or --allow-truncated, uses what is there"


@dataclass(frozen=True, slots=True)
class Clip:
    """A whole recording, what messages call it, and what was mended in it, one line each."""

    samples: Audio
    name: str
    warnings: tuple[str, ...] = ()


class Blocks(Iterator[Audio]):
    """The recording in blocks of up to about a second. `warnings` is complete when the last block has been read.

    `promised` are the seconds that its container says it has, None where it does not.

    What was opened is closed at the end, by an error, by `close()` or by leaving a `with` block.
    """

    def __init__(
        self,
        name: str,
        audio: Iterator[Audio],
        mixer: Mixer,
        notes: list[str],
        stack: ExitStack,
        promised: float | None = None,
    ) -> None:
        self.name = name
        self.promised = promised
        self._audio = audio
        self._mixer = mixer
        self._notes = notes
        self._stack = stack

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was mended so far, one line each."""
        return (*self._notes, *self._mixer.warnings())

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
    sample_rate: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    allow_truncated: bool = False,
    name: str = "",
) -> Clip:
    """Return the whole recording as mono 16 kHz float32 in [-1, 1]. Parameters and errors as in `decode_blocks`."""
    blocks = decode_blocks(source, sample_rate=sample_rate, limits=limits, allow_truncated=allow_truncated, name=name)
    with blocks:
        samples = np.concatenate(list(blocks))
    return Clip(samples, blocks.name, blocks.warnings)


def decode_blocks(
    source: AudioSource,
    *,
    sample_rate: int | None = None,
    limits: Limits = DEFAULT_LIMITS,
    allow_truncated: bool = False,
    name: str = "",
) -> Blocks:
    """Return the recording in blocks of mono 16 kHz float32; memory does not grow with its length.

    `sample_rate` is Hz and for arrays only (default 16,000); files say theirs. A recording that holds less than it
    promises is an error unless `allow_truncated`, which uses what is there and warns. `name` is what messages call it.

    Raises at once, for what the header shows, or while reading: `AudioNotFound`, `UnsupportedFormat`, `CorruptAudio`,
    `EmptyAudio`, `AudioTooLong`; `OptionError` for a `sample_rate` where it has no meaning.
    """
    name = one_line(name) if name else ("<array>" if isinstance(source, np.ndarray) else name_of(source))
    window: Window | None = None
    with ExitStack() as opening:
        if isinstance(source, np.ndarray):
            stream = _open_array(source, SAMPLE_RATE if sample_rate is None else sample_rate, name, limits)
        elif sample_rate is not None:
            raise OptionError(f"{name}: sample_rate is for arrays; a file says its own")
        else:
            window = open_window(source, name, limits, opening)
            stream = _open_stream(window, name, limits, opening)
        limits.check_length(name, stream.declared or 0, stream.rate)
        opened = opening.pop_all()
    notes = list(stream.notes)
    mixer = Mixer(stream.lossy)
    frames = _counted(stream, window, name, limits, notes if allow_truncated else None)
    blocks = reblock(frames, max(1, min(stream.rate, _BLOCK_VALUES // stream.channels)))
    audio = _checked(resample(mixer.mixed(blocks), stream.rate), mixer, name)
    promised = None if stream.declared is None else stream.declared / stream.rate
    return Blocks(name, audio, mixer, notes, opened, promised)


def _open_stream(window: Window, name: str, limits: Limits, stack: ExitStack) -> Stream:
    try:
        found = identify(window, name)
        sound = window.part(found.offset, window.size)
        if found.format == "WAV":
            return open_wav(sound, name, limits, stack)
        if found.format in ("FLAC", "OGG", "MP3"):
            return open_sndfile(sound, found.format, name, limits, stack)
        return open_libav(sound, found.format, name, limits, stack)
    except AudioError:
        _check_was_readable(window, name)
        raise


def _check_was_readable(window: Window | None, name: str) -> None:
    """Raise what the disk said while decoders, which cannot pass it on, took it for the end of the file."""
    if window is not None and window.failures:
        raise AudioNotFound(name, "a readable file", f"a read error ({window.failures[0]})") from window.failures[0]


def _open_array(array: NDArray[np.generic], rate: int, name: str, limits: Limits) -> Stream:
    frames = as_frames(array, name)
    limits.check_shape(name, rate, frames.shape[1])
    limits.check_bytes(name, array.nbytes)
    starts = range(0, len(frames), PIECE_FRAMES)
    pieces = (scaled(frames[start : start + PIECE_FRAMES]) for start in starts)
    return Stream(rate, frames.shape[1], pieces, len(frames))


def _counted(
    stream: Stream, window: Window | None, name: str, limits: Limits, notes: list[str] | None
) -> Iterator[Frames]:
    """Pass the pieces on, holding their count against the limits and against what the container promised."""
    count = 0
    damage: CorruptAudio | None = None
    try:
        for piece in stream.pieces:
            count += len(piece)
            limits.check_length(name, count, stream.rate)
            yield piece
    except CorruptAudio as error:
        damage = error
    _check_was_readable(window, name)
    short = stream.declared is not None and count < stream.declared - stream.slack
    if short or damage:
        _tell_truncated(stream, count, name, damage, notes)


def _tell_truncated(
    stream: Stream, count: int, name: str, damage: CorruptAudio | None, notes: list[str] | None
) -> None:
    """Note what is missing in `notes`; raise it when there is nowhere to note it."""
    expected = f"{stream.declared} frames" if stream.declared is not None else "intact sound to the end"
    found = f"{count} frames" + (" and then damage" if damage else "")
    if notes is None:
        raise CorruptAudio(name, expected, f"{found}; {_USE_ANYWAY}") from damage
    notes.append(f"cut short or damaged: expected {expected}, found {found}")


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
