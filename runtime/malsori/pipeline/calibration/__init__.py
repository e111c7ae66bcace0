"""Calibration of a Whisper bundle: how short a window it bears, on recordings of those who will use it.

`run.py` is the way, `search.py` says what `listening.py` hears, `figures.py` counts, `choice.py` decides. `malsori
models calibrate` writes the outcome down.
"""

from .choice import Limits
from .results import Calibration
from .run import calibrate, check_kind

__all__ = ["Calibration", "Limits", "calibrate", "check_kind"]
