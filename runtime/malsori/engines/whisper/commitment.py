"""Which words of an open utterance are committed, and where a long one is cut so that its sound can be dropped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Protocol, TypeAlias

from ...joining import Times
from ...types import SAMPLE_RATE
from ..session import Commit
from .tokenizer import HALF_CHARACTER
from .tokens import TokenWord

SoundBehind: TypeAlias = Callable[[], Sequence[float]]
"""Return the seconds of sound behind each word of a reading; a call costs a pass of the decoder."""

# Samples between the first and the last of the readings that must agree, 1 s. Of what nano-whisper commits in
# utterances of 9 and 19 s, 1.3 and 3.2 % was not said; with readings half a second apart 6.4 and 6.2 %.
AGREEMENT_SPAN = SAMPLE_RATE
# Seconds of sound behind a word from which on it is committed: 5.1 and 6.1 % then, 8.5 and 10.3 % at 1 s.
LEFT_BEHIND_S = 1.5
KEPT_WORDS = 2  # committed words whose sound stays, in front of the next reading
CUT_SNAP_S = 0.25  # seconds between the end of a word, by attention, and the pause that it belongs to
SHORTEST_PAUSE_S = 0.2  # seconds of silence that separate sentences; the closure of a stop is shorter
BEST_PAUSE_S = 0.5  # seconds from which on no pause is better than another
FRESH_S = 1.0  # seconds at the end of the sound without cuts
RECENT_S = 5.0  # seconds that stay where there is no pause


class CommitRule(Protocol):
    """Decides what of a reading is committed."""

    def count_stable(self, words: Sequence[TokenWord], at: int, behind: SoundBehind) -> int:
        """Return how many words to commit of a reading, which begins behind the words committed before.

        `at` is the end of the sound that was read, in samples of the utterance.
        """
        ...

    def note(self, words: Sequence[TokenWord], at: int) -> None:
        """Take a reading without committing any of it; later ones may agree with it."""
        ...

    def forget(self, count: int) -> None:
        """Drop the first `count` words, which were committed for another reason, from the earlier readings."""
        ...


@dataclass(frozen=True, slots=True)
class _Earlier:
    """An earlier reading, without what has been committed of it."""

    at: int
    words: tuple[str, ...]


class LocalAgreement:
    """LocalAgreement (arXiv 2005.11185; for Whisper 2307.14743): the common prefix of all readings of the last second.

    With steps of a second or more these are two readings, with shorter steps more.
    """

    def __init__(self) -> None:
        self._earlier: list[_Earlier] = []

    def count_stable(self, words: Sequence[TokenWord], at: int, behind: SoundBehind) -> int:
        """Return the length of the common prefix of this reading and the earlier ones, in words."""
        old = [each for each in self._earlier if each.at <= at - AGREEMENT_SPAN]
        asked = self._earlier[len(old) - 1 :] if old else []
        spelled = tuple(word.text for word in words)
        count = min((_common(spelled, each.words) for each in asked), default=0)
        self._earlier = asked or self._earlier
        self.note(words, at)
        count = min(count, count_whole(words))
        self.forget(count)
        return count

    def note(self, words: Sequence[TokenWord], at: int) -> None:
        """Take a reading of which nothing is to stand yet."""
        self._earlier = [*self._earlier, _Earlier(at, tuple(word.text for word in words))]

    def forget(self, count: int) -> None:
        """Take note that so many words were committed."""
        self._earlier = [_Earlier(each.at, each.words[count:]) for each in self._earlier]


class Attention:
    """Commits what readings agree on, and words whose attention ends well before the end of the sound."""

    def __init__(self) -> None:
        self._agreement = LocalAgreement()

    def count_stable(self, words: Sequence[TokenWord], at: int, behind: SoundBehind) -> int:
        """Return how many words stand by agreement or by attention, whichever are more."""
        agreed = self._agreement.count_stable(words, at, behind)
        if agreed == len(words):
            return agreed
        left = min(sum(1 for _ in takewhile(lambda seconds: seconds >= LEFT_BEHIND_S, behind())), count_whole(words))
        self.forget(max(left - agreed, 0))
        return max(agreed, left)

    def note(self, words: Sequence[TokenWord], at: int) -> None:
        """Take a reading of which nothing is to stand yet."""
        self._agreement.note(words, at)

    def forget(self, count: int) -> None:
        """Take note that so many words were committed."""
        self._agreement.forget(count)


def commit_rule(commit: Commit) -> CommitRule:
    """Return a new rule of that name, for one utterance."""
    return LocalAgreement() if commit == "agreement" else Attention()


def count_whole(words: Sequence[TokenWord]) -> int:
    """Return how many words stand before the first incomplete character (U+FFFD), without punctuation at their end.

    The next words may change punctuation, and the next reading completes the character.
    """
    count = sum(1 for _ in takewhile(lambda word: HALF_CHARACTER not in word.text, words))
    while count and not any(letter.isalnum() for letter in words[count - 1].text):
        count -= 1
    return count


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return the length of the common prefix of two lists."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))


@dataclass(frozen=True, slots=True)
class Cut:
    """Where to drop: the first `words` committed words, and the sound before `at`, in seconds from its start."""

    words: int
    at: float


@dataclass(frozen=True, slots=True)
class ForcedCommit:
    """How many of the first `words` to commit without agreement, and the end of their sound, `at`, in seconds."""

    words: int
    at: float

    @property
    def cut(self) -> Cut:
        """The cut behind those words."""
        return Cut(self.words, self.at)


def pauses(sounding: Sequence[Times]) -> bool:
    """Return whether there is a silence of at least `SHORTEST_PAUSE_S` between two sounds."""
    return any(rises - falls >= SHORTEST_PAUSE_S for (_, falls), (rises, _) in pairwise(sounding))


def cut_at_pause(times: Sequence[Times], committed: int, sounding: Sequence[Times], least: float) -> Cut | None:
    """Return a cut in the longest pause between committed words, of equal ones the latest; None where there is none.

    `times` are the words', of which the first `committed` are; `sounding` are the spans not silent. The pause lies at
    least `least` seconds into the sound and has `KEPT_WORDS` committed words behind it.
    """
    found = [
        (min(rises - falls, BEST_PAUSE_S), Cut(index, (falls + rises) / 2))
        for index, end in _cut_places(times, committed, least)
        for (_, falls), (rises, _) in pairwise(sounding)
        if rises - falls >= SHORTEST_PAUSE_S and falls - CUT_SNAP_S <= end <= rises + CUT_SNAP_S
    ]
    return max(found, key=lambda place: (place[0], place[1].at))[1] if found else None


def latest_cut(times: Sequence[Times], committed: int, least: float) -> Cut | None:
    """Return the latest cut between committed words with `KEPT_WORDS` behind it; None where there is none."""
    places = [Cut(index, end) for index, end in _cut_places(times, committed, least)]
    return places[-1] if places else None


def _cut_places(times: Sequence[Times], committed: int, least: float) -> Iterator[tuple[int, float]]:
    """Yield each number of words that may be dropped, and the end of the last of them in seconds."""
    for index in range(1, min(committed, len(times)) - KEPT_WORDS + 1):  # no times where nothing was to be heard
        if times[index - 1][1] >= least:
            yield index, times[index - 1][1]


def forced_commit(times: Sequence[Times], sounding: Sequence[Times], seconds: float) -> ForcedCommit:
    """Return the commit of all words before the last pause, for a window that is full without committed words.

    The pause is in the second half of the sound's `seconds`, but not in its last `FRESH_S`. Without one, the words are
    those that end before the last `RECENT_S`, and the place is the end of the last one or the start of those seconds.
    """
    pauses = [
        (falls + rises) / 2
        for (_, falls), (rises, _) in pairwise(sounding)
        if rises - falls >= SHORTEST_PAUSE_S and seconds / 2 <= falls and rises <= seconds - FRESH_S
    ]
    limit = pauses[-1] + CUT_SNAP_S if pauses else seconds - RECENT_S
    words = sum(end <= limit for _, end in times)
    if pauses:
        return ForcedCommit(words, pauses[-1])
    last = times[words - 1][1] if words else 0.0
    return ForcedCommit(words, last if last >= seconds / 2 else limit)
