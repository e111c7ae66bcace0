"""Sound while it is made: microphones, pipes, and files played as if they were one. Recordings are `decode`'s."""

from .open import list_microphones, open_microphone, recorder
from .pipe import ENCODINGS, PcmPipe
from .simulated import Simulated
from .source import Captured, LiveSource

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
