"""Finals behind what was said before: which utterances those are, that no word is lost by it, what is read ahead."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from malsori import load
from malsori.audio import decode
from malsori.engines.base import DecodeOptions, Engine, Follower, LeftContext
from malsori.errors import OptionError
from malsori.events import Event, Final
from malsori.joining import written
from malsori.pipeline import Transcriber
from malsori.pipeline.live.earlier import StreamUtterance, left_context
from malsori.pipeline.live.options import LiveOptions, context_of
from malsori.pipeline.sharing.scheduler import Scheduler
from malsori.pipeline.sharing.scheduling import Hear, Inline, Outcome
from malsori.types import SAMPLE_RATE, Audio, Hypothesis, Segment, Span
from malsori.vad import GateOptions, SileroDetector, speech_spans
from malsori.vad.speech_gate import endpointing
from tests.loudness import LoudnessDetector, LoudnessEngine, recording, tone
from tests.shipped import ROOT, model
from tests.sounds import recording as recorded

SOUND = recording((10, 1.0), (20, 1.5), (30, 0.3), pause=1.0)


class FollowingEngine(LoudnessEngine):
    """Says of a clip that it is heard behind others `behind ...`; does not stand where the loudness is `alone`."""

    def __init__(self, *languages: str, alone: int | None = None, poison: int | None = None) -> None:
        super().__init__(*languages, poison=poison)
        self.alone = alone
        self.said: list[tuple[str, float]] = []

    def follow(self, clip: Audio, said: LeftContext, options: DecodeOptions) -> Hypothesis | None:
        self.said.append((said.text, round(len(said.sound) / SAMPLE_RATE, 2)))
        heard = self.hear(clip, options)
        text = heard.segments[0].text.strip()
        return None if text == f"w{self.alone}" else replace(heard, segments=(Segment(f"+{text}", 0.0, 1.0, 0.9),))


def following(
    *languages: str, alone: int | None = None, poison: int | None = None
) -> tuple[Transcriber, FollowingEngine]:
    engine = FollowingEngine(*languages, alone=alone, poison=poison)
    return Transcriber(engine, detector=LoudnessDetector), engine


def texts(events: Sequence[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, Final)]


def heard(text: str, language: str = "en") -> Hypothesis:
    return Hypothesis((Segment(text, 0.0, 1.0, 0.9),) if text else (), language, 1.0)


def uttered(at: float, seconds: float, found: Hypothesis | None, pause: float = 0.5) -> StreamUtterance:
    start, length = round(at * SAMPLE_RATE), round(seconds * SAMPLE_RATE)
    sound = np.full(length, at, np.float32)
    return StreamUtterance(Span(start, start + length), sound, np.zeros(round(pause * SAMPLE_RATE), np.float32), found)


def test_what_was_said_before_are_whole_utterances_with_their_pauses_the_oldest_first():
    before = [uttered(1, 1.0, heard("one")), uttered(3, 1.0, heard("two"))]
    said = left_context(uttered(5, 1.0, None), before, 10 * SAMPLE_RATE)
    assert said is not None
    assert (said.text, said.language) == ("one two", "en")
    assert len(said.sound) == 3 * SAMPLE_RATE  # without the pause before the first
    assert [float(said.sound[round(at * SAMPLE_RATE)]) for at in (0.5, 1.2, 2.0, 2.7)] == [1, 0, 3, 0]


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ([("one", "en"), None, ("two", "en")], "two"),
        ([("one", "en"), ("", "en"), ("two", "en")], "one two"),
        ([("eins", "de"), ("two", "en")], "two"),
        ([("one", "en"), None], None),
        ([], None),
    ],
)
def test_it_reaches_back_to_a_failure_or_another_language_and_leaves_out_what_had_no_words(
    before: list[tuple[str, str] | None], expected: str | None
):
    utterances = [uttered(2 * at, 1.0, heard(*found) if found else None) for at, found in enumerate(before)]
    said = left_context(uttered(20, 1.0, None), utterances, 10 * SAMPLE_RATE)
    assert (said and said.text) == expected


def test_an_utterance_for_which_there_is_no_room_is_not_cut_in_two():
    before = [uttered(0, 4.0, heard("one")), uttered(5, 2.0, heard("two"))]
    said = left_context(uttered(8, 1.0, None), before, 6 * SAMPLE_RATE)
    assert said is not None
    assert said.text == "two"


def test_each_final_is_read_behind_those_before_it():
    used, engine = following()
    events = used.stream(context_s=10.0).push(SOUND)
    assert texts(events) == ["w10", "+w20", "+w30"]
    assert [text for text, _ in engine.said] == ["w10", "w10 +w20"]
    assert [seconds for _, seconds in engine.said] == [pytest.approx(2.0, abs=0.1), pytest.approx(4.5, abs=0.1)]


@given(cuts=st.lists(st.integers(0, len(SOUND)), max_size=20))
@settings(max_examples=40, deadline=None)
def test_any_cut_of_the_sound_gives_the_same_finals_behind_the_same_words(cuts: list[int]):
    whole, at_once = following()
    expected = texts(whole.stream(context_s=3.0).push(SOUND))
    used, engine = following()
    stream = used.stream(context_s=3.0)
    events = [
        event for start, stop in pairwise([0, *sorted(cuts), len(SOUND)]) for event in stream.push(SOUND[start:stop])
    ]
    assert texts(events + stream.flush()) == expected
    assert engine.said == at_once.said


def test_what_does_not_stand_behind_what_was_said_is_read_alone():
    used, engine = following(alone=20)
    assert texts(used.stream(context_s=10.0).push(SOUND)) == ["w10", "w20", "+w30"]
    assert [text for text, _ in engine.said] == ["w10", "w10 w20"]


def test_nothing_stands_before_what_is_said_behind_a_long_silence():
    used, engine = following()
    sound = np.concatenate([SOUND, np.zeros(10 * SAMPLE_RATE, np.float32), SOUND])
    assert texts(used.stream(context_s=20.0).push(sound)) == ["w10", "+w20", "+w30", "w10", "+w20", "+w30"]
    assert [text for text, _ in engine.said] == ["w10", "w10 +w20"] * 2


def test_nothing_stands_before_what_is_said_behind_lost_sound():
    used, _ = following()
    stream = used.stream(context_s=20.0)
    events = stream.push(SOUND) + stream.skip(0.5) + stream.push(SOUND)
    assert texts(events) == ["w10", "+w20", "+w30", "w10", "+w20", "+w30"]


def test_an_utterance_that_the_engine_fails_on_stands_before_none():
    used, engine = following(poison=20)
    assert texts(used.stream(context_s=20.0).push(SOUND)) == ["w10", "w30"]
    assert [text for text, _ in engine.said] == ["w10"]


def test_a_scheduler_gives_the_finals_that_a_stream_has_without_one():
    used, _ = following()
    with Scheduler() as scheduler:
        stream = used.stream(context_s=10.0, scheduler=scheduler, partials=False)
        events = [event for start in range(0, len(SOUND), 800) for event in stream.push(SOUND[start : start + 800])]
        assert texts(events + stream.flush()) == ["w10", "+w20", "+w30"]


def test_the_context_is_that_of_the_model_unless_it_is_given():
    _, engine = following()
    assert isinstance(engine, Follower)
    assert context_of(LiveOptions(), engine) == 15.0
    assert context_of(LiveOptions(context_s=0.0), engine) == 0.0
    engine.manifest = replace(engine.manifest, demonstration=True)
    assert context_of(LiveOptions(), engine) == 0.0
    assert context_of(LiveOptions(context_s=4.0), engine) == 4.0
    assert context_of(LiveOptions(), LoudnessEngine()) == 0.0


@pytest.mark.parametrize("seconds", [-1.0, 26.0])
def test_a_context_has_bounds(seconds: float):
    with pytest.raises(OptionError, match=r"context_s: expected seconds from 0 to 25, found"):
        LiveOptions(context_s=seconds)


def test_a_model_that_reads_utterances_by_themselves_refuses_a_context():
    with pytest.raises(OptionError, match="context_s: loudness reads each utterance by itself"):
        Transcriber(LoudnessEngine(), detector=LoudnessDetector).stream(context_s=5.0)


class Waiting:
    """A scheduler whose engine does what it is told to, when it is told to."""

    closed = False

    def __init__(self) -> None:
        self.counters = Inline().counters
        self.ahead: list[Callable[[], None]] = []

    def final(
        self,
        engine: Engine,
        clip: Audio,
        options: DecodeOptions,
        done: Callable[[Outcome], None],
        owner: object = None,
        hear: Hear | None = None,
    ) -> None:
        Inline().final(engine, clip, options, done, owner, hear)

    def partial(self, engine: Engine, owner: object, work: Callable[[], None]) -> bool:
        self.ahead.append(work)
        return False

    def drop(self, owner: object) -> None:
        pass


def paused(seconds: float) -> Audio:
    """An utterance with a pause of so many seconds in the middle."""
    half, pause = tone(0.1, SAMPLE_RATE), np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    return np.concatenate([pause, half, pause, half, np.zeros(SAMPLE_RATE, np.float32)])


def ahead_of(sound: Audio, **options: object) -> tuple[list[str], FollowingEngine, int]:
    """Push in small blocks, doing at once what is to be read ahead; return the finals and how much that was."""
    used, engine = following()
    scheduler = Waiting()
    stream = used.stream(scheduler=scheduler, partials=False, context_s=10.0, **options)
    events: list[Event] = []
    done = 0
    for start in range(0, len(sound), 480):
        events += stream.push(sound[start : start + 480])
        for work in scheduler.ahead:
            work()
        done += len(scheduler.ahead)
        scheduler.ahead.clear()
    return texts(events + stream.flush()), engine, done


def test_a_final_is_read_while_its_pause_lasts_and_not_again_when_it_is_due():
    found, engine, done = ahead_of(SOUND)
    assert found == ["w10", "+w20", "+w30"]
    assert (done, len(engine.calls), len(engine.said)) == (3, 1, 2)


def test_what_was_read_ahead_is_forgotten_where_somebody_speaks_on():
    found, engine, done = ahead_of(paused(0.4))
    assert found == ["w10"]
    assert done == 2
    assert [seconds for (seconds,) in engine.calls] == [pytest.approx(1.4, abs=0.1), pytest.approx(2.8, abs=0.1)]


def test_nothing_is_read_ahead_where_that_is_not_wanted():
    found, _, done = ahead_of(SOUND, ahead=False)
    assert (found, done) == (["w10", "+w20", "+w30"], 0)


def chained(used: Transcriber, sound: Audio, gate: GateOptions, options: DecodeOptions, context_s: float) -> list[str]:
    """Read the gate's utterances one behind the other, without any stream."""
    before: list[StreamUtterance] = []
    for span in speech_spans(sound, SileroDetector(), gate):
        end = before[-1].span.stop if before else 0
        pause = sound[max(end, span.start - SAMPLE_RATE, 0) : span.start]
        here = StreamUtterance(span, sound[span.start : span.stop], pause)
        said = left_context(here, before, round(context_s * SAMPLE_RATE))
        assert isinstance(used.engine, Follower)
        found = used.engine.follow(here.sound, said, options) if said else None
        here.heard = found or used.engine.transcribe([here.sound], options)[0]
        before.append(here)
    return [each.text for each in before]


