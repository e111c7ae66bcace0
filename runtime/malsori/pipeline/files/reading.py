"""A source to jobs: decode, find speech, detect the language once for the whole recording."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from ...audio import AudioSource, Blocks, Limits, decode_blocks
from ...bundles.manifest import Manifest
from ...engines.base import Engine, TellsLanguages
from ...errors import AudioError, Cancelled, MalsoriError, OptionError
from ...option import non_defaults
from ...sound_options import DEFAULT_GATE
from ...types import SAMPLE_RATE, Audio
from ...vad import Detector, GateOptions
from ...vad.gate import FILLING
from ..clip import Clip, fill_clips
from .recording import Job, Recording
from .source_request import ResolvedOptions, SourceRequest
from .stretches import clips_between, clips_without_gate, first_seconds, stretches_of

LEAST_FILLED = 5.0  # seconds of `max_speech_s`, below which the gate pads stretches as for single clips
UNGATED_BELOW = 2 * SAMPLE_RATE  # samples; shorter recordings are read even where the gate finds no speech
LANGUAGE_SECONDS = 30.0  # of speech in which the language is detected: one window of Whisper


class RecordingReader:
    """Reads the sources of one run; `detector` makes the voice detector of one recording."""

    def __init__(
        self,
        engine: Engine,
        detector: Callable[[], Detector],
        resolved: ResolvedOptions,
        report: Callable[[Recording], None] = lambda recording: None,
    ) -> None:
        """Call `report` with each recording while it is decoded."""
        self._report = report
        self._engine = engine
        self._detector = detector
        self._resolved = resolved
        self._options = resolved.options

    def begin(self, request: SourceRequest, recording: Recording) -> tuple[RecordingReader, Blocks | None]:
        """Return the reader of a source, which has its options, and its blocks, opened.

        As in `jobs`, an error is stored in `recording`; then there are no blocks.
        """
        try:
            resolved = self._resolved.changed(request.options)
        except OptionError as error:
            recording.error = error
            return self, None
        reader = RecordingReader(self._engine, self._detector, resolved, self._report)
        return reader, reader.opened(request.source, recording)

    def opened(self, source: AudioSource, recording: Recording) -> Blocks | None:
        """Return the blocks of `source`; as in `jobs`, an error is stored in `recording` and gives None."""
        recording.options, recording.asked = self._options, self._resolved.own
        recording.warnings = self._resolved.warnings
        try:
            blocks = self.open(source)
        except MalsoriError as error:
            self._fail(recording, error)
            return None
        recording.name, recording.promised = blocks.name, blocks.promised
        recording.gated = self._options.speech.vad and not self._options.speech.clip_timestamps
        recording.outside = "clip_timestamps" if self._options.speech.clip_timestamps else "gate"
        recording.held = self._longest + LANGUAGE_SECONDS
        return blocks

    def jobs(self, blocks: Blocks, recording: Recording) -> Iterator[Job]:
        """Yield the clips to be recognised; an error ends the recording and is stored in it.

        Only `Cancelled` is raised, and an `OptionError` of the run's options: they concern the whole run.
        """
        try:
            with blocks:
                clips = self.clips(self._measured(blocks, recording))
                head = self.language_clips(clips)
                self._set_language(head, recording)
                for index, clip in enumerate(chain(head, clips)):
                    if recording.error is None:  # its earlier pieces may have failed meanwhile
                        yield Job(recording, clip, first=index == 0)
                recording.filled = blocks.filled
                recording.warnings += (*blocks.warnings, *self._behind(recording.samples / SAMPLE_RATE))
            recording.read = True
        except MalsoriError as error:
            self._fail(recording, error)

    def _fail(self, recording: Recording, error: MalsoriError) -> None:
        """Store an error in the recording that it concerns; raise one that concerns the whole run."""
        asked_by_run = isinstance(error, OptionError) and not self._resolved.own
        # An `AudioError` may be an `OptionError` as well: a track that only this recording lacks.
        if isinstance(error, Cancelled) or (asked_by_run and not isinstance(error, AudioError)):
            raise error
        recording.error = error

    def _behind(self, duration: float) -> Iterator[str]:
        """Warn of `clip_timestamps` behind the end."""
        for start in self._options.speech.clip_timestamps[::2]:
            if start >= duration:
                yield f"clip_timestamps: {start:g} s is behind the end, {duration:g} s; nothing is recognised there"

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
        if self._options.speech.clip_timestamps:
            return clips_between(blocks, self._options.speech.clip_timestamps, self._longest)
        if not self._options.speech.vad:
            return clips_without_gate(blocks, self._longest)
        fills = self._engine.fills_windows
        stretches = stretches_of(blocks, self._detector(), self._gate, ungated_below=UNGATED_BELOW if fills else 0)
        return fill_clips(stretches, self._longest) if fills and not self._several_languages else stretches

    def language_clips(self, clips: Iterator[Clip]) -> list[Clip]:
        """Take from `clips` those in which the language is detected."""
        return first_seconds(clips, self._language_seconds)

    def languages(self, clips: Sequence[Clip]) -> dict[str, float]:
        """Return language codes with probabilities, detected in the first 30 s of the clips, or more by the options.

        Raises `OptionError` for a model that knows several and cannot tell them apart.
        """
        if not isinstance(self._engine, TellsLanguages):
            return _only_language(self._engine.manifest)
        speech = np.concatenate([clip.audio for clip in clips])
        return self._engine.detect_language(
            speech[: round(self._language_seconds * SAMPLE_RATE)], replace(self._options.decoding, language=None)
        )

    @property
    def _language_seconds(self) -> float:
        """Seconds of speech in which the language is detected at most."""
        return LANGUAGE_SECONDS * self._options.decoding.whisper.language_detection_segments

    @property
    def _longest(self) -> float:
        """Seconds that a clip may have: `max_speech_s`, or else what suits the engine."""
        if self._options.speech.gate.max_speech_s is not None:
            return self._options.speech.gate.max_speech_s
        gated = self._options.speech.vad and not self._options.speech.clip_timestamps
        return math.inf if self._engine.long_form and not gated else self._engine.longest_clip

    @property
    def _gate(self) -> GateOptions:
        """The gate's options: those given, the others as they suit the engine."""
        fills = self._engine.fills_windows and self._longest >= LEAST_FILLED
        asked, usual = self._options.speech.gate, FILLING if fills else DEFAULT_GATE
        return replace(usual, **{**non_defaults(asked), "max_speech_s": self._longest})

    @property
    def _several_languages(self) -> bool:
        """Whether each window may have a language of its own; then stretches are not joined."""
        return self._options.decoding.whisper.multilingual and self._options.decoding.language is None

    def _set_language(self, head: Sequence[Clip], recording: Recording) -> None:
        """Set the recording's language, so that it does not change from clip to clip, unless that is asked for."""
        several = len(self._engine.manifest.languages) != 1
        if self._several_languages:
            return
        if self._options.decoding.language is not None:
            recording.language = self._options.decoding.language
        elif several and isinstance(self._engine, TellsLanguages) and not self._is_whole_speech(head):
            languages = self.languages(head)
            recording.language, recording.language_probability = next(iter(languages.items()))

    def _measured(self, blocks: Iterable[Audio], recording: Recording) -> Iterator[Audio]:
        for block in blocks:
            self._options.decoding.check_cancelled()
            recording.samples += len(block)
            recording.loudness.push(block)
            self._report(recording)
            yield block

    def _is_whole_speech(self, head: Sequence[Clip]) -> bool:
        """Return whether `head` is all the speech, in one clip at most: the engine detects in the same sound then."""
        if not head:
            return True
        whole = math.isinf(self._longest)
        return len(head) == 1 and (whole or head[0].seconds < self._language_seconds)


def _only_language(manifest: Manifest) -> dict[str, float]:
    """Return the model's only language with probability 1. Raises `OptionError` when it knows several."""
    if len(manifest.languages) != 1:
        raise OptionError(f"{manifest.name} knows {', '.join(manifest.languages)}, and cannot tell which was spoken")
    return {manifest.languages[0]: 1.0}
