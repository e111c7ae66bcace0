"""A source to clips, step by step: decode, find speech. It calls no engine and changes no `Recording`.

So the steps may be taken in another thread than the run's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ...audio import AudioSource, Blocks, Limits, decode_blocks
from ...engines.base import DecodeOptions, Engine
from ...errors import AudioError, Cancelled, MalsoriError, OptionError
from ...types import SAMPLE_RATE, Audio
from ...vad import Detector
from ..clip import Clip, fill_clips
from .clip_rules import gate_for, is_gated, longest_clip
from .loudness import Loudness
from .source_request import ResolvedOptions, SourceRequest
from .spoken_language import LANGUAGE_SECONDS, LanguageDetection
from .steps import ClipsFound, SourceEnded, SourceOpened, Step
from .stretches import clips_between, clips_without_gate, stretches_of

UNGATED_BELOW = 2 * SAMPLE_RATE  # samples; shorter recordings are read even where the gate finds no speech
SHORT_S = 240.0  # seconds of sound; shorter recordings share engine calls
SHORT_BYTES = 1 << 20  # of a file that does not say its length: four minutes of an MP3 of 32 kbit/s


class RecordingReader:
    """Reads the sources of one run; `detector` makes the voice detector of one recording. Threads may share it."""

    def __init__(self, engine: Engine, detector: Callable[[], Detector], resolved: ResolvedOptions) -> None:
        self._engine = engine
        self._detector = detector
        self._resolved = resolved
        self._options = resolved.options
        self._detection = LanguageDetection(engine, resolved.options)

    def steps(self, request: SourceRequest, advanced: Callable[[int], None]) -> Generator[Step, None, None]:
        """Read a source with the options that it asks for; call `advanced` with the samples decoded so far.

        An error is the last step, unless it concerns the whole run: that is raised.
        """
        try:
            resolved = self._resolved.changed(request.options)
        except OptionError as error:
            yield SourceEnded(error=error)
            return
        reader = RecordingReader(self._engine, self._detector, resolved)
        try:
            yield from reader.read(request.source, advanced)
        except MalsoriError as error:
            if concerns_run(error, asked=resolved.own):
                raise
            yield SourceEnded(error=error)

    def read(self, source: AudioSource, advanced: Callable[[int], None]) -> Iterator[Step]:
        """Read a source with the options of the run. Raises its errors."""
        with self.open(source) as blocks:
            yield self._opened(source, blocks)
            sound = MeasuredSound(blocks, self._options.decoding, advanced)
            clips = self.clips(sound)
            yield ClipsFound(tuple(self._detection.head(clips)), sound.samples, first=True)
            for clip in clips:
                yield ClipsFound((clip,), sound.samples)
            warnings = (*blocks.warnings, *self._behind(sound.samples / SAMPLE_RATE))
            yield SourceEnded(sound.samples, warnings, blocks.filled, sound.loudness)

    def languages(self, source: AudioSource) -> dict[str, float]:
        """Return the languages of a source with their probabilities, none where there is no speech."""
        with self.open(source) as blocks:
            head = self._detection.head(self.clips(blocks))
        return self._detection.languages(head) if head else {}

    def open(self, source: AudioSource) -> Blocks:
        """Return the blocks of `source`, opened."""
        options = self._options.source
        return decode_blocks(
            source,
            sample_rate=options.sample_rate,
            limits=Limits(max_seconds=options.max_seconds),
            allow_truncated=options.allow_truncated,
            track=options.track,
            start_at_zero=options.start_at_zero,
        )

    def clips(self, blocks: Iterable[Audio]) -> Iterator[Clip]:
        """Return the clips to be read: stretches of speech, joined where the engine fills windows, or all the sound."""
        speech, longest = self._options.speech, longest_clip(self._engine, self._options.speech)
        if speech.clip_timestamps:
            return clips_between(blocks, speech.clip_timestamps, longest)
        if not speech.vad:
            return clips_without_gate(blocks, longest)
        fills, gate = self._engine.fills_windows, gate_for(self._engine, speech)
        stretches = stretches_of(blocks, self._detector(), gate, ungated_below=UNGATED_BELOW if fills else 0)
        return fill_clips(stretches, longest) if fills and not self._detection.several else stretches

    def _opened(self, source: AudioSource, blocks: Blocks) -> SourceOpened:
        speech = self._options.speech
        return SourceOpened(
            self._options,
            self._resolved.own,
            self._resolved.warnings,
            blocks.name,
            blocks.promised,
            gated=is_gated(speech),
            outside="clip_timestamps" if speech.clip_timestamps else "gate",
            held=longest_clip(self._engine, speech) + LANGUAGE_SECONDS,
            short=_is_short(source, blocks),
        )

    def _behind(self, duration: float) -> Iterator[str]:
        """Warn of `clip_timestamps` behind the end."""
        for start in self._options.speech.clip_timestamps[::2]:
            if start >= duration:
                yield f"clip_timestamps: {start:g} s is behind the end, {duration:g} s; nothing is recognised there"


class MeasuredSound:
    """Passes blocks on; counts their samples, for `advanced` too, and keeps their loudness. Raises `Cancelled`."""

    def __init__(self, blocks: Iterable[Audio], decoding: DecodeOptions, advanced: Callable[[int], None]) -> None:
        self._blocks = blocks
        self._decoding = decoding
        self._advanced = advanced
        self.samples = 0
        self.loudness = Loudness()

    def __iter__(self) -> Iterator[Audio]:
        for block in self._blocks:
            self._decoding.check_cancelled()
            self.samples += len(block)
            self.loudness.push(block)
            self._advanced(self.samples)
            yield block


def concerns_run(error: MalsoriError, *, asked: bool) -> bool:
    """Return whether an error ends the run: it was cancelled, or an option is wrong that no recording `asked` for."""
    # An `AudioError` may be an `OptionError` as well: a track that only this recording lacks.
    of_options = isinstance(error, OptionError) and not isinstance(error, AudioError)
    return isinstance(error, Cancelled) or (of_options and not asked)


def _is_short(source: AudioSource, blocks: Blocks) -> bool:
    if blocks.promised is not None:
        return blocks.promised <= SHORT_S
    if isinstance(source, (str, Path)):
        with suppress(OSError):  # opened, and taken away since
            return os.path.getsize(source) <= SHORT_BYTES
    return isinstance(source, (bytes, bytearray, memoryview)) and len(source) <= SHORT_BYTES
