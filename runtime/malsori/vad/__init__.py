"""Finds speech: a detector gives a probability per frame, the gate makes spans of them."""

from ..sound_options import GateOptions
from .detector import Detector
from .gate import Gate
from .silero import SileroDetector
from .speech_gate import DETECTORS, ENDPOINTINGS, SpeechGate, detector_named, endpointing, speech_spans
from .webrtc import TwoStageDetector, WebRtcDetector

__all__ = [
    "DETECTORS",
    "ENDPOINTINGS",
    "Detector",
    "Gate",
    "GateOptions",
    "SileroDetector",
    "SpeechGate",
    "TwoStageDetector",
    "WebRtcDetector",
    "detector_named",
    "endpointing",
    "speech_spans",
]
