"""Recordings to transcripts: from a source through decoding, the gate and a shared engine to a `Transcript`."""

from ..engines.whisper.options import WhisperOptions
from .align import align
from .loading import load
from .options import TranscribeOptions
from .progress import Progress
from .retime import retime
from .transcriber import Transcriber

__all__ = ["Progress", "TranscribeOptions", "Transcriber", "WhisperOptions", "align", "load", "retime"]
