"""From a live source to events: gaps, troubles, the end of the sound, a reader who stops, and the transcript."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest

from malsori import Segment
from malsori.audio.live import Captured, Simulated
from malsori.audio.live.capture import Inbox
from malsori.errors import CorruptAudio, MicrophoneLost, StreamClosed, UnsupportedFormat
from malsori.events import Event, Final, Partial, SpeechEnded, SpeechStarted, StreamWarning
from malsori.pipeline import Transcriber
from malsori.pipeline.live.listen import listen, transcript_of
from malsori.pipeline.sharing.scheduling import Inline
from malsori.types import SAMPLE_RATE, Audio
from tests.loudness import LoudnessDetector, LoudnessEngine, recording

SOUND = recording((10, 1.0), (20, 1.5), pause=1.0)


class Script:
    """A source that gives what is written down, raises what is an exception, and ends."""

    name, rate, channels, patient = "script", SAMPLE_RATE, 1, False

    def __init__(self, *lines: Captured | Exception, rate: int = SAMPLE_RATE) -> None:
        self.lines = list(lines)
        self.rate = rate
        self.reads = 0

    def read(self, timeout: float) -> Captured | None:
        self.reads += 1
        if not self.lines:
            return None
        line = self.lines.pop(0)
        if isinstance(line, Exception):
            raise line
        return line

    def close(self) -> None:
        raise AssertionError("the source is the caller's")


def transcriber() -> Transcriber:
    return Transcriber(LoudnessEngine("ko"), detector=LoudnessDetector)


def cut(sound: Audio, size: int = 320) -> list[Captured]:
    return [Captured(sound[start : start + size]) for start in range(0, len(sound), size)]


def finals(events: Iterable[Event]) -> list[Final]:
    return [event for event in events if isinstance(event, Final)]


def codes(events: Iterable[Event]) -> list[str]:
    return [event.code for event in events if isinstance(event, StreamWarning)]


def test_what_is_heard_is_what_a_file_with_the_same_sound_says():
    events = list(listen(Script(*cut(SOUND)), transcriber().stream()))
    expected = transcriber().transcribe(SOUND)
    assert [final.text for final in finals(events)] == ["w10", "w20"]
    assert tuple(segment for final in finals(events) for segment in final.segments) == expected.segments
    assert [type(event) for event in events if not isinstance(event, Partial)] == [
        SpeechStarted,
        SpeechEnded,
        Final,
    ] * 2


def test_sound_at_another_rate_is_on_the_same_clock():
    source = Script(*cut(np.repeat(SOUND, 3), 960), rate=48_000)
    found = finals(listen(source, transcriber().stream(sample_rate=48_000)))
    assert [final.start for final in found] == pytest.approx([0.8, 2.8], abs=0.05)


def test_speech_that_the_end_of_the_sound_cuts_off_has_its_final():
    source = Script(*cut(SOUND[: 3 * SAMPLE_RATE + 8_000]))
    assert [final.text for final in finals(listen(source, transcriber().stream()))] == ["w10", "w20"]


def test_lost_sound_is_a_gap_and_a_warning_with_its_length():
    blocks = cut(SOUND)
    blocks[75] = Captured(blocks[75].samples, lost=8_000, reason="it ran over")
    events = list(listen(Script(*blocks), transcriber().stream()))
    lost = next(event for event in events if isinstance(event, StreamWarning))
    assert (lost.code, lost.at, lost.seconds) == ("dropped_audio", 1.5, 0.5)
    assert lost.message.startswith("it ran over")
    assert [final.text for final in finals(events)] == ["w10", "w10", "w20"]  # what the gap is in ends there
    assert finals(events)[-1].start == pytest.approx(2.8 + 0.5, abs=0.05)


def test_what_was_mended_in_a_file_is_told_as_for_the_same_file():
    sound = SOUND.copy()
    sound[100:200], sound[5_000] = np.nan, 4.0
    stream = transcriber().stream()
    events = list(listen(Simulated(sound, float("inf")), stream))
    warnings = [event for event in events if isinstance(event, StreamWarning)]
    assert [(warning.code, warning.at) for warning in warnings] == [("mended_audio", stream.seconds)] * 2
    assert tuple(warning.message for warning in warnings) == transcriber().transcribe(sound).warnings


def test_a_lost_microphone_is_a_warning_and_ends_what_was_being_said():
    blocks = cut(SOUND)
    blocks[75] = Captured(lost=24_000, trouble=MicrophoneLost("usb", "sound", "none for 1.5 s"))
    source = Script(*blocks[:76])
    events = list(listen(source, transcriber().stream()))
    assert codes(events) == ["lost_microphone", "dropped_audio"]
    assert next(event for event in events if isinstance(event, StreamWarning)).message == (
        "usb: expected sound, found none for 1.5 s"
    )
    assert [final.end for final in finals(events)] == [1.5]


def test_an_end_that_is_asked_for_still_gives_the_final_of_what_was_said():
    stream = transcriber().stream()
    source = Script(*cut(SOUND))
    events = list(listen(source, stream, stopped=lambda: stream.seconds >= 1.5))
    assert [final.text for final in finals(events)] == ["w10"]
    assert len(source.lines) == (len(SOUND) - 24_000) // 320


def test_a_source_that_fails_gives_what_was_said_and_then_its_error():
    found: list[Event] = []
    source = Script(*cut(SOUND[:24_000]), CorruptAudio("a.wav", "sound", "damage"))
    with pytest.raises(CorruptAudio):
        found.extend(listen(source, transcriber().stream()))
    assert [final.text for final in finals(found)] == ["w10"]


def test_a_block_of_another_shape_is_an_error_that_names_both():
    source = Script(Captured(np.zeros(320, np.float32)), Captured(np.zeros((320, 2), np.float32)))
    with pytest.raises(UnsupportedFormat, match=r"1 channel.*2 channels"):
        list(listen(source, transcriber().stream()))


def test_a_stream_that_was_ended_is_not_listened_with():
    stream = transcriber().stream()
    stream.flush()
    with pytest.raises(StreamClosed):
        list(listen(Script(*cut(SOUND)), stream))


def test_nothing_is_read_before_somebody_takes_the_events():
    source = Script(*cut(SOUND))
    listen(source, transcriber().stream())
    assert source.reads == 0


class Recorder(Script):
    """A source behind an inbox of two seconds, which fills up while nobody reads."""

    def __init__(self) -> None:
        super().__init__()
        self.inbox = Inbox(2 * SAMPLE_RATE)

    def record(self, sound: Audio) -> None:
        for block in cut(sound):
            self.inbox.put(block.samples)

    def read(self, timeout: float) -> Captured | None:
        return self.inbox.take(0)


def test_a_reader_who_stops_loses_sound_and_is_told_how_much_when_he_goes_on():
    source, stream = Recorder(), transcriber().stream()
    events = listen(source, stream)
    source.record(SOUND[:24_000])
    assert isinstance(next(events), SpeechStarted)
    source.record(np.tile(SOUND, 4))  # meanwhile nobody asks for the next event
    source.inbox.close()
    rest = list(events)
    dropped = [event for event in rest if isinstance(event, StreamWarning)]
    assert [event.code for event in dropped] == ["dropped_audio"]
    heard = 24_000 + 4 * len(SOUND) - round(dropped[0].seconds * SAMPLE_RATE)
    assert heard < 24_000 + 2 * SAMPLE_RATE
    assert stream.seconds == pytest.approx((24_000 + 4 * len(SOUND)) / SAMPLE_RATE, abs=0.001)


class Late(Inline):
    """A scheduler whose engine gets to nothing before it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting: list[Callable[[], None]] = []

    def final(self, *call: Any, **owner: Any) -> None:
        self.waiting.append(lambda: Inline.final(self, *call, **owner))

    def catch_up(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


@pytest.mark.parametrize("patient", [True, False])
def test_a_pipe_waits_for_an_engine_that_is_behind_and_a_microphone_does_not(patient: bool):
    scheduler, source = Late(), Script(*cut(np.tile(recording((10, 18.0), pause=1.0), 20), 8_000))
    source.patient = patient
    stream = transcriber().stream(partials=False, scheduler=scheduler, backlog_s=60)
    before = -1

    def stopped() -> bool:
        nonlocal before
        if source.reads == before or not source.lines:  # nothing was read since
            scheduler.catch_up()
        before = source.reads
        return False

    events = list(listen(source, stream, stopped=stopped))
    assert codes(events) == ([] if patient else ["dropped_audio"])
    assert (len(finals(events)) == 20) == patient


def final(seq: int, text: str, language: str = "ko") -> Final:
    segments = (Segment(text, seq, seq + 1, 0.9),) if text else ()
    return Final(seq, text, seq, seq + 1, segments, language, 0.8 if text else 0.0, "nano")


def test_the_transcript_of_a_stream_has_its_finals_and_warnings():
    events = [final(1, "", "und"), StreamWarning("dropped_audio", "lost: 1 s", 1.0, 1.0), final(2, "네"), final(3, "")]
    made = transcript_of(events, 9.5)
    assert (made.text, made.language, made.language_probability, made.duration) == ("네", "ko", 0.8, 9.5)
    assert (made.model, made.warnings, len(made.segments)) == ("nano", ("lost: 1 s",), 1)


def test_the_transcript_of_silence_is_empty():
    made = transcript_of([], 3.0)
    assert (made.text, made.language, made.segments, made.duration) == ("", "und", (), 3.0)
