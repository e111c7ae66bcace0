"""Which words of a reading stand from now on: those that readings agree on, or those that attention has left behind.

Words are compared as they are spelled. What is committed here is never taken back, so the rest of the utterance is read
behind it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol, TypeAlias

from ...types import SAMPLE_RATE
from ..session import Commit
from .letters import HALF_LETTER
from .tokens import TokenWord

Behind: TypeAlias = Callable[[], Sequence[float]]
"""How many seconds of sound follow each word of a reading; asking costs a pass of the decoder."""

# Samples between the first and the last of the readings that agree. Of what nano-whisper commits in utterances of 9 and
# 19 s, 1.3 and 3.2 % was not said; of what two readings half a second apart agree on, 6.4 and 6.2 %.
APART = SAMPLE_RATE
# Seconds of sound behind a word from which on its attention has left it: 5.1 and 6.1 % then, 8.5 and 10.3 % at 1 s.
LEFT = 1.5


class Rule(Protocol):
    """Decides what of a reading is committed."""

    def settled(self, words: Sequence[TokenWord], at: int, behind: Behind) -> int:
        """Return how many of the first words stand. They are those behind what was committed before.

        `at` is how many samples of the utterance have been heard.
        """
        ...

    def note(self, words: Sequence[TokenWord], at: int) -> None:
        """Take a reading of which nothing is to stand yet; later ones may agree with it."""
        ...

    def forget(self, count: int) -> None:
        """Take note that so many words were committed for another reason."""
        ...


@dataclass(frozen=True, slots=True)
class _Earlier:
    """An earlier reading, without what has been committed of it."""

    at: int
    words: tuple[str, ...]


class Agreement:
    """LocalAgreement (arXiv 2005.11185; for Whisper 2307.14743): what all readings of the last second begin with.

    With steps of a second or more these are two, with shorter ones as many as there are.
    """

    def __init__(self) -> None:
        self._earlier: list[_Earlier] = []

    def settled(self, words: Sequence[TokenWord], at: int, behind: Behind) -> int:
        """Return how many words this reading and the earlier ones have in common from their beginnings on."""
        old = [each for each in self._earlier if each.at <= at - APART]
        asked = self._earlier[len(old) - 1 :] if old else []
        spelled = tuple(word.text for word in words)
        count = min((_common(spelled, each.words) for each in asked), default=0)
        self._earlier = asked or self._earlier
        self.note(words, at)
        count = min(count, whole(words))
        self.forget(count)
        return count

    def note(self, words: Sequence[TokenWord], at: int) -> None:
        """Take a reading of which nothing is to stand yet."""
        self._earlier = [*self._earlier, _Earlier(at, tuple(word.text for word in words))]

    def forget(self, count: int) -> None:
        """Take note that so many words were committed."""
        self._earlier = [_Earlier(each.at, each.words[count:]) for each in self._earlier]


class Attention:
    """What readings agree on, and what the decoder has left behind: its attention to it ends well before the sound."""

    def __init__(self) -> None:
        self._agreement = Agreement()

    def settled(self, words: Sequence[TokenWord], at: int, behind: Behind) -> int:
        """Return how many words stand by agreement or by attention, whichever are more."""
        agreed = self._agreement.settled(words, at, behind)
        if agreed == len(words):
            return agreed
        left = min(sum(1 for _ in takewhile(lambda seconds: seconds >= LEFT, behind())), whole(words))
        self.forget(max(left - agreed, 0))
        return max(agreed, left)

    def note(self, words: Sequence[TokenWord], at: int) -> None:
        """Take a reading of which nothing is to stand yet."""
        self._agreement.note(words, at)

    def forget(self, count: int) -> None:
        """Take note that so many words were committed."""
        self._agreement.forget(count)


def rule(commit: Commit) -> Rule:
    """Return the rule of that name, for one utterance."""
    return Agreement() if commit == "agreement" else Attention()


def whole(words: Sequence[TokenWord]) -> int:
    """Return how many words there are before half a character, without the marks at the end of those.

    What is said next decides about marks; half a character (U+FFFD) is a slip that the next reading mends.
    """
    count = sum(1 for _ in takewhile(lambda word: HALF_LETTER not in word.text, words))
    while count and not any(letter.isalnum() for letter in words[count - 1].text):
        count -= 1
    return count


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """Return how many words both begin with."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
