"""What the process of one model is told, and what it tells: plain values that are pickled between the two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from ..pipeline.options import Loading, TranscribeOptions

SHORT_S = 15.0  # seconds of a recording whose time counts as the latency of a short clip
CUT_S = 10.0  # seconds of sound that are cut out for that where all recordings are longer


@dataclass(frozen=True, slots=True)
class ModelTask:
    """A model to load and the recordings that it is to hear, each `runs` times."""

    model: str
    compute_type: str
    loading: Loading
    options: TranscribeOptions
    recordings: tuple[str, ...]
    runs: int = 1


@dataclass(frozen=True, slots=True)
class ModelLoaded:
    """The model was loaded in `load_s` seconds; the other fields are where it runs and in what it computes."""

    load_s: float
    device: str
    compute_type: str


@dataclass(frozen=True, slots=True)
class HeardRecording:
    """What was heard in recording `number`, and the seconds that each run took; or `error`, why it was not.

    `others` is how many of the runs gave another text than the first.
    """

    number: int
    text: str = ""
    language: str = ""
    duration: float = 0.0
    seconds: tuple[float, ...] = ()
    others: int = 0
    warnings: tuple[str, ...] = ()
    error: str = ""


@dataclass(frozen=True, slots=True)
class ModelDone:
    """All recordings were heard; `peak` are the most bytes that the process has held, None where that is not known.

    `latency_s` are the seconds for a clip of `CUT_S`, cut out where no recording is short.
    """

    peak: int | None
    latency_s: float | None = None


@dataclass(frozen=True, slots=True)
class ModelFailed:
    """The model could not be used: why."""

    reason: str


ModelMessage: TypeAlias = ModelLoaded | HeardRecording | ModelDone | ModelFailed
