"""What `transcribe_many` takes beside options, checked, and the readings of its sources."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import numpy as np

from ...audio import AudioSource
from ...errors import OptionError
from .ahead import Ahead
from .reading import RecordingReader
from .serial import Serial
from .source_request import SourceRequest
from .steps import SourceReadings

OnError: TypeAlias = Literal["raise", "return"]
Sources: TypeAlias = "Iterable[AudioSource | SourceRequest]"

MOST_THREADS = 64


def check_run(sources: object, on_error: object, ahead: object) -> None:
    """Raise `OptionError` for what a run cannot have."""
    if on_error not in ("raise", "return"):
        raise OptionError(f"on_error is 'raise' or 'return', found {on_error!r}")
    if not isinstance(ahead, int) or isinstance(ahead, bool) or not 0 <= ahead <= MOST_THREADS:
        raise OptionError(f"ahead: expected a number of threads from 0 to {MOST_THREADS}, found {ahead!r}")
    if isinstance(sources, (str, bytes, SourceRequest)) or (isinstance(sources, np.ndarray) and sources.ndim == 1):
        # whose letters would each be taken for a path, or samples for a recording
        raise OptionError("transcribe_many takes a list of recordings, found a single one; transcribe takes that")


def readings_of(sources: Sources, reader: RecordingReader, ahead: int) -> SourceReadings:
    """Return the readings of the sources, in `ahead` threads or, without any, each when its turn comes."""
    return Ahead(sources, reader, ahead) if ahead else Serial(sources, reader)
