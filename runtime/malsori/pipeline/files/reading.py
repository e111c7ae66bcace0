"""A source to jobs: decode, find speech, tell the language once for the whole recording."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain

import numpy as np

from ...audio import AudioSource, Blocks, decode_blocks
from ...bundles.manifest import Manifest
from ...engines.base import Engine, TellsLanguages
from ...errors import AudioError, Cancelled, MalsoriError, OptionError
from ...option import given
from ...types import SAMPLE_RATE, Audio
from ...vad import Detector, GateOptions
from ...vad.gate import DEFAULT_GATE, FILLING
from ..clip import Clip, filled
from ..options import TranscribeOptions
from .recording import Job, Recording
from .stretches import clips, opening, pieces_of, slices

LEAST_FILLED = 5.0  # seconds; clips that are to be shorter have no room for the padding of those that fill a window
MOMENT = 2 * SAMPLE_RATE  # samples; of shorter recordings the gate alone does not say that nobody speaks in them
LANGUAGE_SECONDS = 30.0  # of speech, from which a language is told at first: one window of Whisper


class RecordingReader:
    """Reads the sources of one run; `detector` makes the voice detector of one recording."""

    def __init__(
        self,
        engine: Engine,
        detector: Callable[[], Detector],
        options: TranscribeOptions,
        tell: Callable[[Recording], None] = lambda recording: None,
    ) -> None:
        """`tell` is told of each recording while it is read."""
        self._tell = tell
        self._engine = engine
        self._detector = detector
        self._options = options

    def begin(self, source: AudioSource, recording: Recording) -> Blocks | None:
        """Return the blocks of `source`, opened; an error is left in `recording`, as `jobs` does."""
        try:
            blocks = self.open(source)
        except AudioError as error:  # before `OptionError`, which a track is that only this recording lacks
            recording.error = error
            return None
        except (OptionError, Cancelled):
            raise
        except MalsoriError as error:
            recording.error = error
            return None
        recording.name, recording.promised = blocks.name, blocks.promised
        recording.gated = self._options.speech.vad and not self._options.speech.clip_timestamps
        recording.outside = "clip_timestamps" if self._options.speech.clip_timestamps else "gate"
        recording.held = self._longest + LANGUAGE_SECONDS
        return blocks

    def jobs(self, blocks: Blocks, recording: Recording) -> Iterator[Job]:
        """Yield what is to be recognised of a recording; an error ends it and is left there.

        `OptionError` and `Cancelled` alone are raised: they are the run's, not the recording's.
        """
        try:
            with blocks:
                pieces = self.pieces(self._counted(blocks, recording))
                head = self.opening(pieces)
                self._set_language(head, recording)
                for index, piece in enumerate(chain(head, pieces)):
                    if recording.error is None:  # its earlier pieces may have failed meanwhile
                        yield Job(recording, piece, opens=index == 0)
                recording.filled = blocks.filled
                recording.warnings += (*blocks.warnings, *self._behind(recording.samples / SAMPLE_RATE))
            recording.read = True
        except AudioError as error:  # before `OptionError`, which a track is that only this recording lacks
            recording.error = error
        except (OptionError, Cancelled):
            raise
        except MalsoriError as error:
            recording.error = error

    def _behind(self, duration: float) -> Iterator[str]:
        """Tell of stretches that were named and begin behind the end."""
        for start in self._options.speech.clip_timestamps[::2]:
            if start >= duration:
                yield f"clip_timestamps: {start:g} s is behind the end, {duration:g} s; nothing is recognised there"

    def open(self, source: AudioSource) -> Blocks:
        """Return the blocks of `source`, opened."""
        options = self._options.source
        return decode_blocks(
            source,
            sample_rate=options.sample_rate,
            allow_truncated=options.allow_truncated,
            track=options.track,
            start_at_zero=options.start_at_zero,
        )

    def pieces(self, blocks: Iterable[Audio]) -> Iterator[Clip]:
        """Return the clips to be read: stretches of speech, several in one that fill a window, or all that there is."""
        if self._options.speech.clip_timestamps:
            return clips(blocks, self._options.speech.clip_timestamps, self._longest)
        if not self._options.speech.vad:
            return slices(blocks, self._longest)
        fills = self._engine.fills_windows
        stretches = pieces_of(blocks, self._detector(), self._gate, moment=MOMENT if fills else 0)
        return filled(stretches, self._longest) if fills and not self._several_languages else stretches

    def opening(self, pieces: Iterator[Clip]) -> list[Clip]:
        """Take from `pieces` those that the language is told from."""
        return opening(pieces, self._listened)

    def languages(self, pieces: Sequence[Clip]) -> dict[str, float]:
        """Return the languages of some speech with their probabilities, from its first 30 s, or more by the options.

        Raises `OptionError` for a model that knows several and cannot tell them apart.
        """
        if not isinstance(self._engine, TellsLanguages):
            return _only_language(self._engine.manifest)
        speech = np.concatenate([piece.audio for piece in pieces])
        return self._engine.detect_language(
            speech[: round(self._listened * SAMPLE_RATE)], replace(self._options.decoding, language=None)
        )

    @property
    def _listened(self) -> float:
        """Seconds of speech from which the language is told at most."""
        return LANGUAGE_SECONDS * self._options.decoding.whisper.language_detection_segments

    @property
    def _longest(self) -> float:
        """Seconds that a piece may have: what was asked for, or else what suits the engine."""
        if self._options.speech.gate.max_speech_s is not None:
            return self._options.speech.gate.max_speech_s
        gated = self._options.speech.vad and not self._options.speech.clip_timestamps
        return math.inf if self._engine.long_form and not gated else self._engine.longest_clip

    @property
    def _gate(self) -> GateOptions:
        """How speech is found, with what nobody asked for as suits the engine."""
        fills = self._engine.fills_windows and self._longest >= LEAST_FILLED
        asked, usual = self._options.speech.gate, FILLING if fills else DEFAULT_GATE
        return replace(usual, **{**given(asked), "max_speech_s": self._longest})

    @property
    def _several_languages(self) -> bool:
        """Whether each window may have a language of its own: then none holds more than a stretch."""
        return self._options.decoding.whisper.multilingual and self._options.decoding.language is None

    def _set_language(self, head: Sequence[Clip], recording: Recording) -> None:
        """Set the recording's language: unless it is asked to, it must not change from one pause to the next."""
        several = len(self._engine.manifest.languages) != 1
        if self._several_languages:
            return
        if self._options.decoding.language is not None:
            recording.language = self._options.decoding.language
        elif several and isinstance(self._engine, TellsLanguages) and not self._alone(head):
            languages = self.languages(head)
            recording.language, recording.language_probability = next(iter(languages.items()))

    def _counted(self, blocks: Iterable[Audio], recording: Recording) -> Iterator[Audio]:
        for block in blocks:
            self._options.decoding.check_cancelled()
            recording.samples += len(block)
            recording.loudness.push(block)
            self._tell(recording)
            yield block

    def _alone(self, head: Sequence[Clip]) -> bool:
        """Whether these are all the pieces, and at most one: then the engine's own detection sees the same sound."""
        if not head:
            return True
        whole = math.isinf(self._longest)
        return len(head) == 1 and (whole or head[0].seconds < self._listened)


def _only_language(manifest: Manifest) -> dict[str, float]:
    """Return the model's only language with probability 1. Raises `OptionError` when it knows several."""
    if len(manifest.languages) != 1:
        raise OptionError(f"{manifest.name} knows {', '.join(manifest.languages)}, and cannot tell which was spoken")
    return {manifest.languages[0]: 1.0}
