"""Where speech is: detectors give a probability per frame, the gate makes spans of them."""

from .detector import Detector
from .endpointing import ENDPOINTINGS, endpointing
from .gate import Gate, GateOptions
from .named import DETECTORS, detector_named
from .silero import SileroDetector
from .speech import SpeechGate, speech_spans
from .two_stage import TwoStageDetector
from .webrtc import WebRtcDetector

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
