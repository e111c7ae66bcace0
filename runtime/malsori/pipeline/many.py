"""Many recordings, one after the other: each is handed over as soon as all of it was heard.

Short ones share calls of the engine, which is what makes them quick, so a few minutes of their speech are gathered. A
long one fills calls by itself: nothing waits for it to be read, and at its end it waits for no other.

    short  short  short  |  long ................ |  short  short
    `---- together ----'    `- as it is found -'     `- together
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from ..audio import AudioSource, Blocks
from ..audio.source import can_seek
from .pool import Pool
from .reading import Reader
from .recording import Recording

SHORT = 240.0  # seconds of sound, which are decoded and searched for speech in about one
SHORT_BYTES = 1 << 20  # of a file that does not say its length: four minutes of an MP3 of 32 kbit/s


def heard(sources: Iterable[AudioSource], reader: Reader, pool: Pool, warnings: tuple[str, ...]) -> Iterator[Recording]:
    """Yield the recording of each source when it is done, in order; `warnings` are there from the start."""
    queue: deque[Recording] = deque()

    def run() -> Iterator[Recording]:
        for _ in pool.run():
            yield from _done(queue)

    for number, source in enumerate(sources, 1):
        if _may_wait(source):
            yield from run()
        queue.append(Recording(number=number, warnings=warnings))
        blocks = reader.begin(source, queue[-1])
        short = blocks is None or _is_short(source, blocks)
        if not short:
            yield from run()
        for job in reader.jobs(blocks, queue[-1]) if blocks is not None else ():
            if not pool.room(job):
                yield from run()
            pool.push(job)
        if not short:
            yield from run()
        yield from _done(queue)
    yield from run()
    yield from _done(queue)


def _done(queue: deque[Recording]) -> Iterator[Recording]:
    """Take what is done from the front; one that is not holds up those behind it."""
    while queue and queue[0].done:
        yield queue.popleft()


def _may_wait(source: AudioSource) -> bool:
    """Whether opening it waits for somebody who writes: a pipe is read to its end before it is a recording."""
    return hasattr(source, "read") and not can_seek(source)


def _is_short(source: AudioSource, blocks: Blocks) -> bool:
    if blocks.promised is not None:
        return blocks.promised <= SHORT
    if isinstance(source, (str, Path)):
        with suppress(OSError):  # opened, and taken away since
            return os.path.getsize(source) <= SHORT_BYTES
    return isinstance(source, (bytes, bytearray, memoryview)) and len(source) <= SHORT_BYTES
