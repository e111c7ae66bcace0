"""Long utterances of known words, and what is told of a stream's partial texts: right, changed, wrong, and how late.

An utterance is made of sentences of one held-out voice (`export/nano/speech.py`) with pauses too short for its end.
When each word ends is told by the file mode's word times of its sentence alone, which nano-whisper hears nearly always
word for word; where it does not, the words share the sentence's time evenly.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise, takewhile

import jiwer
import numpy as np

from bench.recordings import RATE, Audio
from export.nano.speech import Utterance
from malsori import Transcriber

PAUSES = (0.3, 0.5)  # seconds between the sentences of an utterance
BEFORE = 0.2  # seconds of silence before its first word
LOUD = 0.7  # of full scale at most


@dataclass(frozen=True, slots=True)
class Spoken:
    """An utterance, its words, and the seconds at which each of them ends."""

    audio: Audio
    words: tuple[str, ...]
    ends: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """Length of the sound."""
        return len(self.audio) / RATE


@dataclass(frozen=True, slots=True)
class Partial:
    """A text that was shown after so many seconds of sound, and how much of it was called stable."""

    at: float
    text: str
    stable: str


@dataclass(slots=True)
class Story:
    """What happened to the partial texts of some utterances."""

    spoken: list[str] = field(default_factory=list)
    last: list[str] = field(default_factory=list)
    seconds: float = 0.0
    changed: int = 0
    stable: int = 0
    wrong: int = 0
    shown_after: list[float] = field(default_factory=list)
    stable_after: list[float] = field(default_factory=list)

    def add(self, utterance: Spoken, partials: Sequence[Partial]) -> None:
        """Count one utterance."""
        self.spoken.append(" ".join(utterance.words))
        self.last.append(partials[-1].text or "-")
        self.seconds += utterance.seconds
        for before, after in pairwise(partials):
            self.changed += len(before.text.split()) - _common(before.text.split(), after.text.split())
        settled = partials[-1].stable.split()
        self.stable += len(settled)
        right = _matches(utterance.words, settled)
        self.wrong += len(settled) - len(right)
        for index, place in right:
            at = next(each.at for each in partials if len(each.stable.split()) > place)
            self.stable_after.append(at - utterance.ends[index])
        for index, place in _matches(utterance.words, partials[-1].text.split()):
            at = _standing(partials, place)
            self.shown_after.append(at - utterance.ends[index])

    @property
    def error_rate(self) -> float:
        """Word error rate of the last partial text, percent."""
        return 100 * float(jiwer.wer(self.spoken, self.last))

    @property
    def flicker(self) -> float:
        """Words shown that were changed or taken back, per minute."""
        return 60 * self.changed / self.seconds

    @property
    def contradicted(self) -> float:
        """Percent of the stable words that were not said there."""
        return 100 * self.wrong / max(self.stable, 1)


def utterances(
    transcriber: Transcriber, pool: Sequence[Utterance], seconds: float, count: int, seed: int = 0
) -> list[Spoken]:
    """Return `count` utterances of about so many seconds, each in one voice."""
    made = []
    for index in range(count):
        rng = np.random.default_rng([seed, index])
        voices = sorted({each.voice for each in pool})
        voice = [each for each in pool if each.voice == voices[index % len(voices)]]
        made.append(_joined(transcriber, voice, seconds, rng))
    return made


def _joined(transcriber: Transcriber, pool: Sequence[Utterance], seconds: float, rng: np.random.Generator) -> Spoken:
    parts = [np.zeros(round(BEFORE * RATE), np.float32)]
    words: list[str] = []
    ends: list[float] = []
    chosen = iter(rng.permutation(len(pool)))
    while (begin := sum(map(len, parts)) / RATE) < seconds:
        each = pool[int(next(chosen))]
        sound = each.audio.astype(np.float32) / 32_768 * LOUD
        words += each.text.split()
        ends += [begin + end for end in _ends(transcriber, sound, each)]
        parts += [sound, np.zeros(round(float(rng.uniform(*PAUSES)) * RATE), np.float32)]
    return Spoken(np.concatenate(parts), tuple(words), tuple(ends))


def _ends(transcriber: Transcriber, sound: Audio, said: Utterance) -> list[float]:
    """Return the second at which each word of a sentence ends."""
    heard = transcriber.transcribe(sound, language=said.language, vad=False, word_timestamps=True)
    words = [word for segment in heard.segments for word in segment.words]
    if [word.text for word in words] == said.text.split():
        return [word.end for word in words]
    count = len(said.text.split())
    return [said.seconds * (index + 1) / count for index in range(count)]


def _common(before: Sequence[str], after: Sequence[str]) -> int:
    """Return how many words both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(before, after, strict=False)))


def _matches(said: Sequence[str], heard: Sequence[str]) -> list[tuple[int, int]]:
    """Return the words that are the same in the best alignment, as their places in both."""
    if not said or not heard:
        return []
    (chunks,) = jiwer.process_words([" ".join(said)], [" ".join(heard)]).alignments
    return [
        (chunk.ref_start_idx + step, chunk.hyp_start_idx + step)
        for chunk in chunks
        if chunk.type == "equal"
        for step in range(chunk.ref_end_idx - chunk.ref_start_idx)
    ]


def _standing(partials: Sequence[Partial], place: int) -> float:
    """Return when the word at that place was shown, together with all before it, for good."""
    final = partials[-1].text.split()[: place + 1]
    since = partials[-1].at
    for each in reversed(partials):
        if each.text.split()[: place + 1] != final:
            break
        since = each.at
    return since
