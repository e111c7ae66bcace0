"""Times of words by a CTC model, for a given text or for the hypothesis of another model."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from ...aligned import AlignedCharacter, AlignedWord
from ...bundles import find_bundle
from ...bundles.find import open_found
from ...bundles.manifest import Manifest
from ...engines.base import Engine, HasLogits
from ...engines.ctc.aligner import Aligner
from ...engines.ctc.spelling import Speller, WrittenWord
from ...engines.load import WITH_LOGITS
from ...errors import AudioTooShort, OptionError
from ...types import SAMPLE_RATE, Audio, Hypothesis, Segment, Word
from ..options import Loaded, Loading

MARGIN = 1.0  # seconds of sound around a segment where no other is: Whisper's times are that coarse
OVERLAP = 0.3  # seconds of the next segment at most
HEARD = 0.1  # score from which on a word counts as found in the sound


class Placer:
    """Finds the times of written words in sound, with one loaded CTC model; may be shared by threads."""

    def __init__(self, engine: Engine) -> None:
        """Raise `OptionError` for a model that cannot align."""
        if not isinstance(engine, HasLogits):
            raise _cannot_align(engine.manifest)
        self.manifest = engine.manifest
        self.logits, self.frames, self.vocabulary = engine.logits, engine.frames, engine.vocabulary
        self._aligner = Aligner(self.vocabulary, self.frames)
        self._speller = Speller(self.vocabulary)

    def spell(self, text: str) -> list[WrittenWord]:
        """Return the words of `text` in the model's tokens."""
        return self._speller.words(text)

    def place(
        self, audio: Audio, logits: NDArray[np.float32], words: Sequence[WrittenWord], name: str
    ) -> tuple[AlignedWord, ...]:
        """Return the words with their times, at least one of them spoken; punctuation by itself has no length.

        Raises `AudioTooShort` where the words need more frames than there are.
        """
        found = self._aligner.align(audio, logits, [word for word in words if word.said], name)
        placed: list[AlignedWord] = []
        spoken = 0
        for word in words:
            placed.append(found[spoken] if word.said else _unsaid(word, found[:spoken], found[spoken:]))
            spoken += word.said
        return tuple(placed)

    def retimed(self, audio: Audio, hypothesis: Hypothesis) -> tuple[Hypothesis, int]:
        """Return the hypothesis of `audio` with new times of words and segments, and the same texts.

        Also return how many segments keep their times, because most of their words were not found in the sound.
        """
        segments: list[Segment] = []
        kept = 0
        bounds = [*(segment.start + OVERLAP for segment in hypothesis.segments[1:]), np.inf]
        for segment, latest in zip(hypothesis.segments, bounds, strict=False):
            earliest = segments[-1].end if segments else 0.0
            found = self._found(audio, segment, earliest, latest)
            kept += found is None
            segments.append(found or _not_before(segment, earliest))
        return replace(hypothesis, segments=tuple(segments)), kept

    def _found(self, audio: Audio, segment: Segment, earliest: float, latest: float) -> Segment | None:
        """Return the segment with new times between `earliest` and `latest`, None where its words are not found."""
        first = round(max(earliest, segment.start - MARGIN) * SAMPLE_RATE)
        sound = audio[first : round(min(max(latest, segment.end), segment.end + MARGIN) * SAMPLE_RATE)]
        written = [self.spell(word.text) for word in segment.words]
        parts = list(chain.from_iterable(written))
        try:
            placed = (
                self.place(sound, self.logits([sound])[0], parts, "segment") if any(part.said for part in parts) else ()
            )
        except AudioTooShort:
            return None
        missing, said = not_found(parts, placed)
        if 2 * missing >= said:
            return None
        rest, start = iter(placed), first / SAMPLE_RATE
        words = [
            _moved(word, [next(rest) for _ in spelled], start)
            for word, spelled in zip(segment.words, written, strict=True)
        ]
        return replace(segment, start=words[0].start, end=words[-1].end, words=tuple(words))


def placer_of(model: str | os.PathLike[str] | Loaded, loading: Loading) -> Placer:
    """Return the placer of a model, which is loaded as `loading` says unless it was loaded before.

    Raises as `Placer` does, and as `load` for a name or a path.
    """
    if isinstance(model, (str, os.PathLike)):
        return Placer(loading.engine(open_found(find_bundle(model), loading.verify)))
    return Placer(model.engine)


def check_aligns(manifest: Manifest) -> None:
    """Raise `OptionError` for a model that cannot align, before it is loaded."""
    if manifest.kind not in WITH_LOGITS:
        raise _cannot_align(manifest)


def _cannot_align(manifest: Manifest) -> OptionError:
    return OptionError(
        f"{manifest.name} is a model of kind {manifest.kind} and cannot align; "
        f"models of kind {', '.join(WITH_LOGITS)} can, such as nano-ctc-ko"
    )


def not_found(written: Sequence[WrittenWord], placed: Sequence[AlignedWord]) -> tuple[int, int]:
    """Return how many spoken words have a score below `HEARD`, and how many there are in all."""
    scores = [place.score for word, place in zip(written, placed, strict=False) if word.said]
    return sum(score < HEARD for score in scores), len(scores)


def _unsaid(word: WrittenWord, before: Sequence[AlignedWord], behind: Sequence[AlignedWord]) -> AlignedWord:
    """Return punctuation by itself at the edge of a spoken word, one of its own line if there is one."""
    own_line = bool(before) and before[-1].line == word.line
    at = before[-1].end if own_line or not behind else behind[0].start
    letters = (letter for grapheme in word.graphemes for letter in grapheme.characters)
    return AlignedWord(
        word.text, at, at, 0.0, word.line, tuple(AlignedCharacter(letter, at, at, 0.0) for letter in letters)
    )


def _moved(word: Word, places: Sequence[AlignedWord], start: float) -> Word:
    """Return the word from its first part to its last, in sound that begins at `start` seconds."""
    return replace(word, start=start + places[0].start, end=start + places[-1].end)


def _not_before(segment: Segment, earliest: float) -> Segment:
    """Return the segment with times clipped to `earliest`."""
    words = (replace(word, start=max(word.start, earliest), end=max(word.end, earliest)) for word in segment.words)
    return replace(segment, start=max(segment.start, earliest), end=max(segment.end, earliest), words=tuple(words))
