"""Rules for several words that all layers share: their text, their mean probability, and times with a least length."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import exp, log
from typing import Protocol, TypeAlias

LEAST_PROB = 1e-30  # keeps the logarithm of a probability of 0 finite
STEP = 0.02  # seconds, of Whisper's times as of wav2vec2's frames

Times: TypeAlias = tuple[float, float]  # start and end, seconds


class Text(Protocol):
    """What has a text, such as a `Segment` or a `Final`."""

    @property
    def text(self) -> str:
        """The text."""
        ...


class SpacedText(Protocol):
    """A text that knows whether a space stands before it, such as a `Word`."""

    @property
    def text(self) -> str:
        """The text."""
        ...

    @property
    def spaced(self) -> bool:
        """Whether a space stands before it."""
        ...


def written(words: Iterable[SpacedText]) -> str:
    """Return the text of the words, with the spaces before them; all words of a segment give its text."""
    return "".join(" " * word.spaced + word.text for word in words).removeprefix(" ")


def joined(parts: Iterable[Text]) -> str:
    """Return the texts of segments, or of whatever else follows each other, with a space between them."""
    return " ".join(text for part in parts if (text := part.text.strip()))


def counted(number: int, thing: str) -> str:
    """Return a number and what it counts, in the singular for one."""
    return f"{number} {thing}{'' if number == 1 else 's'}"


def mean_probability(probabilities: Sequence[float]) -> float:
    """Return the geometric mean, which does not depend on the number of tokens in a word; 0 for none."""
    if not probabilities:
        return 0.0
    return exp(sum(log(max(probability, LEAST_PROB)) for probability in probabilities) / len(probabilities))


def lasting(times: Sequence[Times], earliest: float, latest: float) -> list[Times]:
    """Return the times such that each word lasts a `STEP` at least, taken from the one before it, else from later ones.

    Attention may give words no length, as in silence. Where the bounds have no room for a step each, words share what
    there is; where they have none at all, words go beyond `latest`.
    """
    room, count = latest - earliest, max(len(times), 1)
    least = min(STEP, room / count) if room > 0 else STEP
    latest = max(latest, earliest + least * count)
    backward: list[Times] = []
    for start, end in reversed(times):
        latest = min(end, latest)
        backward.append((min(start, latest - least), latest))
        latest = backward[-1][0]
    forward: list[Times] = []
    for start, end in reversed(backward):
        start = max(start, earliest)
        earliest = max(end, start + least)
        forward.append((start, earliest))
    return forward
