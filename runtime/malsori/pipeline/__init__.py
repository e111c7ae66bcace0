"""Recordings to transcripts: from a source through decoding, the gate and a shared engine to a `Transcript`."""

from .alignment.retime import retime
from .alignment.text import align
from .files.recording import Progress
from .loading import load
from .options import TranscribeOptions
from .transcriber import Transcriber

__all__ = ["Progress", "TranscribeOptions", "Transcriber", "align", "load", "retime"]
