"""Readings that nobody could have spoken, in the middle of silence (openai/whisper PR 1838, by word times)."""

from __future__ import annotations

from collections.abc import Sequence

from ...types import Word
from .features import MEL_RATE
from .options import WhisperOptions
from .segments import Piece

JUDGED = 8  # words of a piece that are looked at
UNLIKELY = 0.15  # probability of a word
SHORT_WORD, LONG_WORD = 0.133, 2.0  # seconds that a spoken word has
ANOMALOUS = 3.0  # score from which on nobody said it
BRINK = 2.0  # seconds from a window's start, or to its end, that count as silence around a piece


def settled(
    pieces: Sequence[Piece], begin: float, size: int, following: int, rest: int, options: WhisperOptions
) -> tuple[list[Piece], int]:
    """Return the pieces that stand and the mel frame of the window to go on from; without a threshold all of them.

    `begin` is where the window starts in seconds, `size` its mel frames of sound, `rest` those to the clip's end.
    """
    threshold = options.hallucination_silence_threshold
    if threshold is None or not any(piece.words for piece in pieces):
        return list(pieces), following
    first = next(index for index, piece in enumerate(pieces) if piece.words)
    if anomalous(pieces[first]) and pieces[first].start > threshold:
        return [], round(pieces[first].start * MEL_RATE)
    end = 0.0 if begin == 0 else -BRINK  # where the last piece that stands ended; before the window, unknown
    for index, piece in enumerate(pieces):
        if not piece.words:
            continue
        behind = pieces[index + 1] if index + 1 < len(pieces) else None
        if anomalous(piece) and _silent(piece, behind, end, begin, size / MEL_RATE, threshold):
            near_end = rest / MEL_RATE - piece.end < threshold
            return list(pieces[:index]), rest if near_end else round(max(1.0, piece.start) * MEL_RATE)
        end = piece.end
    return list(pieces), following


def anomalous(piece: Piece) -> bool:
    """Whether the piece's words are unlikely, or far too short or too long, in sum."""
    words = [word for word in piece.words if any(letter.isalnum() for letter in word.text)][:JUDGED]
    score = sum(map(_strangeness, words))
    return bool(words) and (score >= ANOMALOUS or score + 0.01 >= len(words))


def _strangeness(word: Word) -> float:
    seconds = word.end - word.start
    return (word.probability < UNLIKELY) + max(0.0, SHORT_WORD - seconds) * 15 + max(0.0, seconds - LONG_WORD)


def _silent(piece: Piece, behind: Piece | None, end: float, begin: float, window: float, threshold: float) -> bool:
    """Whether nobody speaks before the piece and behind it."""
    before = piece.start - end > threshold or begin + piece.start < threshold or piece.start < BRINK
    if behind is None:
        return before and (window - piece.end > threshold or window - piece.end < BRINK)
    return before and (behind.start - piece.end > threshold or anomalous(behind))
