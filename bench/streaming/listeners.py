"""The listeners that `waits.py` compares, all with the same weights: our streams, and loops that are in use.

`Chunks` is how Hugging Face's pipeline listens to a microphone with a CTC model (transformers PR 15843): every second
the open window of up to 10 s goes through the model whole, and when it is full its middle is kept and the next one
begins a third earlier. `FinalsOnly` is how voice-gated transcribers work, which cut where a pause falls and say nothing
before (wav2vec2-live, sherpa-onnx with offline models). `Growing` is the loop of whisper_streaming
(`peer.py`), which reads its whole buffer, padded to 30 s, at each step.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.streaming.peer import Loop
from bench.streaming.replay import View
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.events import Event, Final, Partial
from malsori.pipeline import Transcriber
from malsori.types import SAMPLE_RATE

CHUNK = 10 * SAMPLE_RATE
STRIDE = CHUNK // 6  # of each side, the pipeline's default
HOP = SAMPLE_RATE  # its stream_chunk_s of 1 s
Sound = NDArray[np.float32]


class Ours:
    """A stream of ours."""

    def __init__(self, finals: Transcriber, **options: Any) -> None:
        self._stream = finals.stream(**options)
        self._settled: tuple[str, ...] = ()
        self._shown = View((), ())

    def push(self, block: Sound) -> View | None:
        """Take a block."""
        return self._view(self._stream.push(block))

    def flush(self) -> View | None:
        """End the sound."""
        return self._view(self._stream.flush())

    def _view(self, events: list[Event]) -> View | None:
        view = self._shown
        for event in events:
            if isinstance(event, Partial):
                view = View(self._settled, tuple(event.text.split()))
            elif isinstance(event, Final):
                self._settled += tuple(event.text.split())
                view = View(self._settled, ())
        changed, self._shown = view != self._shown, view
        return view if changed else None


class FinalsOnly(Ours):
    """The same without partials."""

    def __init__(self, finals: Transcriber, **options: Any) -> None:
        super().__init__(finals, partials=False, **options)


@dataclass
class Growing:
    """The loop of whisper_streaming in steps of a second, without a gate, as it runs by default."""

    loop: Loop
    waiting: Sound = field(default_factory=lambda: np.zeros(0, np.float32))
    text: str = ""

    def push(self, block: Sound) -> View | None:
        """Take a block; every second the buffer is read."""
        self.waiting = np.concatenate([self.waiting, block])
        if len(self.waiting) < HOP:
            return None
        sound, self.waiting = self.waiting, self.waiting[:0]
        self.text, stable = self.loop.push(sound)
        settled = tuple(stable.split())
        return View(settled, tuple(self.text.split())[len(settled) :])

    def flush(self) -> View | None:
        """Read what is left; all of it counts as settled."""
        if len(self.waiting):
            self.text, _ = self.loop.push(self.waiting)
        return View(tuple(self.text.split()), ())


@dataclass
class Chunks:
    """The chunks of Hugging Face's pipeline, without a gate."""

    engine: Wav2Vec2Engine
    sound: Sound = field(default_factory=lambda: np.zeros(0, np.float32))
    heard: int = 0  # samples of `sound` at the last step
    logits: list[NDArray[np.float32]] = field(default_factory=list)  # of what is kept of the chunks before
    first: bool = True

    def push(self, block: Sound) -> View | None:
        """Take a block; every second the window is computed."""
        self.sound = np.concatenate([self.sound, block])
        if len(self.sound) >= CHUNK:
            return self._next()
        if len(self.sound) - self.heard >= HOP:
            return self._view(self._hear(self.sound))
        return None

    def flush(self) -> View | None:
        """Settle what is left."""
        self.logits.append(self._hear(self.sound))
        return View(self._words(np.concatenate(self.logits)), ())

    def _next(self) -> View:
        """Keep the middle of a full window and begin the next one where what is kept ends, a stride earlier."""
        logits = self._hear(self.sound[:CHUNK])
        self.logits.append(logits[: len(logits) - self._frames(STRIDE)])
        self.sound = self.sound[CHUNK - 2 * STRIDE :]
        self.first, self.heard = False, 0
        return self._view(self._hear(self.sound))

    def _hear(self, sound: Sound) -> NDArray[np.float32]:
        self.heard = len(sound)
        (logits,) = self.engine.logits([sound])
        return logits if self.first else logits[self._frames(STRIDE) :]

    def _view(self, open_logits: NDArray[np.float32]) -> View:
        settled = self._words(np.concatenate(self.logits)) if self.logits else ()
        words = self._words(np.concatenate([*self.logits, open_logits]))
        return View(settled, words[len(settled) :])

    def _words(self, logits: NDArray[np.float32]) -> tuple[str, ...]:
        heard = self.engine.decode(logits, len(logits) * self.engine.frames.stride + CHUNK)
        return tuple(word for segment in heard.segments for word in segment.text.split())

    def _frames(self, samples: int) -> int:
        return samples // self.engine.frames.stride
