"""The recordings of a trial, what was said in them where that is written down, and what an engine hears.

A calibration hears each clip at most once in each window.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from ...audio import decode, decode_blocks
from ...bundles.places import checkout
from ...engines.base import DecodeOptions, Engine, HasLogits, TellsLanguages
from ...engines.whisper.engine import WhisperEngine
from ...engines.whisper.features import MEL_RATE, WINDOW
from ...errors import OptionError
from ...joining import joined
from ...types import SAMPLE_RATE, Audio, Hypothesis
from ...vad import GateOptions, SileroDetector
from ..files.stretches import stretches_of
from .figures import HeardWindows, Run, Take

ENDINGS = (".aac", ".flac", ".m4a", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".wav", ".webm")  # looked for in folders
TRANSCRIPT = ".txt"
SAMPLES = {"english.wav": "en", "korean.wav": "ko", "numbers.wav": "ko"}  # in samples/ of the checkout


def find_recordings(given: Sequence[Path], languages: Collection[str]) -> list[Path]:
    """Return the files given, in that order, and in the place of a folder the recordings in it, sorted.

    With nothing given these are the samples of the checkout in the languages of the model, or all of them for a model
    that knows none of these. Raises `OptionError` for a folder without recordings, and where there is no checkout.
    """
    if not given:
        return _samples(languages)
    return [path for entry in given for path in (_inside(entry) if entry.is_dir() else [entry])]


def transcript_of(path: Path) -> str | None:
    """Return the text in FILE.txt beside a recording, its lines joined by spaces; None where there is no such file."""
    try:
        lines = path.with_suffix(TRANSCRIPT).read_text("utf-8-sig").split()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise OptionError(f"{path.with_suffix(TRANSCRIPT)}: expected a transcript in UTF-8, found {error}") from error
    return " ".join(lines)


def speech_of(path: Path) -> list[Audio]:
    """Return the stretches of speech of a recording, in order, as the gate finds them (30 s at most each).

    Silence is left out: two networks that agree on silence agree on nothing that matters. A recording without speech
    counts whole, cut into such lengths, since somebody took it for speech.
    """
    options = GateOptions()
    with decode_blocks(path) as blocks:
        speech = [piece.audio for piece in stretches_of(blocks, SileroDetector(), options)]
    if speech:
        return speech
    samples, longest = decode(path).samples, round(options.longest * SAMPLE_RATE)
    return [samples[start : start + longest] for start in range(0, len(samples), longest)]


def _samples(languages: Collection[str]) -> list[Path]:
    root = checkout()
    found = [(root / "samples" / name, code) for name, code in SAMPLES.items()] if root else []
    there = [(path, code) for path, code in found if path.is_file()]
    if not there:
        raise OptionError("no recordings here to prove a model on; give some with --audio DIR or --audio FILE ...")
    known = [path for path, code in there if code in languages]
    return known or [path for path, _ in there]


def _inside(folder: Path) -> list[Path]:
    found = sorted(path for path in folder.rglob("*") if path.suffix.lower() in ENDINGS and path.is_file())
    if not found:
        raise OptionError(f"{folder}: expected recordings in it ({', '.join(ENDINGS)}), found none")
    return found


LANGUAGE = 30 * SAMPLE_RATE  # samples from which the language is told: a window of Whisper
CERTAIN = (0.0,)  # temperature: sampling would give other words each time


@dataclass(frozen=True, slots=True)
class HeardClip:
    """The text of a clip; `logits` are float32 `(frames, vocabulary)` from a CTC model, None from Whisper."""

    text: str
    logits: NDArray[np.float32] | None = None


def check_comparable(engine: Engine, against: Engine) -> None:
    """Raise `OptionError` for two models that do not speak of the same frames and tokens."""
    names = f"{against.manifest.name} cannot be compared with {engine.manifest.name}"
    if engine.manifest.kind != against.manifest.kind:
        raise OptionError(f"{names}: {against.manifest.kind} is not {engine.manifest.kind}")
    ours, theirs = ((getattr(one, "vocabulary", None), getattr(one, "frames", None)) for one in (engine, against))
    if ours != theirs:
        raise OptionError(f"{names}: their vocabularies or their frames differ, so they are not one model")


def options_for(engine: Engine, clips: Sequence[Audio]) -> DecodeOptions:
    """Return how to listen to the clips of one recording: in its one language, without chance."""
    if not isinstance(engine, TellsLanguages):
        return DecodeOptions()
    language = next(iter(engine.detect_language(np.concatenate(clips)[:LANGUAGE]))) if clips else None
    return DecodeOptions(language=language, temperature=CERTAIN)


def listen(engine: Engine, clips: Sequence[Audio], options: DecodeOptions) -> list[HeardClip]:
    """Return what is heard in each clip when they are given in one call."""
    if isinstance(engine, HasLogits):
        pairs = zip(clips, engine.logits(clips, options.batch_size), strict=True)
        return [HeardClip(_spoken(engine.decode(logits, len(clip), options)), logits) for clip, logits in pairs]
    return [HeardClip(_spoken(hypothesis)) for hypothesis in engine.transcribe(clips, options)]


def work(engine: Engine, clip: Audio) -> Callable[[], object]:
    """Return what to time for one clip: the graphs of a CTC model, all of Whisper's way to its words."""
    if isinstance(engine, HasLogits):
        return lambda: engine.logits([clip])
    options = options_for(engine, [clip])
    return lambda: engine.transcribe([clip], options)


def _spoken(hypothesis: Hypothesis) -> str:
    return " ".join(joined(hypothesis.segments).split())


WARM = 10  # a tenth of the full window is enough for that
clock = perf_counter


@dataclass(slots=True)
class TrialRecording:
    """The stretches of speech of one file, what was said in it if anybody wrote that down, and what was heard."""

    path: Path
    transcript: str | None
    clips: list[Audio]
    runs: list[dict[int, Run]] = field(default_factory=list)
    language: str | None = None

    @property
    def take(self) -> Take:
        """What was heard until now, without the sound."""
        heard = [HeardWindows(len(clip), runs) for clip, runs in zip(self.clips, self.runs, strict=True)]
        return Take(self.transcript, tuple(heard))


@dataclass(slots=True)
class TrialReader:
    """An engine whose windows are chosen from outside; the first clip is heard once more, to warm it up."""

    engine: WhisperEngine
    asked: DecodeOptions
    heard: Callable[[Path, int], None] = lambda path, window: None
    _warm: bool = False

    def whole(self, recording: TrialRecording) -> None:
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
            recording.runs[index][WINDOW] = Run(joined(hypothesis.segments), seconds, False)
            self.heard(recording.path, WINDOW)

    def short(self, recording: TrialRecording, index: int, window: int) -> None:
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
            runs[window] = Run(joined(hypothesis.segments), seconds, False)
        self.heard(recording.path, window)

    def _options(self, recording: TrialRecording) -> DecodeOptions:
        return replace(self.asked, language=recording.language)

    def _timed(self, clip: Audio, window: int, options: DecodeOptions) -> tuple[Hypothesis | None, float]:
        context = {"floor_s": window / MEL_RATE, "margin_s": 0.0}
        self.engine.manifest = replace(self.engine.manifest, audio_context=context)
        start = clock()
        hypothesis = self.engine.read_without_retry(clip, options)
        return hypothesis, clock() - start
