"""Sound of a turn for which there is no place among the live sessions: kept, and heard as an upload behind its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import numpy as np

from ...audio.samples import from_pcm16, to_pcm16
from ...types import Audio
from ..refusal import Refusal
from ..serve_options import within


class KeptSound:
    """Takes sound as a `Feed` does, and keeps it in 16 bits, at most `most_bytes` of it (0: any).

    `more` is told of the bytes, and may refuse them.
    """

    def __init__(self, most_bytes: int, more: Callable[[int], None]) -> None:
        self._most, self._more = within(most_bytes), more
        self._parts: list[bytes] = []
        self._bytes = 0
        self._ended = asyncio.Event()

    async def push(self, samples: Audio) -> None:
        """Keep samples. Raises `Refusal`, 413, beyond the limit."""
        part = to_pcm16(samples)
        self._bytes += len(part)
        if self._bytes > self._most:
            raise Refusal(
                413,
                "audio_too_long",
                f"expected at most {self._most:g} bytes of sound while all live sessions "
                "are taken, found more; send it in shorter turns",
            )
        self._more(len(part))
        self._parts.append(part)

    async def finish(self) -> None:
        """Take no more."""
        self._ended.set()

    async def whole(self) -> Audio:
        """Return all of it once it has ended."""
        await self._ended.wait()
        return from_pcm16(b"".join(self._parts)) if self._parts else np.zeros(0, np.float32)
