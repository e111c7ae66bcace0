"""Recordings to transcripts: from a source through decoding, the gate and a shared engine to a `Transcript`."""

from .alignment.retime import retime
from .alignment.text import align
from .files.recording import Progress
from .files.source_request import SourceRequest
from .loading import load
from .options import TranscribeOptions
from .transcriber import Transcriber

__all__ = ["Progress", "SourceRequest", "TranscribeOptions", "Transcriber", "align", "load", "retime"]
