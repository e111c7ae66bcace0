"""What a file says it holds, against what was found in it."""

from __future__ import annotations

from ..errors import CorruptAudio
from .packets import USE_ANYWAY
from .stream import Promise, SoundStream

_TOLD_S = 0.1  # more than that beside the promise is worth a word
_DELAY = 1_152  # frames that an encoder puts in front and a decoder drops: no loss at low rates either


def hold_to_promise(stream: SoundStream, name: str, *, allow_truncated: bool) -> None:
    """Note what is missing of the part read last, and what is there beyond its promise, and forget the promise.

    Raises `CorruptAudio` for what is missing of a firm promise unless it is allowed.
    """
    promise, stream.promise = stream.promise, Promise()
    lead = stream.clock.lead if not stream.counted_s else 0.0
    found, stream.counted_s = stream.heard_s - stream.counted_s - lead, stream.heard_s
    if promise.seconds is None:
        return
    leapt = stream.clock.leapt
    promised = promise.seconds - (leapt if leapt < promise.seconds else 0.0)
    rate = stream.form.rate
    expected, frames = round(promised * rate), round(found * rate)
    says = f"the file says that it holds {promised:.2f} s"
    if promise.firm and frames < expected - round(promise.slack_s * rate):
        if not allow_truncated:
            raise CorruptAudio(name, f"{expected} frames", f"{frames} frames; {USE_ANYWAY}")
        stream.notes.append(f"cut short or damaged: expected {expected} frames, found {frames} frames")
    elif found < promised - max(_TOLD_S, _DELAY / rate):
        stream.notes.append(f"{says}; only {found:.2f} s were found")
    elif found > promised + max(promise.slack_s, _TOLD_S):
        stream.notes.append(f"{says}; {found:.2f} s were found, and all are used")
        return
    else:
        return
    stream.clock.cut = True
