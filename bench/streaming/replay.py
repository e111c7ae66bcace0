"""What somebody sees who watches a live transcript, and when: a recording replayed on a clock of its own.

A block is there when its last sample has been spoken, or later, when the listener is done with the block before. So a
recording takes as long as its computing does, and delays are those of a listener that has the machine to itself.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from bench.streaming.speech import Recording
from export.nano.speech import SAMPLE_RATE

BLOCK = 640  # samples, 40 ms: what sound cards give


@dataclass(frozen=True, slots=True)
class View:
    """What is shown: words that stay as they are, and behind them words that may still change."""

    settled: tuple[str, ...]
    open: tuple[str, ...]

    @property
    def words(self) -> tuple[str, ...]:
        """Return all words."""
        return self.settled + self.open


class Listener(Protocol):
    """A live transcriber: each call says what is to be shown from now on, None where that is what it was."""

    def push(self, block: NDArray[np.float32]) -> View | None:
        """Take a block of any length."""
        ...

    def flush(self) -> View | None:
        """End the sound."""
        ...


@dataclass(frozen=True, slots=True)
class Replay:
    """The views of a recording, each with the second at which it came, and the seconds of processor that it took."""

    recording: Recording
    views: tuple[tuple[float, View], ...]
    cpu: float


def replay(listener: Listener, recording: Recording) -> Replay:
    """Let a listener hear a recording in blocks of 40 ms."""
    views: list[tuple[float, View]] = []
    clock, cpu = 0.0, time.process_time()
    for start in range(0, len(recording.audio), BLOCK):
        block = recording.audio[start : start + BLOCK]
        clock = max(clock, (start + len(block)) / SAMPLE_RATE)
        began = time.perf_counter()
        view = listener.push(block)
        clock += time.perf_counter() - began
        if view is not None:
            views.append((clock, view))
    began = time.perf_counter()
    if (view := listener.flush()) is not None:
        views.append((clock + time.perf_counter() - began, view))
    return Replay(recording, tuple(views), time.process_time() - cpu)


@dataclass(frozen=True, slots=True)
class Delays:
    """Seconds: until a sentence's first word is shown, in whatever form, after it began; until a word is shown as it
    stays, after it ended; until a sentence's last word is settled, after it ended. `words` are those heard rightly, of
    all that were spoken.
    """

    first: tuple[float, ...]
    word: tuple[float, ...]
    final: tuple[float, ...]
    words: float
    flicker: float  # shown words that were changed or taken back, per minute of sound


def delays(found: Replay) -> Delays:
    """Return how long a reader waited for words."""
    spoken = found.recording.words
    shown = found.views[-1][1].words if found.views else ()
    place = _places([word.text for word in spoken], shown)
    first, word, final = [], [], []
    index = 0
    for sentence in found.recording.sentences:
        positions = [place.get(index + offset) for offset in range(len(sentence))]
        index += len(sentence)
        if positions[0] is not None:
            first.append(_since(found, positions[0], "there") - sentence[0].start)
        if positions[-1] is not None:
            final.append(_since(found, positions[-1], "settled") - sentence[-1].end)
        for each, position in zip(sentence, positions, strict=True):
            if position is not None:
                word.append(_since(found, position, "right") - each.end)
    changes = sum(_changed(before.words, after.words) for (_, before), (_, after) in pairwise(found.views))
    minutes = found.recording.seconds / 60
    return Delays(tuple(first), tuple(word), tuple(final), len(place) / len(spoken), changes / minutes)


def _places(spoken: Sequence[str], shown: Sequence[str]) -> dict[int, int]:
    """Return for each spoken word that is shown in the end, where."""
    blocks = SequenceMatcher(None, spoken, shown, autojunk=False).get_matching_blocks()
    return {block.a + shift: block.b + shift for block in blocks for shift in range(block.size)}


def _since(found: Replay, position: int, how: str) -> float:
    """Return since when the word at a position has been there, settled, or as it stays in the end."""
    last = found.views[-1][1].words[position]
    since = 0.0
    holds = False
    for at, view in found.views:
        words = view.settled if how == "settled" else view.words
        now = position < len(words) and (how != "right" or words[position] == last)
        if now and not holds:
            since = at
            if how == "there":
                break
        holds = now
    return since


def _changed(before: Sequence[str], after: Sequence[str]) -> int:
    """Return how many words of `before` are not in their place any more; one that only grew is."""
    return sum(index >= len(after) or not after[index].startswith(word) for index, word in enumerate(before))
