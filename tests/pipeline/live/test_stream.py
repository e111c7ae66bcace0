"""A stream: any cut of the sound gives the finals of the file mode, finals never change, nothing is lost silently."""

from __future__ import annotations

import threading
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori.audio import decode
from malsori.audio.ring import RingBuffer
from malsori.engines.base import DecodeOptions, Engine
from malsori.errors import OptionError, StreamClosed, UnsupportedFormat
from malsori.events import Event, Final, Partial, SpeechEnded, SpeechStarted, StreamWarning
from malsori.pipeline import TranscribeOptions, Transcriber
from malsori.pipeline.live.options import LiveOptions
from malsori.pipeline.live.stream import Stream
from malsori.pipeline.sharing.scheduler import Scheduler
from malsori.pipeline.sharing.scheduling import Hear, Inline, Outcome
from malsori.types import SAMPLE_RATE, Audio
from malsori.vad import GateOptions
from tests.loudness import LoudnessDetector, LoudnessEngine, recording
from tests.shipped import ROOT, model

SOUND = recording((10, 1.0), (20, 1.5), (30, 0.3), pause=1.0)


def transcriber(*languages: str, poison: int | None = None) -> Transcriber:
    return Transcriber(LoudnessEngine(*languages, poison=poison), detector=LoudnessDetector)


def engine_of(used: Transcriber) -> LoudnessEngine:
    assert isinstance(used.engine, LoudnessEngine)
    return used.engine


def events_of(stream: Stream, sound: Audio, cuts: Sequence[int] = ()) -> list[Event]:
    """Push the sound in the pieces that the cuts make; return everything that the stream tells."""
    found: list[Event] = []
    for start, stop in pairwise([0, *sorted(cuts), len(sound)]):
        found += stream.push(sound[start:stop])
    return found + stream.flush()


def blocks(sound: Audio, size: int) -> Iterator[Audio]:
    for start in range(0, len(sound), size):
        yield sound[start : start + size]


def finals(events: Sequence[Event]) -> list[Final]:
    return [event for event in events if isinstance(event, Final)]


def partials(events: Sequence[Event]) -> list[Partial]:
    return [event for event in events if isinstance(event, Partial)]


def warnings(events: Sequence[Event]) -> list[StreamWarning]:
    return [event for event in events if isinstance(event, StreamWarning)]


class Late:
    """A scheduler whose engine gets to nothing before it is told to: everything waits, partials replace each other."""

    closed = False

    def __init__(self) -> None:
        self.counters = Inline().counters
        self.finals: list[Callable[[], None]] = []
        self.partials: dict[int, Callable[[], None]] = {}

    def final(
        self,
        engine: Engine,
        clip: Audio,
        options: DecodeOptions,
        done: Callable[[Outcome], None],
        owner: object = None,
        hear: Hear | None = None,
    ) -> None:
        self.finals.append(lambda: Inline().final(engine, clip, options, done, owner, hear))

    def partial(self, engine: Engine, owner: object, work: Callable[[], None]) -> bool:
        stale = id(owner) in self.partials
        self.counters.stale += stale
        self.partials[id(owner)] = work
        return stale

    def drop(self, owner: object) -> None:
        self.counters.stale += self.partials.pop(id(owner), None) is not None

    def hear(self) -> None:
        for work in self.partials.values():
            work()
        self.partials.clear()

    def catch_up(self, backwards: bool = False) -> None:
        for work in reversed(self.finals) if backwards else self.finals:
            work()
        self.finals.clear()


def test_an_engine_is_told_that_somebody_waits_for_the_words():
    engine = LoudnessEngine()
    events_of(Transcriber(engine, detector=LoudnessDetector).stream(), SOUND)
    assert len(engine.options) == 3
    assert all(options.live for options in engine.options + engine.opened)
    Transcriber(engine, detector=LoudnessDetector).transcribe(SOUND)
    assert not engine.options[-1].live


@given(cuts=st.lists(st.integers(0, len(SOUND)), max_size=20))
@settings(max_examples=60, deadline=None)
def test_any_cut_of_the_sound_gives_the_finals_of_the_file_mode(cuts: list[int]):
    used = transcriber()
    expected = used.transcribe(SOUND)
    found = finals(events_of(used.stream(), SOUND, cuts))
    assert tuple(segment for final in found for segment in final.segments) == expected.segments
    assert " ".join(final.text for final in found) == expected.text


