"""Bounds on a recording's rate, channels and length, checked before memory is allocated for what a header claims."""

from __future__ import annotations

from dataclasses import dataclass

from ..errors import AudioTooLong, UnsupportedFormat
from ..kinds import LEAST_RATE, MOST_CHANNELS, MOST_RATE

_ROUNDING_S = 1e-6  # seconds are added up piece by piece


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on one input; None switches a bound off.

    Rates are Hz, `max_seconds` seconds of sound, `max_bytes` bytes as stored (compressed where the format compresses).
    """

    min_rate: int = LEAST_RATE
    max_rate: int = MOST_RATE
    max_channels: int = MOST_CHANNELS
    max_seconds: float | None = None
    max_bytes: int | None = None

    def check_shape(self, name: str, rate: int, channels: int) -> None:
        """Raise `UnsupportedFormat` for a sample rate or a channel count out of bounds."""
        if not self.min_rate <= rate <= self.max_rate:
            raise UnsupportedFormat(name, f"a sample rate of {self.min_rate} to {self.max_rate} Hz", f"{rate} Hz")
        if not 1 <= channels <= self.max_channels:
            raise UnsupportedFormat(name, f"1 to {self.max_channels} channels", str(channels))

    def check_length(self, name: str, seconds: float) -> None:
        """Raise `AudioTooLong` for more than `max_seconds`."""
        if self.max_seconds is not None and seconds > self.max_seconds + _ROUNDING_S:
            raise AudioTooLong(name, f"at most {self.max_seconds:g} s", f"{seconds:.1f} s or more")

    def check_bytes(self, name: str, size: int) -> None:
        """Raise `AudioTooLong` for more than `max_bytes`."""
        if self.max_bytes is not None and size > self.max_bytes:
            raise AudioTooLong(name, f"at most {self.max_bytes} bytes", f"{size} bytes or more")


DEFAULT_LIMITS = Limits()
