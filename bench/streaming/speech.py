"""Recordings for the benches of streams: sentences of espeak-ng with pauses, every word's time known."""

from __future__ import annotations

import random
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from export.nano.speech import SAMPLE_RATE
from export.nano.timed_speech import draw_timed

LEAD = 0.5  # seconds of silence before the first sentence and behind the last
ROOM = 1e-3  # of full scale: the noise of a quiet room, without which silence is nothing but zeros


@dataclass(frozen=True, slots=True)
class Spoken:
    """A word and the seconds between which it can be heard."""

    text: str
    start: float
    end: float


@dataclass(frozen=True, slots=True)
class Recording:
    """Sound, float32, 16 kHz, and its sentences, each the words in it."""

    audio: NDArray[np.float32]
    sentences: tuple[tuple[Spoken, ...], ...]

    @property
    def words(self) -> list[Spoken]:
        """Return all words in order."""
        return [word for sentence in self.sentences for word in sentence]

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return len(self.audio) / SAMPLE_RATE


def conversation(sentences: int, pause: tuple[float, float], seed: int) -> Recording:
    """Speak Korean sentences that no nano model was trained on, with pauses of so many seconds; always the same."""
    rng = random.Random(f"conversation-{seed}-{sentences}-{pause}")
    noise = np.random.default_rng(seed)
    parts, spoken, clock = [np.zeros(round(LEAD * SAMPLE_RATE), np.float32)], [], LEAD
    for _ in range(sentences):
        clip = draw_timed(rng, held_out=True)
        spoken.append(tuple(Spoken(word.text, clock + word.heard_start, clock + word.heard_end) for word in clip.words))
        silence = np.zeros(round(rng.uniform(*pause) * SAMPLE_RATE), np.float32)
        parts += [clip.audio, silence]
        clock += (len(clip.audio) + len(silence)) / SAMPLE_RATE
    audio = np.concatenate([*parts, np.zeros(round(LEAD * SAMPLE_RATE), np.float32)])
    audio += noise.normal(0, ROOM, len(audio)).astype(np.float32)
    return Recording(audio.astype(np.float32), tuple(spoken))
