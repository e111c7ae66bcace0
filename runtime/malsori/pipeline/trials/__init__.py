"""Trials of models: proof of a bundle on real speech, and calibration of the windows that a Whisper bundle bears."""

from .calibration import calibrate, check_kind
from .hearing import find_recordings
from .outcome import Calibration
from .proof import prove
from .search import CalibrationLimits
from .speed import LENGTHS
from .verdict import Errors, FrameAgreement, Proof, ProofLimits, Repeats, Speed

__all__ = [
    "LENGTHS",
    "Errors",
    "FrameAgreement",
    "Proof",
    "ProofLimits",
    "Repeats",
    "Speed",
    "find_recordings",
    "prove",
]


__all__ = ["Calibration", "CalibrationLimits", "calibrate", "check_kind"]
