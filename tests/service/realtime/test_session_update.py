"""Updates of a session in both dialects: what stays, what is cleared, what is refused and where."""

from __future__ import annotations

from typing import Any

import pytest

from malsori.service.realtime.session_config import Hints, SessionConfig, SoundFormat
from malsori.service.realtime.session_update import beta_parts_of, parts_of, updated
from malsori.service.realtime.turn_detection import SemanticVad, ServerVad
from malsori.service.refusal import Refusal
from tests.service.realtime.talking import Models

START = SessionConfig(Hints("nano-ctc-ko"))


def heard(config: SessionConfig = START, /, **fields: Any) -> SessionConfig:
    return updated(config, parts_of({"audio": {"input": fields}}), Models())


def beta(config: SessionConfig = START, /, **fields: Any) -> SessionConfig:
    return updated(config, beta_parts_of(fields), Models())


def test_absent_fields_stay_and_null_clears() -> None:
    first = heard(transcription={"language": "ko", "delay": "low"}, turn_detection={"silence_duration_ms": 900})
    second = heard(first, transcription={"delay": None}, turn_detection={"type": "server_vad", "threshold": 0.7})
    assert second.hints == Hints("nano-ctc-ko", "ko")
    assert second.turns == ServerVad(threshold=0.7, silence_duration_ms=900)
    assert heard(second, turn_detection=None).turns is None
    assert heard(second, transcription=None).hints == START.hints


def test_the_whole_session_may_be_sent_back_as_it_came() -> None:
    config = heard(transcription={"keywords": ["침실"]}, format={"type": "audio/pcmu"})
    whole = {"id": "sess_1", "object": "realtime.transcription_session", "expires_at": 1, **config.to_dict()}
    assert updated(START, parts_of(whole), Models()) == config


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ({"type": "audio/pcm", "rate": 48_000}, SoundFormat("audio/pcm", 48_000)),
        ({"rate": 8_000}, SoundFormat("audio/pcm", 8_000)),
        ({"type": "audio/pcmu"}, SoundFormat("audio/pcmu", 8_000)),
        ({"type": "audio/pcma", "rate": 8_000}, SoundFormat("audio/pcma", 8_000)),
        (None, SoundFormat()),
    ],
)
def test_formats_of_sound_are_kept(given: Any, kept: SoundFormat) -> None:
    assert heard(format=given).sound == kept


def test_a_law_leaves_its_rate_behind() -> None:
    assert heard(heard(format={"type": "audio/pcma"}), format={"type": "audio/pcm"}).sound == SoundFormat()


def test_the_beta_dialect_says_the_same_in_other_words() -> None:
    config = beta(
        input_audio_format="g711_alaw",
        input_audio_transcription={"model": "gpt-4o-transcribe"} | {"model": "whisper-1", "language": "ko"},
        turn_detection={"type": "semantic_vad", "eagerness": "high", "create_response": None},
        input_audio_noise_reduction={"type": "near_field"},
        include=["item.input_audio_transcription.logprobs"],
    )
    assert config.sound == SoundFormat("audio/pcma", 8_000)
    assert config.turns == SemanticVad("high")
    assert config.logprobs
    shown = config.to_beta()
    assert shown["input_audio_format"] == "g711_alaw"
    assert shown["input_audio_transcription"]["model"] == "nano-ctc-ko"
    assert shown["input_audio_noise_reduction"] is None  # there is none, and the session says so


def test_hints_become_options_of_the_stream() -> None:
    config = heard(transcription={"keywords": ["침실", " "], "languages": ["ko"]})
    options = config.options_for(Models().manifest("nano-ctc-ko"))
    assert [word.text for word in options.decoding.hotwords] == ["침실"]
    assert options.decoding.language == "ko"


def test_a_language_is_detected_among_those_that_are_possible() -> None:
    manifest = Models().manifest("nano-whisper")
    several = heard(transcription={"model": "nano-whisper", "languages": ["ko", "en"]})
    assert several.options_for(manifest).decoding.languages == ("ko", "en")
    decoding = heard(several, transcription={"language": "ko"}).options_for(manifest).decoding
    assert (decoding.language, decoding.languages) == ("ko", ())


