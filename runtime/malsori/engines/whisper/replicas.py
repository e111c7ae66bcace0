"""The weights in CTranslate2: loaded for one call on all threads, and again for several calls on a thread each.

A decoder's products are too small for several threads: on two cores stock base reads two windows 1.5 times as fast in
two calls on a thread each as in one on both, eight windows 1.3 times (`bench/lanes.py`). A single clip is encoded
faster by all threads together. CTranslate2 fixes both numbers when it loads a model, so it is loaded again for the
first batch of several windows, and before each sampling, for workers that have not sampled. An old copy is freed when
the last call in it ends.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from ...errors import EngineError, ModelIncompatible, brief
from ..machine.devices import Device
from ..machine.process import keep_in_forks, release_free_memory

MOST_LANES = 4  # calls at a time; each has its own activations, 0.1 GB for 30 s of base
WEIGHTS = "model.bin"
SEED = 1  # for sampling at temperatures above 0


def load_weights(folder: Path, *, device: Device, compute_type: str, threads: int, workers: int) -> Any:
    """Return the `ctranslate2.models.Whisper` of a folder.

    Raises `ModelIncompatible` when CTranslate2 cannot load it, `EngineError` where memory is short.
    """
    from ctranslate2 import set_random_seed
    from ctranslate2.models import Whisper

    set_random_seed(SEED)
    try:
        return Whisper(
            str(folder), device=device, compute_type=compute_type, intra_threads=threads, inter_threads=workers
        )
    except (RuntimeError, ValueError, MemoryError) as error:
        if isinstance(error, MemoryError) or "out of memory" in str(error):
            short = f"too little memory on {device} for {compute_type} ({brief(error)})"
            raise EngineError(f"{folder}: {short}") from error
        raise ModelIncompatible(str(folder), f"CTranslate2 cannot load it ({brief(error)})") from error


class Replicas:
    """CTranslate2's model of one folder, for `workers` calls at a time on so many `threads`; any thread may use it."""

    def __init__(
        self,
        folder: Path,
        *,
        device: Device,
        compute_type: str,
        threads: int,
        workers: int,
        load: Callable[..., Any] = load_weights,
    ) -> None:
        """Raise what `load` raises."""
        self.threads = threads
        self.workers = workers
        self._folder = folder
        self._device = device
        self._load = partial(load, folder, device=device, compute_type=compute_type)
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._weights = self._seen()
        self._model: Any = self._load(threads=threads, workers=workers)
        keep_in_forks(self, lambda replicas: replicas._model)

    @property
    def model(self) -> Any:
        """The `ctranslate2.models.Whisper` to call now. Raises `EngineError` in a fork of who loaded it."""
        self._check_process()
        with self._lock:
            if self._model is None:  # it could not be loaded again
                if self._seen() != self._weights:
                    raise ModelIncompatible(str(self._folder), "has other weights than were loaded; load it anew")
                self._model = self._load(threads=self.threads, workers=self.workers)
            return self._model

    @property
    def on_cpu(self) -> bool:
        """Whether a processor computes."""
        return self._device == "cpu"

    def lanes(self, windows: int, *, live: bool = False) -> int:
        """Return how many calls at a time are best for so many windows, and load the model for them unless `live`."""
        self._check_process()
        total = self.workers * self.threads
        lanes = min(total, MOST_LANES)
        if windows < 2 or lanes < 2 or not self.on_cpu:
            return 1
        with self._lock:
            if self.workers < lanes and not live:
                self._reload(lanes, total // lanes)
            return min(windows, lanes) if self.workers >= lanes else 1

    def unused(self) -> Any:
        """Return the model loaded again, with workers that have not sampled; the present one where its file is gone.

        For one caller at a time: another one's sampling would use up a worker.
        """
        self._check_process()
        with self._lock:
            self._reload(self.workers, self.threads)
        return self.model

    def _check_process(self) -> None:
        """Raise `EngineError` in a forked process, which lacks CTranslate2's threads, so that calls would never end."""
        if os.getpid() != self._process:
            raise EngineError(
                f"{self._folder}: was loaded in process {self._process}, and this one, {os.getpid()}, was forked from "
                'it; start processes by multiprocessing.get_context("spawn"), or load the model in each of them'
            )

    def _reload(self, workers: int, threads: int) -> None:
        """Load the weights again for `workers` calls at a time, if the file is unchanged. With the lock held."""
        if self._seen() == self._weights:
            self._model = None  # first, so that the old weights are freed before the new ones are loaded
            release_free_memory()
            self._model = self._load(threads=threads, workers=workers)
            self.workers, self.threads = workers, threads

    def _seen(self) -> tuple[int, int, int] | None:
        """Return inode, size and time of the file of weights, by which a change is noticed, None without a file.

        Weights of another shape than the vocabulary and encoded windows of the first would crash CTranslate2.
        """
        try:
            found = (self._folder / WEIGHTS).stat()
        except OSError:
            return None
        return found.st_ino, found.st_size, found.st_mtime_ns