@pytest.mark.parametrize("name", ["korean", "numbers"])
@pytest.mark.parametrize("size", [160, 4_099, 1_000_000])
def test_real_speech_gives_the_words_of_the_file_mode(name: str, size: int):
    sound = decode(ROOT / "samples" / f"{name}.wav").samples
    expected = model().transcribe(sound, word_timestamps=True)
    stream = model().stream(word_timestamps=True, partials=False)
    found = finals([event for block in blocks(sound, size) for event in stream.push(block)] + stream.flush())
    assert tuple(segment for final in found for segment in final.segments) == expected.segments


def test_an_utterance_is_told_from_its_start_to_its_final():
    events = events_of(transcriber("ko").stream(), SOUND, range(0, len(SOUND), 1_600))
    first = [event for event in events if getattr(event, "seq", 0) == 1]
    assert isinstance(first[0], SpeechStarted)
    assert all(isinstance(event, Partial) for event in first[1:-2])
    assert isinstance(first[-2], SpeechEnded)
    assert isinstance(first[-1], Final)
    assert first[0].at == first[-1].start == pytest.approx(1.0 - 0.2, abs=0.03)
    assert first[-2].at == first[-1].end == pytest.approx(2.0 + 0.2, abs=0.03)
    assert (first[-1].language, first[-1].language_probability, first[-1].model) == ("ko", 1.0, "loudness")


def test_finals_are_numbered_and_do_not_overlap():
    found = finals(events_of(transcriber().stream(), SOUND, range(0, len(SOUND), 999)))
    assert [final.seq for final in found] == [1, 2, 3]
    assert all(before.end <= after.start for before, after in pairwise(found))


def test_what_a_partial_marks_as_stable_stands_in_all_later_ones():
    found = partials(events_of(transcriber().stream(), SOUND, range(0, len(SOUND), 800)))
    assert len(found) > 4
    for before, after in pairwise(found):
        if before.seq == after.seq:
            assert after.text.startswith(before.stable)


def test_partials_come_at_every_step_and_say_what_has_been_heard_since_the_utterance_began():
    events = events_of(transcriber().stream(step_s=0.3), SOUND, range(0, len(SOUND), 160))
    assert not warnings(events)
    second = [event for event in partials(events) if event.seq == 2]
    heard = [len(event.text.replace(" ", "").replace("w", "w" * 10)) / 100 for event in second]
    assert heard == pytest.approx([event.end - event.start for event in second], abs=0.011)
    assert [after.end - before.end for before, after in pairwise(second)] == pytest.approx([0.3] * (len(second) - 1))


def test_a_long_block_brings_the_last_partial_only():
    stream = transcriber().stream(step_s=0.5)
    (started, partial) = stream.push(recording((10, 3.0))[: 4 * SAMPLE_RATE])
    assert isinstance(started, SpeechStarted)
    assert isinstance(partial, Partial)
    assert partial.end > 3.9


def test_without_partials_no_session_is_opened():
    used = transcriber()
    assert not partials(events_of(used.stream(partials=False), SOUND, range(0, len(SOUND), 1_000)))
    assert not engine_of(used).sessions


def test_two_models_say_which_of_them_spoke():
    quick, slow = transcriber("ko"), transcriber("ko", "en")
    events = events_of(slow.stream(partials=quick, language="en"), SOUND, range(0, len(SOUND), 1_000))
    assert engine_of(quick).sessions
    assert not engine_of(slow).sessions
    assert len(engine_of(slow).calls) == 3
    assert not engine_of(quick).calls
    assert {event.language for event in finals(events)} == {"en"}


def test_an_hour_of_silence_makes_no_engine_call_and_takes_no_memory():
    used = transcriber()
    stream = used.stream()
    minute = np.zeros(60 * SAMPLE_RATE, np.float32)
    opened = len(engine_of(used).sessions)
    tracemalloc.start()
    held = []
    for _ in range(60):
        assert stream.push(minute) == []
        held.append(tracemalloc.get_traced_memory()[0])
    tracemalloc.stop()
    assert stream.seconds == 60 * 60
    assert not engine_of(used).calls
    assert len(engine_of(used).sessions) == opened
    assert held[-1] - held[1] < 20_000  # bytes; the sound itself has 230 million


