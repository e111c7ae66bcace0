"""Each channel of a recording heard by itself: equal to its mono file, merged by time, and nothing heard twice."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from malsori import Segment, Transcript
from malsori.audio import decode
from malsori.errors import AudioNotFound, Cancelled, MalsoriError, NoSuchChannel, OptionError
from malsori.pipeline import Progress, SourceRequest, Transcriber, load
from malsori.pipeline.files.merging import Channel, dialogue_of, merged_channels
from malsori.types import SAMPLE_RATE, Coverage, LeftOut, Span, Word
from tests.loudness import LoudnessDetector, LoudnessEngine
from tests.shipped import ROOT
from tests.sounds import recording, tone

ENGLISH = "it will rain in jeju tomorrow"
KOREAN = "침실 온도를 이십육 도로 맞춰 주세요"


def sample(name: str) -> NDArray[np.float32]:
    return decode(ROOT / "samples" / f"{name}.wav").samples


def stereo(left: NDArray[np.float32], right: NDArray[np.float32], later: float = 0.0) -> NDArray[np.float32]:
    """Return two channels, the right one beginning `later` seconds after the left one."""
    shift = round(later * SAMPLE_RATE)
    sound = np.zeros((max(len(left), len(right) + shift), 2), np.float32)
    sound[: len(left), 0] = left
    sound[shift : shift + len(right), 1] = right
    return sound


def stored(path: Path, sound: NDArray[np.float32], rate: int = SAMPLE_RATE) -> Path:
    soundfile.write(path, sound, rate)
    return path


@pytest.fixture(scope="module")
def whisper() -> Transcriber:
    return load("nano-whisper")


@pytest.fixture(scope="module")
def ctc() -> Transcriber:
    return load("nano-ctc-ko")


def loud(*languages: str, poison: int | None = None) -> tuple[Transcriber, LoudnessEngine]:
    engine = LoudnessEngine(*languages, poison=poison)
    return Transcriber(engine, detector=LoudnessDetector), engine


def beeps(*times: float, level: float = 0.3, seconds: float = 12.0) -> NDArray[np.float32]:
    """Return half a second of noise at each time, which is another one for each level."""
    sound = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    for time in times:
        start = round(time * SAMPLE_RATE)
        noise = np.random.default_rng(start + round(level * 1_000)).uniform(-1.0, 1.0, SAMPLE_RATE // 2)
        sound[start : start + SAMPLE_RATE // 2] = level * noise / np.abs(noise).max()
    return sound


def plain(segments: tuple[Segment, ...]) -> list[Segment]:
    return [replace(segment, speaker=None, language=None) for segment in segments]


def test_two_people_on_two_channels_are_told_apart(whisper: Transcriber) -> None:
    found = whisper.transcribe(stereo(sample("english"), sample("korean"), 3.0), channels="split")
    assert [(each.speaker, each.language, each.text) for each in found.segments] == [
        ("left", "en", ENGLISH),
        ("right", "ko", KOREAN),
    ]
    assert found.text == f"left: {ENGLISH}\nright: {KOREAN}"
    assert found.warnings == whisper.warnings


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100])
def test_a_channel_reads_as_its_mono_file_does(whisper: Transcriber, tmp_path: Path, rate: int, words: bool) -> None:
    sound = stereo(sample("numbers"), sample("korean"), 2.0)
    steps = np.arange(0, len(sound) - 1, SAMPLE_RATE / rate)
    sound = np.stack([np.interp(steps, np.arange(len(sound)), column) for column in sound.T], axis=1)
    found = whisper.transcribe(stored(tmp_path / "two.wav", sound, rate), channels="split", word_timestamps=words)
    for number, speaker in enumerate(("left", "right")):
        alone = whisper.transcribe(stored(tmp_path / "one.wav", sound[:, number], rate), word_timestamps=words)
        heard = tuple(each for each in found.segments if each.speaker == speaker)
        assert [(s.text, s.start, s.end, s.words) for s in heard] == [
            (s.text, s.start, s.end, s.words) for s in alone.segments
        ]
        assert len(heard) == (5 if number == 0 else 1)
    assert [each.start for each in found.segments] == sorted(each.start for each in found.segments)


def test_the_words_of_a_ctc_model_stay_with_their_channels(ctc: Transcriber) -> None:
    korean = sample("korean")
    found = ctc.transcribe(stereo(korean, korean[::-1] * 0.0, 0.0), channels="split", word_timestamps=True)
    (segment,) = found.segments
    assert (segment.speaker, segment.text) == ("left", KOREAN)
    assert [word.text for word in segment.words] == KOREAN.split()


def test_one_channel_is_heard_by_its_number(whisper: Transcriber) -> None:
    sound = stereo(sample("english"), sample("korean"), 1.0)
    assert whisper.transcribe(sound, channels=1).text == ENGLISH
    found = whisper.transcribe(sound, channels="2")
    assert found.text == KOREAN
    assert found.segments[0].speaker is None
    with pytest.raises(NoSuchChannel, match=r"the channel 3, found 2 channels \(left, right\)"):
        whisper.transcribe(sound, channels=3)


def test_equal_channels_are_heard_once() -> None:
    model, engine = loud()
    sound = beeps(1.0, 4.0)
    found = model.transcribe(np.stack([sound, sound], axis=1), channels="split", speakers="ann,bob")
    assert found.segments == model.transcribe(sound).segments
    assert sum(map(len, engine.calls)) == 2 * 2  # two clips in each run
    assert found.warnings == (
        "the 2 channels hold the same sound, which was heard once: nobody is told apart (--channels split)",
    )
    assert found.coverage is not None
    assert found.coverage.decoded == 12.0


def test_a_recording_of_one_channel_is_read_as_ever_and_says_so() -> None:
    model, _ = loud()
    found = model.transcribe(beeps(1.0), channels="split")
    assert found.segments == model.transcribe(beeps(1.0)).segments
    assert found.warnings == ("there is one channel only, so that nobody is told apart (--channels split)",)


def test_what_leaks_from_one_channel_into_the_other_is_not_heard_twice(whisper: Transcriber) -> None:
    english, korean = sample("english"), sample("korean")
    clean = stereo(english, korean, 3.5)
    noise = np.random.default_rng(1).normal(0.0, 10 ** (-65 / 20), clean.shape)
    sound = (clean + 0.1 * clean[:, ::-1] + noise).astype(np.float32)
    for column, text in ((0, KOREAN), (1, ENGLISH)):  # what would be heard twice
        assert text.split()[-1] in whisper.transcribe(sound[:, column]).text
    found = whisper.transcribe(sound, channels="split")
    assert [(each.speaker, each.text) for each in found.segments] == [("left", ENGLISH), ("right", KOREAN)]
    assert [line.partition(":")[0] for line in found.warnings if "leak in from another channel" in line] == [
        "left",
        "right",
    ]
    assert found.coverage is not None
    crosstalk = {each.speaker: each.seconds for each in found.coverage.left_out if each.why == "crosstalk"}
    assert crosstalk["left"] == pytest.approx(len(korean) / SAMPLE_RATE, abs=1.0)
    assert crosstalk["right"] == pytest.approx(len(english) / SAMPLE_RATE, abs=1.0)
    parts = [each.seconds for each in found.coverage.left_out]
    assert found.coverage.decoded == pytest.approx(2 * found.duration)
    assert found.coverage.read + sum(parts) == pytest.approx(found.coverage.decoded)


@pytest.mark.parametrize("channels", [1, 3])
def test_names_are_counted(channels: int) -> None:
    model, _ = loud()
    sound = np.stack([beeps(number + 1.0, level=0.2 + number / 10) for number in range(channels)], axis=1)
    with pytest.raises(NoSuchChannel, match=f"2 channels, one for each of the speakers ann, bob, found {channels} c"):
        model.transcribe(sound, channels="split", speakers=["ann", "bob"])


def test_names_take_the_place_of_left_and_right() -> None:
    model, _ = loud()
    sound = np.stack([beeps(1.0, 7.0), beeps(4.0, level=0.2)], axis=1)
    found = model.transcribe(sound, channels="split", speakers="agent, customer")
    assert found.text == "agent: w30\ncustomer: w20\nagent: w30"


def test_more_channels_have_numbers() -> None:
    model, _ = loud()
    sound = np.stack([beeps(1.0), beeps(4.0, level=0.2), beeps(2.5, level=0.1)], axis=1)
    found = model.transcribe(sound, channels="split")
    assert found.text == "channel 1: w30\nchannel 3: w10\nchannel 2: w20"


def test_clips_of_the_channels_of_a_short_recording_share_engine_calls() -> None:
    model, engine = loud()
    sound = np.stack([beeps(1.0), beeps(4.0, level=0.2)], axis=1)
    model.transcribe(sound, channels="split", language="ko")
    assert [len(call) for call in engine.calls] == [2]


class Pipe(io.RawIOBase):
    """A file that gives its bytes once."""

    def __init__(self, data: bytes) -> None:
        self._file = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return False

    def readinto(self, buffer: Any) -> int:
        return self._file.readinto(buffer)


def test_a_pipe_a_file_object_bytes_and_a_path_read_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    model, _ = loud()
    path = stored(tmp_path / "two.wav", np.stack([beeps(1.0), beeps(4.0, level=0.2)], axis=1))
    data = path.read_bytes()
    ahead = io.BytesIO(b"12345" + data)
    ahead.seek(5)
    sources = [path, str(path), data, Pipe(data), ahead]
    texts = [each.text for each in model.transcribe_many(sources, channels="split")]
    assert texts == ["left: w30\nright: w20"] * 5
    assert os.listdir(tmp_path / "temporary") == []


def test_a_copy_of_a_pipe_goes_when_nobody_wants_the_result_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    model, _ = loud()
    sound = np.stack([beeps(1.0), beeps(4.0, level=0.2)], axis=1)
    data = io.BytesIO()
    soundfile.write(data, sound, SAMPLE_RATE, format="WAV")

    def sources() -> Iterator[Any]:
        yield sound
        yield Pipe(data.getvalue())
        assert os.listdir(tmp_path) != []
        raise KeyboardInterrupt

    results = model.transcribe_many(sources(), channels="split")
    with pytest.raises(KeyboardInterrupt):
        list(results)
    assert os.listdir(tmp_path) == []


def test_a_bad_recording_costs_itself_alone_and_results_stay_in_order(tmp_path: Path) -> None:
    model, _ = loud(poison=20)
    good, bad = np.stack([beeps(1.0), beeps(4.0, level=0.1)], axis=1), np.stack([beeps(1.0), beeps(4.0, level=0.2)], 1)
    sources = [good, tmp_path / "none.wav", bad, beeps(1.0), tmp_path / "neither.wav"]
    found = list(model.transcribe_many(sources, channels="split", on_error="return"))
    assert [getattr(each, "text", type(each).__name__) for each in found] == [
        "left: w30\nright: w10",
        "AudioNotFound",
        "EngineError",
        "w30",
        "AudioNotFound",
    ]
    assert not [each for each in found if isinstance(each, MalsoriError) and "none.wav" not in str(each)][2:]


def test_the_first_error_ends_a_run_that_raises() -> None:
    model, _ = loud(poison=20)
    bad = np.stack([beeps(1.0), beeps(4.0, level=0.2)], axis=1)
    with pytest.raises(AudioNotFound):
        list(model.transcribe_many(["/no/such/file.wav", bad], channels="split"))


def test_a_run_can_be_cancelled_while_channels_are_compared() -> None:
    model, _ = loud()
    with pytest.raises(Cancelled):
        model.transcribe(np.stack([beeps(1.0), beeps(4.0, level=0.2)], 1), channels="split", cancelled=lambda: True)


def test_progress_tells_sources_and_not_their_channels() -> None:
    model, _ = loud()
    two, told = np.stack([beeps(1.0), beeps(4.0, level=0.2)], axis=1), list[Progress]()
    list(model.transcribe_many([two, beeps(1.0), two], channels="split", batch_size=1, progress=told.append))
    assert {each.number for each in told} <= {1, 2, 3}
    assert [each.done for each in told] == sorted(each.done for each in told)
    assert told[0].done >= 0.0
    assert 0.5 in {each.done for each in told}  # one channel of the first
    assert told[-1].done == 3.0
    assert max(each.seconds for each in told) <= 12.0


def test_segments_are_told_in_the_order_of_the_transcript() -> None:
    model, _ = loud()
    told: list[Segment] = []
    sound = np.stack([beeps(1.0, 7.0), beeps(4.0, level=0.2)], axis=1)
    found = model.transcribe(sound, channels="split", on_segments=told.extend)
    assert tuple(told) == found.segments
    assert [each.speaker for each in told] == ["left", "right", "left"]


def test_what_has_no_channels_to_split_says_so(whisper: Transcriber) -> None:
    sound = stereo(sample("english"), sample("korean"), 1.0)
    with pytest.raises(OptionError, match="channels='split': expected one sound"):
        whisper.detect_language(sound, channels="split")
    assert next(iter(whisper.detect_language(sound, channels=2))) == "ko"
    with pytest.raises(OptionError, match="channels='split': a stream is the mix"):
        whisper.stream(channels="split")
    with pytest.raises(OptionError, match="speakers: expected channels='split'"):
        whisper.transcribe(sound, speakers=["a", "b"])


@pytest.mark.parametrize("wrong", ["both", 0, -1, 33, 1.5, True, None, "0"])
def test_channels_are_mix_split_or_a_number(wrong: Any) -> None:
    with pytest.raises(OptionError, match="channels: expected mix, split, or the number of a channel"):
        loud()[0].transcribe(beeps(1.0), channels=wrong)


@pytest.mark.parametrize("wrong", [["a", "a"], ["", "b"], ["a\nb", "c"], [1, 2], "a,,b"])
def test_names_are_different_and_on_one_line(wrong: Any) -> None:
    with pytest.raises(OptionError, match="speakers: expected different names"):
        loud()[0].transcribe(beeps(1.0), channels="split", speakers=wrong)


@pytest.mark.parametrize("options", [{"vad": False}, {"clip_timestamps": [0.5, 5.0]}])
def test_channels_are_split_without_the_gate(options: dict[str, Any]) -> None:
    model, _ = loud()
    found = model.transcribe(np.stack([beeps(1.0), beeps(4.0, level=0.2)], axis=1), channels="split", **options)
    assert found.text == "left: w30\nright: w20"


def test_a_call_that_becomes_mono_goes_on_in_its_first_channel() -> None:
    data = io.BytesIO()
    model, _ = loud()
    left, right = beeps(1.0), beeps(2.0, level=0.2)
    for sound in (np.stack([left, right], axis=1), beeps(3.0, level=0.25)):
        part = io.BytesIO()
        soundfile.write(part, sound, 44_100, format="MP3", bitrate_mode="CONSTANT")
        data.write(part.getvalue())
    found = model.transcribe(data.getvalue(), channels="split")
    assert [each.speaker for each in found.segments] == ["left", "right", "left"]
    assert any(line.startswith("right: channel 2 is silent where") for line in found.warnings)


def test_two_real_readers_are_heard_as_if_each_had_a_file_of_his_own(whisper: Transcriber) -> None:
    first = decode(recording("en/libri-test-clean_1089-134686-0000.flac")).samples
    second = decode(recording("en/libri-test-clean_1580-141084-0001.flac")).samples
    sound = stereo(first, second, 4.0)
    found = whisper.transcribe(sound, channels="split", language="en")
    for number, speaker in enumerate(("left", "right")):
        alone = whisper.transcribe(sound[:, number], language="en")
        assert plain(tuple(each for each in found.segments if each.speaker == speaker)) == list(alone.segments)


segments_of_a_channel = st.lists(
    st.tuples(st.floats(0.0, 50.0), st.floats(0.1, 5.0), st.sampled_from(["a", "b c", "d", "  "])), max_size=8
)


def transcript_of(spoken: list[tuple[float, float, str]], language: str) -> Transcript:
    segments = tuple(
        Segment(text, start, start + length, 0.9, (Word(text, start, start + length, 0.9),))
        for start, length, text in sorted(spoken)
    )
    return Transcript("", language, 0.9, 60.0, segments, "m", ("all",), Coverage(60.0, None, 60.0))


@settings(deadline=None)
@given(st.lists(segments_of_a_channel, min_size=1, max_size=4))
def test_merging_loses_no_segment_and_changes_nothing_in_them(channels: list[list[tuple[float, float, str]]]) -> None:
    parts = [Channel(f"s{number}", transcript_of(spoken, "ko")) for number, spoken in enumerate(channels)]
    found = merged_channels(parts)
    assert [each.start for each in found.segments] == sorted(each.start for each in found.segments)
    for part in parts:
        own = tuple(each for each in found.segments if each.speaker == part.speaker)
        assert plain(own) == list(part.transcript.segments)
    assert found.text == dialogue_of(found.segments)
    assert found.warnings == ("all",)
    assert found.duration == 60.0
    assert found.coverage is not None
    assert found.coverage.decoded == 60.0 * len(parts)


def test_the_language_is_that_of_the_channel_in_which_most_is_said() -> None:
    little, much = transcript_of([(0.0, 1.0, "a")], "en"), transcript_of([(2.0, 3.0, "b")], "ko")
    found = merged_channels([Channel("left", little), Channel("right", much)])
    assert found.language == "ko"
    assert [each.language for each in found.segments] == ["en", "ko"]
    same = merged_channels([Channel("left", little), Channel("right", replace(much, language="en"))])
    assert [each.language for each in same.segments] == [None, None]


def test_a_warning_of_one_channel_says_whose_it_is() -> None:
    one = transcript_of([(0.0, 1.0, "a")], "en")
    other = replace(one, warnings=("all", "only here"))
    found = merged_channels([Channel("left", one), Channel("right", other, (Span(16_000, 32_000),))])
    assert found.warnings == (
        "all",
        "right: only here",
        "right: 1.0 s leak in from another channel and were left out here, the first at 1.0 s",
    )


def test_leaks_count_once_whatever_else_became_of_their_silence() -> None:
    gate = LeftOut("gate", (Span(0, 16_000), Span(48_000, 64_000)))
    filled = LeftOut("filled", (Span(64_000, 80_000),))
    one = replace(transcript_of([], "und"), coverage=Coverage(5.0, 3.0, 2.0, (gate, filled)))
    leaks = (Span(8_000, 24_000), Span(56_000, 96_000))
    coverage = merged_channels([Channel("left", one, leaks)]).coverage
    assert coverage is not None
    assert coverage.left_out == (
        LeftOut("gate", (Span(0, 8_000), Span(48_000, 56_000)), "left"),
        LeftOut("filled", (Span(64_000, 80_000),), "left"),
        LeftOut("crosstalk", (Span(8_000, 24_000), Span(56_000, 64_000)), "left"),
    )
    assert coverage.read + sum(each.seconds for each in coverage.left_out) == coverage.decoded == 5.0


def test_a_tone_in_both_channels_is_no_two_speakers() -> None:
    model, engine = loud()
    model.transcribe(np.stack([tone(3.0), tone(3.0)], axis=1), channels="split")
    assert sum(map(len, engine.calls)) == 1


def test_a_recording_may_ask_for_its_channels_itself_and_threads_may_read_ahead() -> None:
    model, _ = loud()
    two = np.stack([beeps(1.0), beeps(4.0, level=0.2)], axis=1)
    requests = [
        SourceRequest(two, {"channels": "split", "speakers": ["ann", "bob"]}),
        SourceRequest(two, {"channels": 2}),
        two,
        SourceRequest(two, {"channels": 3}),
        SourceRequest(two, {"channels": "split", "speakers": ["ann"]}),
        SourceRequest(two, {"channels": "both"}),
    ]
    expected = ["ann: w30\nbob: w20", "w20", "w15 w10", "NoSuchChannel", "NoSuchChannel", "OptionError"]
    for ahead in (0, 3):
        found = model.transcribe_many(requests, on_error="return", ahead=ahead)
        assert [getattr(each, "text", type(each).__name__) for each in found] == expected
