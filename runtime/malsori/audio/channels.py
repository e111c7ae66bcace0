"""The channels of a recording: what they are called, and one of them in place of the mix of all."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..joining import counted
from .pieces import Form, SoundPiece

SPEAKERS = {  # FFmpeg's and WAV's names of loudspeakers, in words
    "FL": "left",
    "FR": "right",
    "FC": "centre",
    "LFE": "low frequencies",
    "BL": "back left",
    "BR": "back right",
    "BC": "back centre",
    "SL": "side left",
    "SR": "side right",
}
STEREO = ("FL", "FR")  # where a recording of two channels does not say


def names_of(form: Form) -> tuple[str, ...]:
    """Return the name of each channel: left and right, by its loudspeaker, or `channel 3`.

    Example: ("FL", "FR", "FC", "LFE") gives left, right, centre, low frequencies.
    """
    layout = form.layout if len(form.layout) == form.channels else STEREO if form.channels == 2 else ()
    named = [SPEAKERS.get(speaker, "") for speaker in layout] or [""] * form.channels
    return tuple(name or f"channel {number}" for number, name in enumerate(named, 1))


def channels_of(form: Form) -> str:
    """Return how many channels there are, and what they are called, as in: 2 channels (left, right)."""
    names = [name for name in names_of(form) if not name.startswith("channel ")]
    return counted(form.channels, "channel") + (f" ({', '.join(names)})" if form.channels > 1 and names else "")


class ChannelPicker:
    """Takes channel number `channel`, from 1 on, out of pieces; it is silent where they have fewer channels.

    A line in `notes` says where that was, once all pieces were read.
    """

    def __init__(self, channel: int, notes: list[str]) -> None:
        self._channel, self._notes = channel, notes

    def picked(self, pieces: Iterator[SoundPiece]) -> Iterator[SoundPiece]:
        """Yield the pieces with this channel alone."""
        seconds = lacking = first = 0.0
        for piece in pieces:
            form, count = piece.form, len(piece.frames)
            mono = Form(form.rate, 1)
            if self._channel <= form.channels:
                yield SoundPiece(piece.frames[:, self._channel - 1 : self._channel], mono)
            else:
                first = seconds if not lacking else first
                lacking += count / form.rate
                yield SoundPiece(np.zeros((count, 1), np.float32), mono)
            seconds += count / form.rate
        if lacking:
            self._notes.append(
                f"channel {self._channel} is silent where the recording has fewer channels: "
                f"{lacking:.2f} s, the first at {first:.2f} s"
            )