def test_a_late_engine_loses_partials_only_and_it_is_told_once():
    used, late = transcriber(), Late()
    stream = used.stream(scheduler=late, step_s=0.2)
    events: list[Event] = []
    for index, block in enumerate(blocks(SOUND, 800)):
        events += stream.push(block)
        if index % 16 == 15:
            late.hear()
    late.catch_up()
    events += stream.poll()
    assert late.counters.stale > 0
    assert [event.code for event in warnings(events)] == ["dropped_partials"]
    assert [final.text for final in finals(events)] == ["w10", "w20", "w30"][: len(finals(events))]
    assert len(finals(events)) >= 2


def test_finals_come_in_order_though_the_engine_has_them_otherwise():
    late = Late()
    stream = transcriber().stream(scheduler=late)
    events = stream.push(SOUND)
    assert len(late.finals) == 3
    late.catch_up(backwards=True)
    assert [final.text for final in finals(events + stream.flush())] == ["w10", "w20", "w30"]


def test_no_partial_follows_the_end_of_its_utterance():
    late = Late()
    stream = transcriber().stream(scheduler=late)
    stream.push(SOUND[: round(1.9 * SAMPLE_RATE)])
    ((_, work),) = late.partials.items()
    ended = stream.push(SOUND[round(1.9 * SAMPLE_RATE) : 3 * SAMPLE_RATE])
    assert any(isinstance(event, SpeechEnded) for event in ended)
    work()
    assert stream.poll() == []


def test_an_utterance_that_the_engine_fails_on_costs_itself_only():
    events = events_of(transcriber(poison=20).stream(), SOUND)
    assert [final.text for final in finals(events)] == ["w10", "w30"]
    (told,) = warnings(events)
    assert (told.code, told.seq, told.message) == ("engine_error", 2, "the engine choked")
    assert told.seconds == pytest.approx(1.9, abs=0.05)


def test_a_session_that_breaks_costs_the_partials_of_its_utterance():
    used = transcriber()
    engine_of(used).broken = True
    events = events_of(used.stream(), recording((10, 1.0), pause=1.0), range(0, 48_000, 1_600))
    (told,) = warnings(events)
    assert (told.code, told.seq) == ("dropped_partials", 1)
    assert "the session broke" in told.message
    assert [final.text for final in finals(events)] == ["w10"]


def test_a_gap_ends_the_utterance_and_keeps_the_clock():
    stream = transcriber().stream()
    sound = recording((10, 2.0), pause=1.0)
    events = stream.push(sound[: 2 * SAMPLE_RATE])
    events += stream.skip(10.0)
    events += stream.push(sound[2 * SAMPLE_RATE :])
    events += stream.flush()
    before, after = finals(events)
    assert before.end == 2.0
    assert after.start == 12.0
    assert after.end == pytest.approx(13.2, abs=0.03)
    (told,) = warnings(events)
    assert (told.code, told.seconds, told.at) == ("dropped_audio", 10.0, 2.0)
    assert stream.seconds == 14.0


def test_an_engine_too_far_behind_costs_sound_which_is_told_with_its_length():
    late = Late()
    stream = transcriber().stream(scheduler=late, partials=False, backlog_s=2.5, gate=GateOptions(max_speech_s=1.25))
    sound = recording(*((10 + index, 0.8) for index in range(6)), pause=1.0)
    events = [event for block in blocks(sound, 1_600) for event in stream.push(block)]
    assert stream.lag < 5.0
    late.catch_up()
    events += stream.push(np.zeros(SAMPLE_RATE, np.float32)) + stream.flush()
    (told,) = warnings(events)
    heard = [final.text for final in finals(events)]
    assert heard == ["w10", "w11", "w12"]
    assert told.code == "dropped_audio"
    assert told.at + told.seconds == pytest.approx(len(sound) / SAMPLE_RATE, abs=0.6)
    assert stream.seconds == pytest.approx(len(sound) / SAMPLE_RATE + 1)


def test_speech_without_a_pause_is_cut_at_the_longest_utterance_and_goes_on_at_once():
    used = transcriber()
    gate = GateOptions(max_speech_s=3.0)
    sound = recording((10, 8.0), pause=1.0)
    events = events_of(used.stream(gate=gate, step_s=0.3), sound, range(0, len(sound), 700))
    found = finals(events)
    assert len(found) == 3
    assert all(before.end == after.start for before, after in pairwise(found))
    expected = used.transcribe(sound, gate=gate)
    assert [final.text for final in found] == [segment.text.strip() for segment in expected.segments]
    assert found[0].end == pytest.approx(0.8 + 3.0, abs=0.04)
    assert not warnings(events)


