"""The detectors by name, for options and flags."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

from ..errors import OptionError
from .detector import Detector
from .silero import SileroDetector
from .two_stage import TwoStageDetector
from .webrtc import WebRtcDetector

DETECTORS: MappingProxyType[str, Callable[[], Detector]] = MappingProxyType(
    {"silero": SileroDetector, "two-stage": TwoStageDetector, "webrtc": WebRtcDetector}
)


def detector_named(name: str) -> Callable[[], Detector]:
    """Return what makes a detector of that name. Raises `OptionError`, which lists those there are."""
    try:
        return DETECTORS[name]
    except (KeyError, TypeError):
        raise OptionError(f"no detector named {name!r}; there are {', '.join(DETECTORS)}") from None
