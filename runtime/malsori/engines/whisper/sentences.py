"""The words of a window that was read without time tokens to sentences, by punctuation and times from attention.

A word that is too long by attention shows that speech behind it was not read: a sentence ends with it, and the sound
behind it belongs to none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from ...joining import Times
from ..word_breaks import is_said, spelled_words
from .segments import WindowSegment
from .sounding import SNAP_S, distance
from .word_times import LONGEST_EDGE_WORD_S, WordTiming

SENTENCE_ENDS = ".?!…"  # where a space follows
FULL_STOPS = "。？！"
CLOSING_MARKS = "\"'”’)]」』"  # may stand between a sentence's end and the next one
TITLES = frozenset(("mr", "mrs", "ms", "dr", "st", "prof", "vs"))  # abbreviations whose full stop ends no sentence
LONGEST_SENTENCE_S = 10.0  # seconds; a longer sentence is split at its pauses
COMMA_PAUSE_S = 0.5  # seconds of pause that a comma counts as
COMMAS = ",;:—、，"
LONGEST_WORD_S = 2.5  # seconds of sound; a longer word hides speech that was not read


def sentences(timings: Sequence[WordTiming], sound: Sequence[Times]) -> list[WindowSegment]:
    """Return the sentences, each token in one of them; `sound` are the spans not silent, in seconds, ascending."""
    segments = []
    spaced = any(timing.text.startswith(" ") for timing in timings[1:])
    for sentence in _split_at_stops(timings, spaced):
        for part in _split_at_missed(sentence, sound):
            segments += [_segment(words, sound) for words in _split_long(part, sound, spaced)]
    if sound and timings and not _hides_unread_speech(timings[-1], sound):  # attention ends the last word too early
        segments[-1] = replace(segments[-1], end=max(segments[-1].end, sound[-1][1]))
    return segments


def _split_at_stops(timings: Sequence[WordTiming], spaced: bool) -> Iterator[Sequence[WordTiming]]:
    """Yield the words of each sentence, split at the marks that end one."""
    first = 0
    for index in range(len(timings)):
        if _ends(timings, index, spaced):
            yield timings[first : index + 1]
            first = index + 1
    if first < len(timings):
        yield timings[first:]


def _ends(timings: Sequence[WordTiming], index: int, spaced: bool) -> bool:
    """Return whether a sentence ends with the word or mark at `index`; `spaced` texts have spaces between words."""
    behind = timings[index + 1].text if index + 1 < len(timings) else " "
    if not behind.startswith(" ") and set(behind) <= set(CLOSING_MARKS + SENTENCE_ENDS + FULL_STOPS):
        return False
    said = "".join(timing.text for timing in timings[max(0, index - 2) : index + 1]).rstrip(CLOSING_MARKS)
    if said.endswith(tuple(FULL_STOPS)) or (not spaced and said.endswith(("?", "!"))):
        return True
    if not said.endswith(tuple(SENTENCE_ENDS)) or not behind.startswith(" "):
        return False
    last = said[:-1].split()[-1:] or [""]
    return not said.endswith(".") or not (last[0].lower() in TITLES or (len(last[0]) == 1 and last[0].isupper()))


def _split_at_missed(words: Sequence[WordTiming], sound: Sequence[Times]) -> Iterator[Sequence[WordTiming]]:
    """Yield the words split behind each word that hides unread speech, and its marks."""
    first, missed = 0, False
    starts = set(_starts(words))
    for index, word in enumerate(words):
        if missed and index in starts:
            yield words[first:index]
            first, missed = index, False
        missed = missed or _hides_unread_speech(word, sound)
    if first < len(words):
        yield words[first:]


def _split_long(words: Sequence[WordTiming], sound: Sequence[Times], spaced: bool) -> list[Sequence[WordTiming]]:
    """Return the words in parts of at most `LONGEST_SENTENCE_S`, if possible, split at the longest pauses.

    A text without spaces is split at a pause or a comma only: elsewhere it could be inside a word.
    """
    begin, end = words[0].start, words[-1].end
    if end - begin <= LONGEST_SENTENCE_S:
        return [words]
    silences = [(before[1], after[0]) for before, after in pairwise(sound)]

    def pause(index: int) -> float:
        at = words[index].start
        silent = max((stop - start for start, stop in silences if distance(at, (start, stop)) <= SNAP_S), default=0.0)
        return silent + COMMA_PAUSE_S * words[index - 1].text.endswith(tuple(COMMAS))

    quarter = (end - begin) / 4
    cuts = [
        index
        for index in _starts(words)[1:]
        if (words[index].text.startswith(" ") if spaced else pause(index) > 0)
        and begin + quarter <= words[index].start <= end - quarter
    ]
    if not cuts:
        return [words]
    cut = max(cuts, key=lambda index: (pause(index), -abs(words[index].start - (begin + end) / 2)))
    return [*_split_long(words[:cut], sound, spaced), *_split_long(words[cut:], sound, spaced)]


def _starts(words: Sequence[WordTiming]) -> list[int]:
    """Return the indices at which words of the text begin; ",250" of "1,250" is a part of the word before it."""
    return [word.first for word in spelled_words([word.text for word in words])]


def _hides_unread_speech(word: WordTiming, sound: Sequence[Times]) -> bool:
    """Return whether a word has more than `LONGEST_WORD_S` of sound, so that something behind it was not read."""
    spans = sound or [(word.start, word.end)]
    return sum(max(0.0, min(stop, word.end) - max(start, word.start)) for start, stop in spans) > LONGEST_WORD_S


def _segment(words: Sequence[WordTiming], sound: Sequence[Times]) -> WindowSegment:
    last = next((word for word in reversed(words) if is_said(word.text)), words[-1])
    end = last.start + LONGEST_EDGE_WORD_S if _hides_unread_speech(last, sound) else words[-1].end
    return WindowSegment(words[0].start, end, tuple(token for word in words for token in word.tokens))