def test_samples_that_are_no_numbers_become_silence_and_are_told_once():
    stream = transcriber().stream()
    block = np.full(1_600, np.nan, np.float32)
    events = stream.push(block) + stream.push(block) + stream.push(np.full(1_600, 3.0, np.float32)) + stream.flush()
    assert [event.code for event in warnings(events)] == ["mended_audio", "mended_audio"]
    assert [final.text for final in finals(events)] == ["w100"]


@pytest.mark.parametrize(
    ("block", "rate", "named"),
    [
        (np.zeros((10, 2, 2), np.float32), None, "dimensions"),
        (np.zeros(10, np.int64), None, "int64"),
        (["0.0", "0.1"], None, "list"),
        (np.zeros(10, np.float32), 8_000, "8000 Hz"),
    ],
)
def test_a_block_of_another_kind_is_an_error_that_names_both(block: object, rate: int | None, named: str):
    stream = transcriber().stream()
    with pytest.raises(UnsupportedFormat, match=f"expected .*, found .*{named}"):
        stream.push(block, rate)  # type: ignore[arg-type]


def test_sound_after_the_end_is_an_error():
    stream = transcriber().stream()
    stream.flush()
    for late in (lambda: stream.push(SOUND), stream.flush, lambda: stream.skip(1.0)):
        with pytest.raises(StreamClosed, match="open another"):
            late()


def test_a_stream_of_another_rate_is_resampled():
    used = transcriber()
    stream = used.stream(sample_rate=2 * SAMPLE_RATE)
    found = finals(events_of(stream, np.repeat(SOUND, 2), range(0, 2 * len(SOUND), 1_111)))
    assert [final.seq for final in found] == [1, 2, 3]
    assert found[0].start == pytest.approx(0.8, abs=0.04)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"vad": False}, "vad"),
        ({"clip_timestamps": (1.0, 2.0)}, "clip_timestamps"),
        ({"align_with": "nano-ctc-ko"}, "align_with"),
        ({"condition_on_previous_text": True}, "condition_on_previous_text"),
        ({"language": "xx"}, "xx"),
        ({"cancelled": bool}, "cancelled"),
        ({"partials": False, "step_s": 1.0}, "partials"),
        ({"backlog_s": 0}, "backlog_s"),
        ({"gate": GateOptions(max_speech_s=float("inf"))}, "max_speech_s"),
    ],
)
def test_an_option_that_a_stream_does_not_have_is_refused_by_name(given: dict[str, object], named: str):
    with pytest.raises(OptionError, match=named):
        transcriber().stream(**given)


def test_options_that_make_no_difference_are_told_of():
    stream = transcriber().stream(hotwords=["거실"])
    (told,) = warnings(stream.flush())
    assert told.code == "ignored_option"
    assert "거실" in told.message


def test_whole_options_and_keywords_go_together():
    stream = transcriber().stream(TranscribeOptions(word_timestamps=True), live=LiveOptions(), step_s=0.25)
    words = [event.to_dict()["words"] for event in finals(events_of(stream, SOUND))]
    assert [[word["word"] for word in group] for group in words] == [["w10"], ["w20"], ["w30"]]


def test_events_have_the_forms_that_programs_read():
    events = events_of(transcriber("ko").stream(step_s=1.0), recording((10, 1.0), pause=1.0), [30_000])
    started, partial, ended, final = (event.to_dict() for event in events)
    assert (started["type"], ended["type"]) == ("speech_start", "speech_end")
    assert partial.keys() == {"type", "seq", "start", "end", "text", "stable", "model"}
    told = {"type", "seq", "start", "end", "text", "language", "language_probability", "model", "confidence"}
    assert final.keys() == told


def test_streams_that_share_an_engine_have_the_finals_that_each_has_alone():
    sounds = [recording(*((10 * index + each, 0.6) for each in range(1, 4)), pause=0.8) for index in range(1, 5)]
    used = transcriber()
    with Scheduler() as scheduler:
        streams = [used.stream(scheduler=scheduler) for _ in sounds]
        events: list[list[Event]] = [[] for _ in sounds]
        for parts in zip(*(blocks(sound, 1_600) for sound in sounds), strict=True):
            for stream, found, part in zip(streams, events, parts, strict=True):
                found += stream.push(part)
        for stream, found in zip(streams, events, strict=True):
            found += stream.flush()
    for index, found in enumerate(events, start=1):
        assert [final.text for final in finals(found)] == [f"w{10 * index + each}" for each in range(1, 4)]
        assert [event.seq for event in found if isinstance(event, SpeechEnded)] == [1, 2, 3]
        assert {event.code for event in warnings(found)} <= {"dropped_partials"}  # sound comes faster than it is spoken
    assert scheduler.counters.finals == 12


