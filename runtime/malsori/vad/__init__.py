"""Where speech is: detectors give a probability per frame, the gate makes spans of them."""

from .detector import Detector
from .gate import Gate, GateOptions
from .silero import SileroDetector
from .speech import SpeechGate, speech_spans
from .webrtc import WebRtcDetector

__all__ = ["Detector", "Gate", "GateOptions", "SileroDetector", "SpeechGate", "WebRtcDetector", "speech_spans"]
