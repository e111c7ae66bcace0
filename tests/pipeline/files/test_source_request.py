"""Recordings of one run with options of their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

import malsori
from malsori import SourceRequest
from malsori.engines.base import DecodeOptions
from malsori.errors import Cancelled, OptionError
from malsori.pipeline import Transcriber
from malsori.types import Audio, Hypothesis
from tests.loudness import LoudnessDetector, LoudnessEngine, recording, wav


def transcriber(engine: LoudnessEngine | None = None) -> Transcriber:
    return Transcriber(engine or LoudnessEngine("ko", "en"), detector=LoudnessDetector)


def options_heard(used: Transcriber) -> list[tuple[DecodeOptions, int]]:
    assert isinstance(used.engine, LoudnessEngine)
    return list(zip(used.engine.options, map(len, used.engine.calls), strict=True))


def test_a_recording_has_its_own_options_and_the_others_of_the_run():
    used = transcriber()
    sources = [recording((10, 1.0)), SourceRequest(recording((20, 1.0)), {"language": "korean", "hotwords": ["침실"]})]
    first, second = used.transcribe_many(sources, language="en", beam_size=3, initial_prompt="well")
    assert (first.text, first.language, first.language_probability) == ("w10", "en", 1.0)
    assert (second.text, second.language, second.language_probability) == ("w20", "ko", 1.0)
    assert second.warnings == ("the hot word '침실' is left out",)
    assert first.warnings == ()
    told = {
        (o.language, o.beam_size, o.initial_prompt, tuple(w.text for w in o.hotwords)) for o, _ in options_heard(used)
    }
    assert told == {("en", 3, "well", ()), ("ko", 3, "well", ("침실",))}


def test_recordings_with_equal_options_share_engine_calls():
    used = transcriber()
    codes = ["ko", "en", "Korean", "ko", "en"]
    sources = [SourceRequest(recording((10 + n, 1.0)), {"language": code}) for n, code in enumerate(codes)]
    found = list(used.transcribe_many([*sources, recording((30, 1.0))], language="ko"))
    assert [each.text for each in found] == ["w10", "w11", "w12", "w13", "w14", "w30"]
    assert sorted((str(options.language), clips) for options, clips in options_heard(used)) == [("en", 2), ("ko", 4)]


def test_a_request_without_options_is_the_source():
    used = transcriber()
    sound = recording((10, 1.0), (20, 1.0))
    assert list(used.transcribe_many([SourceRequest(sound), sound])) == [used.transcribe(sound)] * 2


def test_each_recording_is_heard_as_it_would_be_alone_with_its_options():
    asked: list[dict[str, Any]] = [
        {},
        {"word_timestamps": True},
        {"vad": False},
        {"clip_timestamps": [2.0, 3.5]},
        {"gate": {"min_silence_duration_ms": 3000}},
        {"prefix": "so"},
        {"condition_on_previous_text": True},
        {"language": "en", "temperature": [0, 0.5]},
        {"vad_parameters": {"max_speech_duration_s": 1.0}},
    ]
    sounds = [recording((10 + n, 1.0), (30 + n, 1.5), (50 + n, 2.0)) for n in range(len(asked))]
    sources = [SourceRequest(*each) for each in zip(sounds, asked, strict=True)]
    together = list(transcriber().transcribe_many(sources, batch_size=2))
    alone = [transcriber().transcribe(sound, **own, batch_size=2) for sound, own in zip(sounds, asked, strict=True)]
    assert together == alone
    assert together[1].segments[0].words
    assert not together[0].segments[0].words


def test_clips_behind_previous_text_come_behind_those_before_them_beside_other_recordings():
    used = transcriber(LoudnessEngine("ko"))
    behind = {"condition_on_previous_text": True}
    sounds = [recording((10, 1.0), (11, 1.0)), recording((20, 9.0), (21, 1.0)), recording((30, 9.0))]
    sources = [recording((40, 1.0)), *(SourceRequest(sound, behind) for sound in sounds), recording((50, 9.0))]
    found = [each.text for each in used.transcribe_many(sources, batch_size=2)]
    assert found == ["w40", "w10 w11", "w20 w21", "w30", "w50"]
    assert isinstance(used.engine, LoudnessEngine)
    assert sorted(text for call in used.engine.previous for text in call if text) == ["w10", "w20"]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"language": "xx"}, "does not know the language 'xx'"),
        ({"beam_sise": 3}, "no option 'beam_sise'; did you mean 'beam_size'"),
        ({"vad": True, "vad_filter": True}, "two names of one option"),
        ({"batch_size": 0}, "batch_size"),
        ({"sample_rate": 8000}, "sample_rate is for arrays"),
        ({"align_with": "nano-ctc-ko"}, "align_with is an option of the whole run"),
        ({"cancelled": lambda: True}, "cancelled is an option of the whole run"),
        ({"decoding": DecodeOptions()}, "decoding is an option of the whole run"),
        (["language"], "expected keywords and their values"),
    ],
)
def test_wrong_options_of_a_recording_are_its_error_and_cost_nobody_else(wrong: Any, message: str):
    sources = [wav(recording((10, 1.0))), SourceRequest(wav(recording((20, 1.0))), wrong), wav(recording((30, 1.0)))]
    first, failed, last = transcriber().transcribe_many(sources, on_error="return")
    assert [each.text for each in (first, last) if isinstance(each, malsori.Transcript)] == ["w10", "w30"]
    assert isinstance(failed, OptionError)
    assert message in str(failed)
    results = transcriber().transcribe_many(sources)
    assert next(results).text == "w10"
    with pytest.raises(OptionError):
        next(results)


class Refusing(LoudnessEngine):
    """Finds out in a call that it has no beam of 7."""

    def transcribe(
        self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
    ) -> list[Hypothesis]:
        if options.beam_size == 7:
            raise OptionError("no beam of 7")
        return super().transcribe(clips, options, previous)


def test_options_that_a_call_refuses_cost_the_recordings_that_asked_for_them():
    sources = [recording((10, 1.0)), *(SourceRequest(recording((n, 1.0)), {"beam_size": 7}) for n in (20, 21))]
    first, *failed = transcriber(Refusing("ko")).transcribe_many(sources, on_error="return")
    assert isinstance(first, malsori.Transcript)
    assert [str(each) for each in failed] == ["no beam of 7"] * 2
    with pytest.raises(OptionError, match="no beam of 7"):
        list(transcriber(Refusing("ko")).transcribe_many(sources, beam_size=7, on_error="return"))


def test_wrong_options_of_the_run_end_it_beside_those_of_recordings():
    sources = [SourceRequest(recording((10, 1.0)), {"language": "ko"})]
    with pytest.raises(OptionError, match="'xx'"):
        transcriber().transcribe_many(sources, language="xx")


def test_a_run_that_is_cancelled_ends_with_recordings_that_have_their_own_options():
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > 20

    sources = [SourceRequest(recording((10, 1.0)), {"language": "ko"})] * 50
    with pytest.raises(Cancelled):
        list(transcriber().transcribe_many(sources, cancelled=cancelled, on_error="return"))


def test_options_that_hold_several_values_let_clips_be_grouped():
    used = transcriber(LoudnessEngine("ko", "en"))
    sources = [SourceRequest(recording((10, 1.0)), {"suppress_tokens": [1], "languages": ["ko"], "hotwords": {"a": 2}})]
    assert [each.text for each in used.transcribe_many(sources * 2)] == ["w10"] * 2
    assert [clips for _, clips in options_heard(used)] == [2]
