"""Which clips share one call of a network, and the padded arrays they share. Knows lengths, not models."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ..types import Audio

LEAST_FILL = 0.5  # a clip shorter than this share of its batch's longest starts the next batch


class Grouping(Enum):
    """What a network tolerates in one batch without a clip's result depending on its neighbours."""

    MASKED = "masked"  # any lengths: padding is masked out
    EQUAL = "equal"  # equal lengths only: there is no mask
    SINGLE = "single"  # nothing: the arithmetic itself looks at the whole batch


def plan(lengths: Sequence[int], grouping: Grouping, limit: int) -> Iterator[list[int]]:
    """Yield the indices of each batch, longest clips first, at most `limit` in each; every index comes once."""
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if batch and (len(batch) >= limit or not _fits(lengths[index], lengths[batch[0]], grouping)):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _fits(length: int, longest: int, grouping: Grouping) -> bool:
    if grouping is Grouping.MASKED:
        return length >= LEAST_FILL * longest
    return grouping is Grouping.EQUAL and length == longest


def pad(clips: Sequence[Audio]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the clips as `(batch, samples)`, zeros behind the short ones, and the mask of that shape: 1 is real."""
    samples = max(len(clip) for clip in clips)
    audio = np.zeros((len(clips), samples), np.float32)
    mask = np.zeros((len(clips), samples), np.int64)
    for row, clip in enumerate(clips):
        audio[row, : len(clip)] = clip
        mask[row, : len(clip)] = 1
    return audio, mask
