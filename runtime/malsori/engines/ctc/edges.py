"""Where words begin and end in the sound, from the frames that a model names them in.

A CTC model names a token in a frame or two, near where it begins and for less long than it lasts. So the frames say
between which bounds an edge lies, and the sound says where: a silence between the last frame of a word and the first of
the next is part of neither, and where there is none the next word begins at the edge of its first frame.

frames    - a a - - - - - | b - -
sound     .aaaaaa..........bbbbbb
words      [ a  ]          [ b
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...types import SAMPLE_RATE
from ..frames import Frames
from .silence import Silences

LATE = 0.03  # seconds that the sound may begin behind the middle of the word's first frame
CLOSURE = 0.08  # seconds; the same where that frame is silent, as in the closure of a stop
LEAD = 1.0  # seconds of sound at most before the middle of the first frame: some models name words late
TAIL = 0.3  # seconds of sound at most behind the middle of the last frame
SHORT_TAIL = 0.06  # seconds; the same for the last word where no silence follows


def word_edges(
    first: NDArray[np.intp], last: NDArray[np.intp], frames: Frames, silences: Silences, duration: float
) -> NDArray[np.float64]:
    """Return starts and ends in seconds, float64 `(words, 2)`, that never fall from one to the next.

    `first` and `last` are the first and last frame of each word, `duration` is that of the whole sound in seconds.
    """
    half = frames.stride / SAMPLE_RATE / 2
    begins, ends = ([frames.edge(frame) + half for frame in side.tolist()] for side in (first, last))
    edges = np.empty((len(first), 2))
    for index, (left, right) in enumerate(zip([-np.inf, *ends], begins, strict=False)):
        before, after = _silence(max(left, right - LEAD), right, silences) or (right - half, right - half)
        edges[index - 1, 1] = min(before, left + TAIL)  # of the first, what belongs to the last stands there for now
        edges[index, 0] = max(after, right - LEAD)
    before, _ = silences.next(ends[-1])
    edges[-1, 1] = before if before <= ends[-1] + TAIL else ends[-1] + SHORT_TAIL
    edges = _rising(edges, duration)
    # A word that was named wholly in silence lasts as long as its frames do.
    lost = edges[:, 0] == edges[:, 1]
    edges[lost, 1] = np.array([frames.edge(frame + 1) for frame in last[lost].tolist()])
    return _rising(edges, duration)


def _rising(edges: NDArray[np.float64], duration: float) -> NDArray[np.float64]:
    rising: NDArray[np.float64] = np.maximum.accumulate(edges.clip(0, duration).ravel()).reshape(-1, 2)
    return rising


def _silence(left: float, right: float, silences: Silences) -> tuple[float, float] | None:
    """Return the silence in front of a word whose frames begin at `right`, None where there is none."""
    found = silences.between(left, right + LATE)
    if found is not None:
        return found
    start, stop = silences.next(right)
    return (start, stop) if start <= right and stop <= right + CLOSURE else None
