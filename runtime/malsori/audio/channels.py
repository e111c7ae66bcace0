"""The channels of a recording: what they are called, and one of them in place of the mix of all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..joining import counted
from ..types import Audio, Span
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


def picked(pieces: Iterator[SoundPiece], number: int, notes: list[str]) -> Iterator[SoundPiece]:
    """Yield channel `number`, from 1 on, of the pieces; it is silent where they have fewer channels.

    A line in `notes` says where that was, once all pieces were read.
    """
    seconds = lacking = first = 0.0
    for piece in pieces:
        count, mono = len(piece.frames), Form(piece.form.rate, 1)
        if number <= piece.form.channels:
            yield SoundPiece(piece.frames[:, number - 1 : number], mono)
        else:
            first = first if lacking else seconds
            lacking += count / mono.rate
            yield SoundPiece(np.zeros((count, 1), np.float32), mono)
        seconds += count / mono.rate
    if lacking:
        notes.append(
            f"channel {number} is silent where the recording has fewer channels: "
            f"{lacking:.2f} s, the first at {first:.2f} s"
        )


def silenced(blocks: Iterator[Audio], spans: Sequence[Span]) -> Iterator[Audio]:
    """Yield the blocks with zeros in some spans, which are ascending and apart."""
    start, left = 0, list(spans[::-1])
    for block in blocks:
        stop = start + len(block)
        while left and left[-1].start < stop:
            if left[-1].stop > start:
                block = block.copy()
                block[max(left[-1].start - start, 0) : left[-1].stop - start] = 0.0
            if left[-1].stop > stop:
                break
            left.pop()
        yield block
        start = stop