def test_a_stream_that_is_finished_tells_the_rest_as_it_comes():
    late = Late()
    stream = transcriber().stream(scheduler=late, partials=False)
    events = stream.push(SOUND) + stream.finish()
    assert len([event for event in events if isinstance(event, SpeechEnded)]) == 3
    assert (finals(events), stream.done) == ([], False)
    late.catch_up()
    assert [final.text for final in finals(stream.poll())] == ["w10", "w20", "w30"]
    assert stream.done


def test_partials_that_are_all_dropped_are_told_of_once():
    stream = transcriber().stream(scheduler=Late(), step_s=0.2)
    events = [event for block in blocks(SOUND, 800) for event in stream.push(block)]
    assert not partials(events)
    assert [event.code for event in warnings(events)] == ["dropped_partials"]


def test_a_foreign_error_costs_its_utterance_and_nobody_waits_for_ever():
    used = transcriber()
    engine_of(used).foreign = RuntimeError("out of bounds")
    events = events_of(used.stream(), recording((10, 1.0), pause=1.0))
    assert [event.code for event in warnings(events)] == ["dropped_partials", "engine_error"]
    assert all("out of bounds" in event.message for event in warnings(events))


def test_an_interrupt_in_a_final_leaves_nobody_waiting():
    used = transcriber()
    engine_of(used).foreign = KeyboardInterrupt()
    stream = used.stream(partials=False)
    with pytest.raises(KeyboardInterrupt):
        stream.push(recording((10, 1.0), pause=1.0))
    assert [event.code for event in warnings(stream.flush())] == ["engine_error"]


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf")])
def test_a_gap_has_a_length(seconds: float):
    stream = transcriber().stream()
    with pytest.raises(OptionError, match="expected seconds of 0 or more"):
        stream.skip(seconds)
    assert stream.seconds == 0


def test_what_was_dropped_before_a_gap_is_told_before_it():
    late = Late()
    stream = transcriber().stream(scheduler=late, partials=False, backlog_s=2.5, gate=GateOptions(max_speech_s=1.25))
    sound = recording(*((10 + index, 0.8) for index in range(6)), pause=1.0)
    events = stream.push(sound) + stream.skip(100.0)
    first, second = warnings(events)
    assert first.at + first.seconds == pytest.approx(len(sound) / SAMPLE_RATE)
    assert (second.seconds, second.at) == (100.0, pytest.approx(len(sound) / SAMPLE_RATE))


def test_a_gap_while_a_partial_is_heard_says_nothing_of_an_utterance_that_is_over(monkeypatch: pytest.MonkeyPatch):
    late = Late()
    stream = transcriber().stream(scheduler=late)
    stream.push(SOUND[: round(1.9 * SAMPLE_RATE)])
    ((_, work),) = late.partials.items()
    read, gaps = RingBuffer.read, []

    def gap_first(ring: RingBuffer, start: int, stop: int) -> Audio:
        if not gaps:
            gaps.append(start)
            stream.skip(3_600.0)
        return read(ring, start, stop)

    monkeypatch.setattr(RingBuffer, "read", gap_first)
    work()
    assert gaps
    assert [event.code for event in warnings(stream.poll())] == []


def test_the_level_is_the_peak_of_the_newest_block():
    stream = transcriber().stream()
    stream.push(np.full(20_000, -0.5, np.float32))
    assert stream.level == 0.5
    stream.push(np.zeros(0, np.float32))
    assert stream.level == 0.5


@pytest.mark.parametrize(("language", "expected"), [("ko", "ko"), (None, None)])
def test_a_language_that_is_not_given_is_told_of_each_utterance(language: str | None, expected: str | None):
    used = transcriber("ko", "en")
    events_of(used.stream(language=language), SOUND)
    assert [options.language for options in engine_of(used).options] == [expected] * 3


def test_a_scheduler_that_is_closed_is_refused_before_anything_is_said():
    scheduler = Scheduler()
    scheduler.close()
    with pytest.raises(OptionError, match="the scheduler is closed"):
        transcriber().stream(scheduler=scheduler)


