"""Sound while it is made: microphones, pipes, and files played as if they were one. Recordings are `decode`'s."""

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
