"""What a file says it holds, against what was found in it."""

from __future__ import annotations

from ..errors import CorruptAudio
from .packets import USE_ANYWAY
from .stream import Promise, Stream

_TOLD_S = 0.1  # more than that less or beyond is worth a word
_DELAY = 1_152  # frames: what encoders put in front, and decoders drop, is no less


def hold_to_promise(stream: Stream, name: str, *, allow_truncated: bool) -> None:
    """Note what is missing of the part read last, and what is there beyond its promise, and forget the promise.

    Raises `CorruptAudio` for what is missing unless it is allowed.
    """
    promise, stream.promise = stream.promise, Promise()
    lead = stream.clock.lead if not stream.counted_s else 0.0
    found, stream.counted_s = stream.heard_s - stream.counted_s - lead, stream.heard_s
    if promise.seconds is None:
        return
    promised = promise.seconds - stream.clock.leapt
    rate = stream.form.rate
    expected, frames = round(promised * rate), round(found * rate)
    if frames < expected - round(promise.slack_s * rate):
        if not allow_truncated:
            raise CorruptAudio(name, f"{expected} frames", f"{frames} frames; {USE_ANYWAY}")
        stream.clock.cut = True
        stream.notes.append(f"cut short or damaged: expected {expected} frames, found {frames} frames")
    elif not -max(_TOLD_S, _DELAY / rate) <= found - promised <= max(promise.slack_s, _TOLD_S):
        stream.notes.append(f"the file says that it holds {promised:.2f} s; {found:.2f} s were found, and all are used")