@pytest.mark.parametrize("size", [1_600, 40_000])
def test_finals_are_the_readings_of_the_same_utterances_behind_the_same_words(size: int):
    used = model("nano-whisper")
    sound = np.tile(decode(ROOT / "samples" / "korean.wav").samples, 4)
    gate = replace(endpointing("eager"), max_speech_s=28.0)
    expected = chained(used, sound, gate, DecodeOptions(language="ko"), 8.0)
    stream = used.stream(language="ko", gate=gate, partials=False, context_s=8.0)
    events = [event for start in range(0, len(sound), size) for event in stream.push(sound[start : start + size])]
    assert texts(events + stream.flush()) == expected
    assert len(expected) > 2


def test_words_of_a_final_lie_within_its_utterance_and_none_of_what_was_said_before():
    used = model("nano-whisper")
    sound = np.tile(decode(ROOT / "samples" / "korean.wav").samples, 4)
    stream = used.stream(language="ko", partials=False, context_s=10.0, word_timestamps=True)
    finals = [event for event in stream.push(sound) + stream.flush() if isinstance(event, Final)]
    assert len(finals) > 2
    for final in finals:
        words = [word for segment in final.segments for word in segment.words]
        assert all(final.start <= word.start < word.end <= final.end for word in words)
        assert [written(segment.words) for segment in final.segments] == [each.text for each in final.segments]


