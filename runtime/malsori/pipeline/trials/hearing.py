"""The recordings of a trial with their transcripts, and the texts of an engine for their stretches of speech."""

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

ENDINGS = (".aac", ".flac", ".m4a", ".mp3", ".mp4", ".oga", ".ogg", ".opus", ".wav", ".webm")  # of files in folders
TRANSCRIPT = ".txt"
SAMPLES = {"english.wav": "en", "korean.wav": "ko", "numbers.wav": "ko"}  # in samples/ of the checkout
LANGUAGE = 30 * SAMPLE_RATE  # samples in which the language is detected: a window of Whisper
CERTAIN = (0.0,)  # temperature: sampling would give other words each time
WARM = 10  # the first reading, to warm up, is in a window of 30 s divided by this
clock = perf_counter


def find_recordings(given: Sequence[Path], languages: Collection[str]) -> list[Path]:
    """Return the files given, in order, with folders replaced by the recordings in them, sorted.

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

    Silence is left out, since networks that agree on it prove nothing. A recording without speech is returned whole,
    cut into such lengths.
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


@dataclass(frozen=True, slots=True)
class HeardClip:
    """The text of a clip; `logits` are float32 `(frames, vocabulary)` from a CTC model, None from Whisper."""

    text: str
    logits: NDArray[np.float32] | None = None


def check_comparable(engine: Engine, against: Engine) -> None:
    """Raise `OptionError` for two models of different kind, frames or vocabulary."""
    names = f"{against.manifest.name} cannot be compared with {engine.manifest.name}"
    if engine.manifest.kind != against.manifest.kind:
        raise OptionError(f"{names}: {against.manifest.kind} is not {engine.manifest.kind}")
    ours, theirs = ((getattr(one, "vocabulary", None), getattr(one, "frames", None)) for one in (engine, against))
    if ours != theirs:
        raise OptionError(f"{names}: their vocabularies or their frames differ, so they are not one model")


def options_for(engine: Engine, clips: Sequence[Audio]) -> DecodeOptions:
    """Return the options for the clips of one recording: one language for all, no sampling."""
    if not isinstance(engine, TellsLanguages):
        return DecodeOptions()
    language = next(iter(engine.detect_language(np.concatenate(clips)[:LANGUAGE]))) if clips else None
    return DecodeOptions(language=language, temperature=CERTAIN)


def listen(engine: Engine, clips: Sequence[Audio], options: DecodeOptions) -> list[HeardClip]:
    """Return the text of each clip, recognised in one call."""
    if isinstance(engine, HasLogits):
        pairs = zip(clips, engine.logits(clips, options.batch_size), strict=True)
        return [HeardClip(_spoken(engine.decode(logits, len(clip), options)), logits) for clip, logits in pairs]
    return [HeardClip(_spoken(hypothesis)) for hypothesis in engine.transcribe(clips, options)]


def work(engine: Engine, clip: Audio) -> Callable[[], object]:
    """Return the work to time for one clip: the network of a CTC model, the whole transcription of Whisper."""
    if isinstance(engine, HasLogits):
        return lambda: engine.logits([clip])
    options = options_for(engine, [clip])
    return lambda: engine.transcribe([clip], options)


def _spoken(hypothesis: Hypothesis) -> str:
    return " ".join(joined(hypothesis.segments).split())


@dataclass(slots=True)
class TrialRecording:
    """One file: its stretches of speech, its transcript if there is one, and the runs of each stretch by window."""

    path: Path
    transcript: str | None
    clips: list[Audio]
    runs: list[dict[int, Run]] = field(default_factory=list)
    language: str | None = None

    @property
    def take(self) -> Take:
        """The runs until now, without the sound."""
        heard = [HeardWindows(len(clip), runs) for clip, runs in zip(self.clips, self.runs, strict=True)]
        return Take(self.transcript, tuple(heard))


@dataclass(slots=True)
class TrialReader:
    """Reads clips in windows of given length, each at most once; the first clip once more before, to warm up."""

    engine: WhisperEngine
    asked: DecodeOptions
    heard: Callable[[Path, int], None] = lambda path, window: None
    _warm: bool = False

    def whole(self, recording: TrialRecording) -> None:
        """Read all clips at 30 s, in one language: the one asked for, or that of the longest clip."""
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
        """Read one clip in a window of `window` mel frames, if that was not done before.

        Where the reading is rejected, the text at 30 s and the time of both count; an engine, which tries the next
        longer window first, takes no more.
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
