"""An engine and a detector that go by loudness, and the sounds to feed them: tests of the way, not of the words.

`python -m tests.loudness ...` is the command `malsori` with that engine for a model, slow when the environment says so.
"""

from __future__ import annotations

import io
import os
import sys
import time
import wave
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from malsori import pipeline
from malsori.bundles.manifest import Manifest
from malsori.engines.base import DecodeOptions, Layer
from malsori.engines.session import SessionOptions, TextSoFar
from malsori.engines.wav2vec2.batches import Grouping, plan
from malsori.errors import EngineError, ModelNotFound
from malsori.types import SAMPLE_RATE, Audio, Hypothesis, Segment, Word


class LoudnessDetector:
    """Any frame that is not silent is speech."""

    frame = 480

    def __init__(self) -> None:
        self.reset()

    def push(self, block: Audio) -> NDArray[np.float32]:
        samples = np.concatenate([self._rest, block])
        whole = len(samples) - len(samples) % self.frame
        self._rest = samples[whole:]
        return (np.abs(samples[:whole].reshape(-1, self.frame)).max(axis=1) > 0.01).astype(np.float32)

    def flush(self) -> NDArray[np.float32]:
        rest = self.push(np.zeros(-len(self._rest) % self.frame, np.float32))
        self.reset()
        return rest

    def reset(self) -> None:
        self._rest = np.zeros(0, np.float32)


class LoudnessSession:
    """Has heard a word for each tenth of a second, and of one that is not over a letter for each hundredth."""

    def __init__(self, step: int, engine: LoudnessEngine) -> None:
        self.step = step
        self.heard = 0
        self.engine = engine

    def push(self, sound: Audio) -> TextSoFar:
        if self.engine.broken:
            raise EngineError("the session broke")
        if self.engine.foreign is not None:
            raise self.engine.foreign
        self.heard += len(sound)
        hundredths = self.heard * 100 // SAMPLE_RATE
        stable = "w " * (hundredths // 10)
        return TextSoFar(stable + "x" * (hundredths % 10), stable)


class LoudnessEngine:
    """Hears `wN` in a clip whose loudest sample is N hundredths; fails on a clip with the loudness of `poison`."""

    def __init__(self, *languages: str, kind: str = "whisper", poison: int | None = None) -> None:
        self.manifest = manifest(languages or ("ko",), kind)
        self.long_form = kind == "whisper"
        self.fills_windows = False
        self.longest_clip = 30.0 if self.long_form else 120.0
        self.poison = poison
        self.calls: list[list[float]] = []
        self.options: list[DecodeOptions] = []
        self.opened: list[DecodeOptions] = []  # for sessions
        self.previous: list[list[str]] = []
        self.detections: list[float] = []
        self.sessions: list[LoudnessSession] = []
        self.broken = False  # whether its sessions are
        self.foreign: BaseException | None = None  # what every call of it raises
        if kind == "whisper":  # the others tell no languages
            self.detect_language = self._detect_language

    def check(self, options: DecodeOptions) -> tuple[str, ...]:
        return tuple(f"the hot word {word.text!r} is left out" for word in options.hotwords)

    def batches(self, lengths: Sequence[int], options: DecodeOptions) -> list[list[int]]:
        return list(plan(lengths, Grouping.MASKED, options.batch_size))

    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        options.check_cancelled()
        if self.foreign is not None:
            raise self.foreign
        _dawdle("LOUDNESS_ENGINE_SECONDS")
        if sum(map(len, clips)) > 10 * SAMPLE_RATE:
            _dawdle("LOUDNESS_LONG_CALL_SECONDS")
        self.calls.append([len(clip) / SAMPLE_RATE for clip in clips])
        self.options.append(options)
        self.previous.append(list(previous))
        return [self.hear(clip, options) for clip in clips]

    def _detect_language(self, clip: Audio, options: DecodeOptions | None = None) -> dict[str, float]:
        self.detections.append(len(clip) / SAMPLE_RATE)
        return {"en": 0.75, "ko": 0.25}

    def open(self, options: DecodeOptions, session: SessionOptions = SessionOptions()) -> LoudnessSession:  # noqa: B008
        self.opened.append(options)
        self.sessions.append(LoudnessSession(round((session.step_s or 0.5) * SAMPLE_RATE), self))
        return self.sessions[-1]

    def embed(self, clip: Audio, layer: Layer = -1) -> NDArray[np.float32]:
        """Return three layers of as many states as the layer says, or one of them."""
        layers = np.repeat(np.arange(3, dtype=np.float32), len(clip) // 320 * 4).reshape(3, -1, 4)
        return layers if layer == "all" else layers[layer]

    def hear(self, clip: Audio, options: DecodeOptions) -> Hypothesis:
        loudness = round(float(np.abs(clip).max()) * 100)
        if loudness == self.poison:
            raise EngineError("the engine choked")
        text, end = f"w{loudness}", len(clip) / SAMPLE_RATE
        words = (Word(text, 0.1, end + 5.0, 0.9),) if options.word_timestamps else ()
        return Hypothesis((Segment(f" {text} ", 0.1, end + 5.0, 0.9, words),), options.language or "en", 0.5)


def manifest(languages: tuple[str, ...], kind: str) -> Manifest:
    return Manifest(
        name="loudness",
        kind="whisper" if kind == "whisper" else "wav2vec2-ctc",
        source="",
        revision="",
        licence="MIT",
        languages=languages,
        description="",
        quantization="none",
        sample_rate=SAMPLE_RATE,
        frame_stride=320,
        files={},
        sizes={},
    )


def recording(*utterances: tuple[int, float], pause: float = 2.0) -> Audio:
    """Utterances of (loudness in hundredths, seconds), a pause before each and one at the end."""
    silence = np.zeros(round(pause * SAMPLE_RATE), np.float32)
    parts = [
        part
        for loudness, seconds in utterances
        for part in (silence, tone(loudness / 100, round(seconds * SAMPLE_RATE)))
    ]
    return np.concatenate([*parts, silence])


def tone(amplitude: float, samples: int) -> Audio:
    return (amplitude * np.where(np.arange(samples) % 40 < 20, 1, -1)).astype(np.float32)


def wav(audio: Audio) -> bytes:
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes((audio * 32767).astype("<i2").tobytes())
    return buffer.getvalue()


def make_clips(folder: Path) -> None:
    """Write `one.wav`, in which `w10` is heard, and `two.wav`, in which `w20 w30` is."""
    (folder / "one.wav").write_bytes(wav(recording((10, 0.5), pause=1.0)))
    (folder / "two.wav").write_bytes(wav(recording((20, 0.5), (30, 0.5), pause=1.0)))


def load(model: str, **_: Any) -> pipeline.Transcriber:
    """Stand in for `malsori.load`: there is one model, `nano-ctc-ko`, and it goes by loudness."""
    _dawdle("LOUDNESS_LOAD_SECONDS")
    if model != "nano-ctc-ko":
        raise ModelNotFound(model, ["nano-ctc-ko"], ["models"])
    return pipeline.Transcriber(LoudnessEngine("ko", "en"), detector=LoudnessDetector)


def _dawdle(setting: str) -> None:
    if setting in os.environ:
        (Path.cwd() / "busy").touch()
        time.sleep(float(os.environ[setting]))


if __name__ == "__main__":
    from malsori.cli.main import main

    pipeline.load = load
    sys.exit(main())
