"""A loop as whisper_streaming runs it, made anew around faster-whisper: the whole buffer, padded to 30 s, at each step.

What two readings in a row agree on is committed, with its times (arXiv 2307.14743). A buffer of more than 15 s is cut
behind the last segment but one, if that is committed. Words that end before what is committed are passed over, and so
are up to five at the seam that repeat it. The committed text that has left the buffer is not given as a prompt: that
costs time, and nano-whisper, which never learned from prompts, drops words by it. Both are in the loop's favour.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from bench.recordings import RATE, Audio
from bench.whisper.peers import faster_model

TRIMMED = 15.0  # seconds of buffer from which on it is cut
SEAM = 5  # words at most that are looked at for a repetition
NEAR = 1.0  # seconds between what is committed and what may repeat it
BEFORE = 0.1  # seconds that a word may begin before what is committed


@dataclass(frozen=True, slots=True)
class Timed:
    """A word on the clock of the utterance."""

    start: float
    end: float
    text: str


@dataclass(frozen=True, slots=True)
class Read:
    """A reading of the buffer, times from its start: words, and where segments end."""

    words: tuple[Timed, ...]
    segments: tuple[float, ...]


class Loop:
    """One utterance; `read` hears a buffer."""

    def __init__(self, read: Callable[[Audio], Read]) -> None:
        self._read = read
        self._buffer = np.zeros(0, np.float32)
        self._begin = 0.0
        self._committed: list[Timed] = []
        self._open: list[Timed] = []

    def push(self, sound: Audio) -> tuple[str, str]:
        """Return the text so far, and how much of it is committed."""
        self._buffer = np.append(self._buffer, sound)
        found = self._read(self._buffer)
        fresh = self._behind([Timed(w.start + self._begin, w.end + self._begin, w.text) for w in found.words])
        count = agreed(self._open, fresh)
        self._committed += fresh[:count]
        self._open = fresh[count:]
        if len(self._buffer) > TRIMMED * RATE:
            self._trim([end + self._begin for end in found.segments])
        stable = " ".join(word.text for word in self._committed)
        return " ".join([*([stable] if stable else []), *(word.text for word in self._open)]), stable

    def _behind(self, words: Sequence[Timed]) -> list[Timed]:
        """Return the words behind what is committed."""
        if not self._committed:
            return list(words)
        last = self._committed[-1].end
        fresh = [word for word in words if word.start > last - BEFORE]
        if fresh and abs(fresh[0].start - last) < NEAR:
            texts, said = [word.text for word in fresh], [word.text for word in self._committed]
            for count in range(1, min(SEAM, len(said), len(texts)) + 1):
                if said[-count:] == texts[:count]:
                    return fresh[count:]
        return fresh

    def _trim(self, ends: Sequence[float]) -> None:
        """Cut the buffer behind the last complete segment that is committed."""
        last = self._committed[-1].end if self._committed else 0.0
        done = [end for end in ends[:-1] if end <= last]
        if done and done[-1] > self._begin:
            self._buffer = self._buffer[round((done[-1] - self._begin) * RATE) :]
            self._begin = done[-1]


def agreed(before: Sequence[Timed], now: Sequence[Timed]) -> int:
    """Return how many words both begin with."""
    count = 0
    for one, other in zip(before, now, strict=False):
        if one.text != other.text:
            break
        count += 1
    return count


def transcriber(folder: Path, beam: int, **options: Any) -> Callable[..., list[Any]]:
    """Return what hears a buffer with faster-whisper, as the loop does but for `options`: its segments."""
    model = faster_model(folder)
    usual: dict[str, Any] = {"beam_size": beam, "condition_on_previous_text": False} | options
    return lambda buffer, **more: list(model.transcribe(buffer, **usual, **more)[0])


def reader(folder: Path, beam: int) -> Callable[[Audio, str], Read]:
    """Return what hears a buffer in a language with faster-whisper's own defaults, its fallback among them."""
    transcribe = transcriber(folder, beam, word_timestamps=True)

    def read(buffer: Audio, language: str) -> Read:
        segments = transcribe(buffer, language=language)
        words = tuple(Timed(w.start, w.end, w.word.strip()) for each in segments for w in each.words)
        return Read(words, tuple(each.end for each in segments))

    return read
