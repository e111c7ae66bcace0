"""Hearing the recordings of a calibration, each clip at most once in each window.

The full window comes first, for its reading is what `transcribe` falls back on wherever a shorter one does not stand.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

from ...engines.base import DecodeOptions
from ...engines.whisper.engine import WhisperEngine
from ...engines.whisper.features import MEL_RATE, WINDOW
from ...types import Audio, Hypothesis
from .figures import Heard, Run, Take

WARM = 10  # a tenth of the full window is enough for that
clock = perf_counter


@dataclass(slots=True)
class Recording:
    """The stretches of speech of one file, what was said in it if anybody wrote that down, and what was heard."""

    path: Path
    transcript: str | None
    clips: list[Audio]
    runs: list[dict[int, Run]] = field(default_factory=list)
    language: str | None = None

    @property
    def take(self) -> Take:
        """What was heard until now, without the sound."""
        heard = [Heard(len(clip), runs) for clip, runs in zip(self.clips, self.runs, strict=True)]
        return Take(self.transcript, tuple(heard))


@dataclass(slots=True)
class Listener:
    """An engine whose windows are chosen from outside; the first clip is heard once more, to warm it up."""

    engine: WhisperEngine
    asked: DecodeOptions
    heard: Callable[[Path, int], None] = lambda path, window: None
    _warm: bool = False

    def whole(self, recording: Recording) -> None:
        """Hear all clips at 30 s, in one language: the one asked for, or that of the longest clip."""
        recording.runs = [{} for _ in recording.clips]
        recording.language = self.asked.language
        for index in sorted(range(len(recording.clips)), key=lambda index: -len(recording.clips[index])):
            if not self._warm:
                self._timed(recording.clips[index], WINDOW // WARM, self.asked)
                self._warm = True
            hypothesis, seconds = self._timed(recording.clips[index], WINDOW, self._options(recording))
            assert hypothesis is not None  # there is no longer window to read it again in
            recording.language = recording.language or hypothesis.language
            recording.runs[index][WINDOW] = Run(_text(hypothesis), seconds, False)
            self.heard(recording.path, WINDOW)

    def short(self, recording: Recording, index: int, window: int) -> None:
        """Hear one clip in a window of so many mel frames, if that was not done before.

        Where the reading does not stand, what counts is that at 30 s, and the time of both: the engine, which tries the
        next longer window before that, takes no more.
        """
        runs = recording.runs[index]
        if window in runs:
            return
        hypothesis, seconds = self._timed(recording.clips[index], window, self._options(recording))
        full = runs[WINDOW]
        if hypothesis is None:
            runs[window] = replace(full, seconds=seconds + full.seconds, retried=True)
        else:
            runs[window] = Run(_text(hypothesis), seconds, False)
        self.heard(recording.path, window)

    def _options(self, recording: Recording) -> DecodeOptions:
        return replace(self.asked, language=recording.language)

    def _timed(self, clip: Audio, window: int, options: DecodeOptions) -> tuple[Hypothesis | None, float]:
        context = {"floor_s": window / MEL_RATE, "margin_s": 0.0}
        self.engine.manifest = replace(self.engine.manifest, audio_context=context)
        start = clock()
        hypothesis = self.engine.read_once(clip, options)
        return hypothesis, clock() - start


def _text(hypothesis: Hypothesis) -> str:
    return " ".join(segment.text for segment in hypothesis.segments)
