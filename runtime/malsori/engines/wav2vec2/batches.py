"""Which clips share one call of a network, by their lengths, and the padded arrays of a batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from ...types import Audio

PADDING = 0.1  # largest share of padding in a batch


class Grouping(Enum):
    """Which clips may share a batch of a network without changing each other's results."""

    MASKED = "masked"  # clips of any lengths: padding is masked out
    EQUAL = "equal"  # clips of equal length: there is no mask
    SINGLE = "single"  # none: the arithmetic depends on the whole batch


def plan(lengths: Sequence[int], grouping: Grouping, limit: int, padding: float = PADDING) -> Iterator[list[int]]:
    """Yield the indices of each batch, longest clips first; every index comes once.

    A batch holds at most `limit` clips, and at most the share `padding` of it is padding.
    """
    batch: list[int] = []
    for index in sorted(range(len(lengths)), key=lambda index: -lengths[index]):
        if batch and (len(batch) >= limit or not _fits([lengths[each] for each in (*batch, index)], grouping, padding)):
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


def _fits(lengths: Sequence[int], grouping: Grouping, padding: float) -> bool:
    """Return whether clips of these lengths, longest first, may share a batch."""
    if grouping is Grouping.MASKED:
        return sum(lengths) >= (1 - padding) * lengths[0] * len(lengths)
    return grouping is Grouping.EQUAL and lengths[-1] == lengths[0]


def pad(clips: Sequence[Audio]) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the clips as `(batch, samples)`, zeros behind the short ones, and the mask of that shape: 1 is real."""
    samples = max(len(clip) for clip in clips)
    audio = np.zeros((len(clips), samples), np.float32)
    mask = np.zeros((len(clips), samples), np.int64)
    for row, clip in enumerate(clips):
        audio[row, : len(clip)] = clip
        mask[row, : len(clip)] = 1
    return audio, mask


def pad_frames(features: Sequence[NDArray[np.float32]]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Return features as `(batch, frames, channels)`, zeros behind the short ones, and their mask `(batch, frames)`."""
    counts = [len(rows) for rows in features]
    padded = np.zeros((len(features), max(counts), features[0].shape[1]), np.float32)
    mask = (np.arange(max(counts)) < np.array(counts)[:, None]).astype(np.int32)
    for row, rows in zip(padded, features, strict=True):
        row[: len(rows)] = rows
    return padded, mask
