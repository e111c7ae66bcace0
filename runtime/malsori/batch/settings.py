"""What a worker is told before its first item: it is pickled, and so made of plain values."""

from __future__ import annotations

from dataclasses import dataclass

from ..output.cues import CueOptions
from ..pipeline.options import LOADING, Loading, TranscribeOptions

CUES = CueOptions()
AHEAD = 1  # threads that decode recordings before the engine asks for them


@dataclass(frozen=True, slots=True)
class WorkerSettings:
    """The model and what is asked of it, where results go and in which formats.

    `model` is the name or path of a bundle, which must be the one with the digest `model_digest` wherever the worker
    runs ("" for any). `output` is a folder or the URL of one. `words` keeps the words in json, where cues need their
    times anyway.
    """

    model: str
    options: TranscribeOptions
    formats: tuple[str, ...]
    output: str
    model_digest: str = ""
    loading: Loading = LOADING
    compute_type: str = "default"
    cues: CueOptions = CUES
    words: bool = False
