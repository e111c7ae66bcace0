"""Training batches: clips of about one length together, in an order that seed and epoch alone decide."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import Dataset, Sampler

from export.training.clips import Clip
from malsori.engines.wav2vec2.acoustic import normalize

POOL = 50  # batches drawn together and sorted by length, so that little is padded


class Recordings(Dataset[tuple[NDArray[np.float32], tuple[int, ...]]]):
    """The sound of each clip as the model wants it, float32 `(samples,)`, and its token ids; decoded when asked for."""

    def __init__(self, clips: Sequence[Clip], *, normalized: bool) -> None:
        self.clips = clips
        self._normalized = normalized

    def __len__(self) -> int:
        return len(self.clips)

    def __getitem__(self, index: int) -> tuple[NDArray[np.float32], tuple[int, ...]]:
        sound = self.clips[index].sound()
        return (normalize(sound) if self._normalized else sound), self.clips[index].ids


class ByLength(Sampler[int]):
    """Draw all clips once an epoch: pools by chance, sorted by length inside, cut into batches, batches by chance."""

    def __init__(self, lengths: Sequence[int], batch_size: int, seed: int) -> None:
        self._lengths = np.array(lengths)
        self._batch_size = batch_size
        self._seed = seed
        self._epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Set what the order depends on; the trainer calls this at the start of each epoch and when it resumes."""
        self._epoch = epoch

    def __len__(self) -> int:
        return len(self._lengths)

    def __iter__(self) -> Iterator[int]:
        rng = np.random.default_rng([self._seed, self._epoch])
        order, size = rng.permutation(len(self._lengths)), self._batch_size
        pools = (order[start : start + size * POOL] for start in range(0, len(order), size * POOL))
        order = np.concatenate([pool[self._lengths[pool].argsort(kind="stable")] for pool in pools])
        whole = len(order) // size
        batches = order[: whole * size].reshape(whole, size)[rng.permutation(whole)]
        yield from [*batches.ravel().tolist(), *order[whole * size :].tolist()]  # the short batch last
