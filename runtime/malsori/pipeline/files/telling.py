"""Tells a recording's segments while it is still being read: those that nothing can change any more, in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from ...types import Hypothesis, Segment
from ..clip import Clip


class SegmentTeller:
    """Tells the segments of a clip once it and all clips before it were heard; `stitch` would place them as it does.

    `words` keeps the segments' words.
    """

    def __init__(self, on_segments: Callable[[Sequence[Segment]], None], *, words: bool) -> None:
        self._on_segments = on_segments
        self._words = words
        self._expected: deque[Clip] = deque()
        self._heard: dict[int, Hypothesis] = {}  # by the id of their clip, while an earlier one is still to be heard

    def expect(self, clip: Clip) -> None:
        """Take the next clip of the recording, which is still to be heard."""
        self._expected.append(clip)

    def heard(self, clip: Clip, hypothesis: Hypothesis) -> None:
        """Take what was heard in a clip, mended and aligned; tell what is final now."""
        self._heard[id(clip)] = hypothesis
        while self._expected and id(self._expected[0]) in self._heard:
            first = self._expected.popleft()
            segments = self._heard.pop(id(first)).segments
            self.tell(tuple(first.clock.placed(segments, words=self._words)))

    def tell(self, segments: Sequence[Segment]) -> None:
        """Tell segments that are as they are in the transcript, if there are any."""
        if segments:
            self._on_segments(segments)
