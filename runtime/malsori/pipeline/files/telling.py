"""Segments of a recording that is still being read, handed over as soon as they are final, in their order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeAlias

from ...types import Hypothesis, Segment
from ..clip import Clip

OnSegments: TypeAlias = Callable[[Sequence[Segment]], None]


class SegmentTeller:
    """Tells the segments of one recording. All that it has told are those of the transcript, which `stitch` makes.

    A clip that was recognised waits for the clips before it. `words` keeps the segments' words.
    """

    def __init__(self, tell: OnSegments, *, words: bool) -> None:
        self._tell, self._words = tell, words
        self._clips: deque[Clip] = deque()
        self._heard: dict[int, Hypothesis] = {}  # by the clip's identity

    def expect(self, clip: Clip) -> None:
        """Take the next clip that will be recognised."""
        self._clips.append(clip)

    def push(self, clip: Clip, hypothesis: Hypothesis) -> None:
        """Take what was heard in a clip, and tell what has no clip before it any more."""
        self._heard[id(clip)] = hypothesis
        while self._clips and id(self._clips[0]) in self._heard:
            first = self._clips.popleft()
            segments = tuple(first.clock.placed(self._heard.pop(id(first)).segments, words=self._words))
            if segments:
                self._tell(segments)
