"""Live sound: microphones, pipes, and files played as if they were spoken now. Whole recordings: see `decode.py`."""

from .capture import Captured, LiveSource
from .pipe import ENCODINGS, PcmPipe
from .reconnecting import list_microphones, open_microphone, recorder
from .simulated import Simulated

__all__ = [
    "ENCODINGS",
    "Captured",
    "LiveSource",
    "PcmPipe",
    "Simulated",
    "list_microphones",
    "open_microphone",
    "recorder",
]