def test_a_prompt_is_shown_as_null_where_the_model_takes_none() -> None:
    assert heard(transcription={"prompt": "온도"}).hints.prompt is None
    assert heard(transcription={"prompt": "온도", "model": "nano-whisper"}).hints.prompt == "온도"


def test_turns_become_the_gate_which_no_padding_outlasts() -> None:
    turns = ServerVad(0.6, prefix_padding_ms=300, silence_duration_ms=200)
    assert (turns.gate.threshold, turns.gate.silence, turns.gate.padding) == (0.6, 200, 200)
    assert [SemanticVad(eager).gate.silence for eager in ("low", "medium", "auto", "high")] == [1_000, 500, 500, 250]


def test_what_a_client_commits_is_cut_as_suits_the_model() -> None:
    models = Models()
    pauses = {
        name: heard(turn_detection=None).options_for(models.manifest(name)).speech.gate.silence
        for name in ("nano-ctc-ko", "nano-whisper")
    }
    assert pauses == {"nano-ctc-ko": 500, "nano-whisper": 1_000}


@pytest.mark.parametrize(
    ("fields", "param", "code"),
    [
        ({"format": {"type": "audio/mp3"}}, "session.audio.input.format.type", "invalid_value"),
        ({"format": {"type": "audio/pcm", "rate": 22_050}}, "session.audio.input.format.rate", "invalid_value"),
        ({"format": {"type": "audio/pcmu", "rate": 16_000}}, "session.audio.input.format.rate", "invalid_value"),
        ({"format": "pcm16"}, "session.audio.input.format", "invalid_value"),
        ({"transcription": {"model": "../x"}}, "session.audio.input.transcription.model", "model_not_found"),
        ({"transcription": {"language": "xx"}}, "session.audio.input.transcription.language", "invalid_value"),
        ({"transcription": {"languages": ["xx", "ko"]}}, "session.audio.input.transcription.language", "invalid_value"),
        ({"transcription": {"keywords": "침실"}}, "session.audio.input.transcription.keywords", "invalid_value"),
        ({"transcription": {"keywords": ["a"] * 101}}, "session.audio.input.transcription.keywords", "invalid_value"),
        ({"transcription": {"prompt": "a\0b"}}, "session.audio.input.transcription.prompt", "invalid_value"),
        ({"transcription": {"delay": "never"}}, "session.audio.input.transcription.delay", "invalid_value"),
        ({"transcription": {"lang": "ko"}}, "session.audio.input.transcription.lang", "unknown_parameter"),
        ({"noise_reduction": {"type": "car"}}, "session.audio.input.noise_reduction.type", "invalid_value"),
        ({"turn_detection": {"type": "x"}}, "session.audio.input.turn_detection.type", "invalid_value"),
        ({"turn_detection": {"threshold": 2}}, "session.audio.input.turn_detection.threshold", "invalid_value"),
        ({"turn_detection": {"threshold": True}}, "session.audio.input.turn_detection.threshold", "invalid_value"),
        (
            {"turn_detection": {"idle_timeout_ms": 100}},
            "session.audio.input.turn_detection.idle_timeout_ms",
            "invalid_value",
        ),
    ],
)
def test_a_wrong_field_is_named_by_its_path(fields: dict[str, Any], param: str, code: str) -> None:
    with pytest.raises(Refusal) as caught:
        heard(**fields)
    assert (caught.value.param, caught.value.code) == (param, code)
    assert param.rpartition(".")[2] in caught.value.message


def test_a_wrong_field_of_the_beta_dialect_has_its_own_path() -> None:
    with pytest.raises(Refusal) as caught:
        beta(input_audio_transcription={"language": "xx"})
    assert caught.value.param == "session.input_audio_transcription.language"
    with pytest.raises(Refusal, match="pcm16"):
        beta(input_audio_format="mp3")


@pytest.mark.parametrize("session", [[], "x", {"type": "realtime"}, {"audio": []}, {"include": ["x"]}, {"tools": []}])
def test_a_session_of_another_shape_is_refused(session: Any) -> None:
    with pytest.raises(Refusal) as caught:
        updated(START, parts_of(session), Models())
    assert caught.value.status == 400
