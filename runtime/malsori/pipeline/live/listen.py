"""The loop from a live source to a stream's events.

from malsori.audio.live import open_microphone
from malsori.pipeline.live.listen import listen

microphone = open_microphone()
stream = malsori.load("nano-ctc-ko").stream(sample_rate=microphone.rate)
for event in listen(microphone, stream):
    print(event.to_dict())
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ...audio.live.capture import Captured, LiveSource
from ...errors import AudioError
from ...events import Event, Final, StreamWarning
from ...joining import joined
from ...types import UNKNOWN, Transcript
from .stream import Stream

POLL_S = 0.1  # seconds; the longest wait for sound, so that events of the engine's thread are not late


def listen(source: LiveSource, stream: Stream, *, stopped: Callable[[], bool] = lambda: False) -> Iterator[Event]:
    """Yield the events of `source` in `stream` until the sound ends or `stopped` returns True, then the remaining ones.

    Sound that was lost, also because the caller took events too slowly, becomes a gap and a warning with its length. A
    pipe or a file is read no faster than the engine can follow. A lost microphone is a warning with the code
    `lost_microphone`. The source stays open.

    Raises:
        AudioError: the source cannot be read on; raised behind the events of the sound before.
    """
    try:
        while not stopped():
            if source.patient and stream.behind:
                yield from stream.poll(POLL_S)
                continue
            captured = source.read(POLL_S)
            if captured is None:
                break
            yield from _taken(captured, source.rate, stream)
            yield from stream.poll()
    except AudioError:
        yield from _rest(stream)
        raise
    yield from _rest(stream)


def _rest(stream: Stream) -> Iterator[Event]:
    yield from stream.finish()
    while not stream.done:
        yield from stream.poll(POLL_S)
    yield from stream.poll()


def _taken(captured: Captured, rate: int, stream: Stream) -> Iterator[Event]:
    if captured.trouble is not None:
        yield StreamWarning("lost_microphone", str(captured.trouble), stream.seconds)
    if captured.lost:
        reason = {"reason": captured.reason} if captured.reason else {}
        yield from stream.skip(captured.lost / rate, **reason)
    for line in captured.mended:
        yield StreamWarning("mended_audio", line, stream.seconds)
    if len(captured.samples):
        yield from stream.push(captured.samples)


def transcript_of(events: Sequence[Event], seconds: float) -> Transcript:
    """Return the finals of a stream of `seconds` as a transcript, for the writers of files."""
    finals = [event for event in events if isinstance(event, Final)]
    told = next((final for final in finals if final.language != UNKNOWN), None)
    return Transcript(
        text=joined(finals),
        language=UNKNOWN if told is None else told.language,
        language_probability=0.0 if told is None else told.language_probability,
        duration=seconds,
        segments=tuple(segment for final in finals for segment in final.segments),
        model=finals[0].model if finals else "",
        warnings=tuple(event.message for event in events if isinstance(event, StreamWarning)),
    )