def test_finals_behind_others_have_no_words_where_nobody_asked_for_them():
    used = model("nano-whisper")
    sound = np.tile(decode(ROOT / "samples" / "korean.wav").samples, 4)
    stream = used.stream(language="ko", partials=False, context_s=10.0)
    finals = [event for event in stream.push(sound) + stream.flush() if isinstance(event, Final)]
    assert len(finals) > 2
    assert not any(segment.words for final in finals for segment in final.segments)


def test_another_language_than_before_is_read_alone():
    engine = model("nano-whisper").engine
    assert isinstance(engine, Follower)
    clip = decode(ROOT / "samples" / "korean.wav").samples[: 3 * SAMPLE_RATE]
    said = LeftContext(clip, "turn on the light", "en")
    assert engine.follow(clip, said, DecodeOptions(language="ko")) is None


def test_a_translation_is_read_alone():
    used = model("nano-whisper")
    sound = decode(ROOT / "samples" / "korean.wav").samples
    said = LeftContext(sound, "침실 온도를 이십육 도로 맞춰 주세요", "ko")
    engine = used.engine
    assert isinstance(engine, Follower)
    assert engine.follow(sound, said, DecodeOptions(language="ko")) is not None
    assert engine.follow(sound, said, DecodeOptions(language="ko", task="translate")) is None


def test_silence_behind_what_was_said_has_no_words():
    engine = model("nano-whisper").engine
    assert isinstance(engine, Follower)
    clip = decode(ROOT / "samples" / "korean.wav").samples[: 3 * SAMPLE_RATE]
    assert engine.follow(np.zeros(SAMPLE_RATE, np.float32), LeftContext(clip, "안녕", "ko"), DecodeOptions()) is None


@pytest.mark.stock
@pytest.mark.parametrize("size", [1_600, 48_000])
def test_stock_base_hears_a_speech_whole_though_it_is_cut_at_every_pause(stock_base: Path, size: int):
    used = load(stock_base, threads=1)
    sound = decode(recorded("en/openai_jfk.flac")).samples
    stream = used.stream(language="en", gate=endpointing("eager"), partials=False, audio_context=12.0)
    events = [event for start in range(0, len(sound), size) for event in stream.push(sound[start : start + size])]
    found = texts(events + stream.flush())
    assert len(found) >= 4
    said = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
    assert "".join(letter for letter in " ".join(found).lower() if letter.isalpha() or letter == " ") == said