@pytest.mark.parametrize(
    ("given", "named"),
    [({"gate": "eager"}, r"malsori.endpointing\('eager'\)"), ({"partials": "nano-ctc-ko"}, r"malsori.load\(...\)")],
)
def test_what_is_tried_first_and_is_no_object_says_what_makes_one(given: dict[str, object], named: str):
    with pytest.raises(OptionError, match=named):
        transcriber().stream(**given)


def test_a_gap_of_no_length_is_none():
    stream = transcriber().stream()
    stream.push(SOUND[: round(1.9 * SAMPLE_RATE)])
    assert stream.skip(0.0) == []
    assert [final.text for final in finals(stream.push(SOUND[round(1.9 * SAMPLE_RATE) :]) + stream.flush())] == [
        "w10",
        "w20",
        "w30",
    ]


def kept(found: Sequence[Final]) -> list[tuple[float, float, str]]:
    return [(final.start, final.end, final.text) for final in found]


@given(early=st.lists(st.integers(0, 240), min_size=3, max_size=3), size=st.sampled_from([160, 480, 1_777]))
@settings(max_examples=40, deadline=None)
def test_a_cut_in_a_pause_that_has_filled_the_padding_changes_no_text(early: list[int], size: int):
    expected = kept(finals(events_of(transcriber().stream(), SOUND)))
    stream, events, at = transcriber().stream(), [], 0
    # The pauses begin at 2.0, 4.5 and 5.8 s. They fill the padding 0.2 s later and end the utterance 0.5 s later, both
    # but for a frame of 0.03 s.
    begins = (2.0, 4.5, 5.8)
    cuts = [round((begin + 0.24 + ms / 1_000) * SAMPLE_RATE) for begin, ms in zip(begins, early, strict=True)]
    for stop in [*cuts, len(SOUND)]:
        for block in blocks(SOUND[at:stop], size):
            events += stream.push(block)
        at = stop
        if stop in cuts:
            told = stream.cut()
            assert [type(event) for event in told][-2:] == [SpeechEnded, Final]
            events += told
    assert kept(finals(events + stream.flush())) == expected
    assert stream.seconds == len(SOUND) / SAMPLE_RATE


def test_a_cut_while_somebody_speaks_leaves_no_gap():
    stream = transcriber().stream()
    sound = recording((10, 4.0), pause=1.0)
    events = stream.push(sound[: 3 * SAMPLE_RATE]) + stream.cut() + stream.push(sound[3 * SAMPLE_RATE :])
    first, second = finals(events + stream.flush())
    assert first.end == second.start == pytest.approx(3.0, abs=0.03)
    assert (first.seq, second.seq, second.end) == (1, 2, pytest.approx(5.2, abs=0.03))
    assert not warnings(events)


@pytest.mark.parametrize("seconds", [0.0, 0.5, 1.05, 3.0])
def test_a_cut_where_no_utterance_is_open_does_nothing(seconds: float):
    expected = kept(finals(events_of(transcriber().stream(), SOUND)))
    stream, at = transcriber().stream(), round(seconds * SAMPLE_RATE)
    events = stream.push(SOUND[:at])
    for _ in range(3):
        assert stream.cut() == []
    assert kept(finals(events + stream.push(SOUND[at:]) + stream.flush())) == expected


def test_a_cut_behind_the_end_is_an_error():
    stream = transcriber().stream()
    stream.flush()
    with pytest.raises(StreamClosed):
        stream.cut()


def test_a_stream_tells_that_events_wait():
    late, told = Late(), []
    stream = transcriber().stream(scheduler=late, partials=False)
    assert stream.wake is None
    stream.wake = lambda: told.append(len(stream.poll()))
    assert stream.push(SOUND) == []
    assert told == [1, 1] * 3  # the beginning and the end of each utterance
    late.catch_up(backwards=True)
    assert told[6:] == [3]  # finals that wait for an earlier one wake nobody
    stream.wake = None
    assert [type(event) for event in stream.skip(1.0)] == [StreamWarning]
    assert len(told) == 7


def test_a_stream_is_woken_by_the_threads_of_its_scheduler():
    woken = threading.Semaphore(0)
    with Scheduler() as scheduler:
        stream = transcriber().stream(scheduler=scheduler)
        stream.wake = woken.release
        events = stream.push(SOUND) + stream.finish()
        while not stream.done:
            assert woken.acquire(timeout=30.0)
            events += stream.poll()
        events += stream.poll()
    assert [final.text for final in finals(events)] == ["w10", "w20", "w30"]
