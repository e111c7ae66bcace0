"""Which items an actor gets at once. Ray loses all of a chunk that was begun when its actor dies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from ..batch_items import BatchItem

MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class ChunkLimits:
    """The most items and bytes of a chunk; an item that is larger has a chunk of its own."""

    items: int
    bytes: int = 64 * MIB

    def spread(self, items: int, workers: int) -> ChunkLimits:
        """Return limits that give each of so many workers several chunks of so many items: the last ones end together.

        Of 1,000 items for 10 workers a chunk has 25, of 100,000 it has as many as allowed.
        """
        return replace(self, items=max(1, min(self.items, items // (4 * workers))))


ALONE = ChunkLimits(1)
ROUNDS = (ChunkLimits(256), ChunkLimits(16))  # what an actor had begun when it died is heard again in smaller chunks
ALONE_ROUNDS = 4  # then alone; that a neighbour's actor dies before an item is begun is no proof against the item


def chunks_of(items: Iterable[BatchItem], limits: ChunkLimits) -> Iterator[list[BatchItem]]:
    """Yield the items in lists within the limits, in their order; those that are `alone` by themselves."""
    chunk: list[BatchItem] = []
    size = 0
    for item in items:
        if item.alone:
            yield [item]
            continue
        if chunk and (len(chunk) == limits.items or size + item.size > limits.bytes):
            yield chunk
            chunk, size = [], 0
        chunk.append(item)
        size += item.size
    if chunk:
        yield chunk
