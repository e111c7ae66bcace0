"""What a form asks for: OpenAI's fields, malsori's own options, and what each refusal names."""

from __future__ import annotations

from typing import Any

import pytest

from malsori.bundles import Found, find_bundle
from malsori.engines.options import DecodeOptions
from malsori.option import options_of
from malsori.output.cues import CueOptions
from malsori.pipeline import Transcriber
from malsori.pipeline.sharing.scheduler import Scheduler
from malsori.service.refusal import Refusal
from malsori.service.registry import Registry
from malsori.service.rest.audio_request import AudioRequest, audio_request
from malsori.service.rest.own_options import ALLOWED, ELSEWHERE, KEPT_BACK, MOST_ASKED, OPTIONS
from malsori.sound_options import GateOptions, SourceOptions, SpeechOptions

SPEECH = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}


def unloaded(found: Found) -> Transcriber:
    raise AssertionError("no model is loaded for a request's fields")


def registry() -> Registry:
    found = [find_bundle("nano-whisper"), find_bundle("nano-ctc-ko")]
    return Registry([(each, each.manifest()) for each in found], "nano-whisper", None, Scheduler(), unloaded)


def asked(task: str = "transcribe", usual: str | None = None, **fields: Any) -> AudioRequest:
    return asked_in({name: [value] if isinstance(value, str) else value for name, value in fields.items()}, task, usual)


def asked_in(texts: dict[str, list[str]], task: str = "transcribe", language: str | None = None) -> AudioRequest:
    return audio_request(texts, registry(), task=task, language=language)


def refusal(texts: dict[str, Any], task: str = "transcribe") -> Refusal:
    with pytest.raises(Refusal) as caught:
        asked(task, **texts)
    return caught.value


def test_a_form_without_fields_asks_for_the_text_by_the_default_model() -> None:
    found = asked()
    assert (found.model, found.format, found.stream, found.words, found.logprobs) == (
        "nano-whisper",
        "json",
        False,
        False,
        False,
    )
    assert found.options.decoding == DecodeOptions()
    assert found.options.source.allow_truncated
    assert found.warnings == ()


def test_names_of_the_hosted_service_are_the_default_model() -> None:
    assert asked(model="whisper-1").model == "nano-whisper"
    assert asked(model="nano-ctc-ko").model == "nano-ctc-ko"


def test_openais_fields_become_options() -> None:
    found = asked_in(
        {
            "language": ["Korean"],
            "prompt": ["침실 온도"],
            "temperature": ["0.2"],
            "keywords[]": ["침실", "거실 조명"],
            "response_format": ["verbose_json"],
            "timestamp_granularities[]": ["word", "segment"],
        }
    )
    decoding = found.options.decoding
    assert (decoding.language, decoding.initial_prompt, decoding.temperature) == ("ko", "침실 온도", (0.2,))
    assert [word.text for word in decoding.hotwords] == ["침실", "거실 조명"]
    assert decoding.whisper.cut_prompt
    assert decoding.word_timestamps
    assert (found.words, found.segments) == (True, True)


@pytest.mark.parametrize("name", ["timestamp_granularities", "timestamp_granularities[]", "timestamp_granularities[0]"])
def test_a_list_comes_with_brackets_or_without(name: str) -> None:
    found = asked_in({name: ["word"], "response_format": ["verbose_json"]})
    assert (found.words, found.segments) == (True, False)


def test_lists_may_be_parted_by_commas() -> None:
    assert asked(response_format="verbose_json", timestamp_granularities="word,segment").words
    assert asked(languages="ko, en").options.decoding.languages == ("ko", "en")
    assert [each.text for each in asked(hotwords="침실,거실").options.decoding.hotwords] == ["침실", "거실"]


def test_languages_are_those_among_which_one_is_detected() -> None:
    assert asked_in({"languages[]": ["en", "Korean", "ko"]}).options.decoding.languages == ("en", "ko")
    both = asked_in({"languages[]": ["en", "ko"], "language": ["ko"]}).options.decoding
    assert (both.language, both.languages) == ("ko", ())
    assert refusal({"languages": "en", "language": "ko"}).param == "languages"
    assert refusal({"languages": "en,fr"}).param == "languages"


def test_the_services_own_language_is_taken_where_a_form_names_none() -> None:
    assert asked(usual="ko").options.decoding.language == "ko"
    assert asked(language="en", usual="ko").options.decoding.language == "en"
    assert asked(usual="ko", languages=["en"]).options.decoding.language is None
    assert asked(usual="fr").options.decoding.language is None


def test_a_temperature_of_zero_begins_the_ladder() -> None:
    assert asked(temperature="0").options.decoding.temperature == DecodeOptions().temperature
    assert asked(temperature="0.0", model="nano-ctc-ko").warnings == ()
    assert asked(temperature="0.8").options.decoding.temperature == (0.8,)


@pytest.mark.parametrize(
    "name", ["", "language", "prompt", "temperature", "response_format", "stream", "chunking_strategy"]
)
def test_an_empty_field_counts_as_not_sent(name: str) -> None:
    assert asked_in({name or "languages[]": [" "]}) == asked()


@pytest.mark.parametrize(
    "texts",
    [
        {
            "chunking_strategy": [
                '{"type":"server_vad","threshold":0.5,"prefix_padding_ms":300,"silence_duration_ms":200}'
            ]
        },
        {f"chunking_strategy[{name}]": [str(value)] for name, value in SPEECH.items()},
        {"vad_parameters": ['{"threshold": 0.5, "speech_pad_ms": 300, "min_silence_duration_ms": 200}']},
        {"vad_parameters[padding_ms]": ["300"], "chunking_strategy[silence_duration_ms]": ["200.0"]},
    ],
)
def test_where_speech_is_can_be_said_in_several_ways(texts: dict[str, list[str]]) -> None:
    assert asked_in(texts).options.speech.gate == GateOptions(padding_ms=300, min_silence_ms=200)


def test_the_automatic_strategy_is_the_usual_gate() -> None:
    assert asked(chunking_strategy="auto").options == asked().options
    assert asked_in({"chunking_strategy[type]": ["auto"]}).options.speech == asked().options.speech


def test_malsoris_own_options_are_fields_too() -> None:
    found = asked(
        beam_size="1", vad_filter="false", condition_on_previous_text="true", suppress_tokens="-1,5", track="kor"
    )
    assert found.options.decoding.beam_size == 1
    assert not found.options.speech.vad
    assert found.options.decoding.whisper.condition_on_previous_text is True
    assert found.options.decoding.whisper.suppress_tokens == (-1, 5)
    assert found.options.source.track == "kor"
    assert not asked(allow_truncated="false").options.source.allow_truncated
    assert asked(response_format="srt", max_line_width="20", highlight_words="true").cues == CueOptions(
        max_line_width=20, highlight_words=True
    )


def test_every_option_is_either_open_or_kept_back() -> None:
    known = {name for group in (SourceOptions, SpeechOptions, DecodeOptions) for name in options_of(group)}
    assert known == ALLOWED | ELSEWHERE | KEPT_BACK
    assert not ALLOWED & KEPT_BACK
    assert {*MOST_ASKED} <= ALLOWED <= {*OPTIONS}


@pytest.mark.parametrize("name", ["language_model", "align_with", "task", "sample_rate", "cancelled", "device"])
def test_what_names_files_or_models_has_no_meaning_in_a_form(name: str) -> None:
    found = asked_in({name: ["/etc/passwd"]})
    assert found.options == asked().options
    assert found.warnings == (f"fields that have no meaning here: {name}",)


@pytest.mark.parametrize(("name", "value"), [("beam_size", "17"), ("best_of", "100"), ("patience", "50")])
def test_what_costs_memory_is_limited(name: str, value: str) -> None:
    found = refusal({name: value})
    assert (found.status, found.param) == (400, name)
    assert "expected at most" in found.message


def test_formats_with_times_ask_the_model_for_them() -> None:
    assert asked(response_format="srt").options.decoding.word_timestamps
    assert asked(include="logprobs").options.decoding.word_timestamps
    assert not asked(response_format="verbose_json").options.decoding.word_timestamps
    assert asked(timestamp_granularities="word").warnings == (
        "timestamp_granularities: json has no times; verbose_json has",
    )


def test_a_text_that_streams_is_heard_in_small_calls() -> None:
    assert asked(stream="true").options.decoding.batch_size == 1
    assert asked(stream="false").options.decoding.batch_size == DecodeOptions().batch_size


def test_what_a_model_cannot_take_from_every_client_is_left_out_and_told() -> None:
    found = asked(model="nano-ctc-ko", prompt="침실", temperature="0.5")
    assert found.options.decoding == DecodeOptions()
    assert len(found.warnings) == 2
    assert "prompt is left out: nano-ctc-ko has no initial_prompt" in found.warnings[0]


@pytest.mark.parametrize(
    ("fields", "param", "said"),
    [
        ({"temperature": "abc"}, "temperature", "found 'abc'"),
        ({"temperature": "nan"}, "temperature", "nan"),
        ({"temperature": "1e309"}, "temperature", "from 0 to 1"),
        ({"temperature": "-0.1"}, "temperature", "'-0.1'"),
        ({"temperature": "1.01"}, "temperature", "from 0 to 1"),
        ({"temperature": ["0", "0.5"]}, "temperature", "found 2 times"),
        ({"response_format": "exe"}, "response_format", "json, text, srt, verbose_json, vtt"),
        ({"response_format": "diarized_json"}, "response_format", "verbose_json"),
        ({"timestamp_granularities": "x"}, "timestamp_granularities", "word, segment"),
        ({"include": "tokens"}, "include", "logprobs"),
        ({"include": "logprobs", "response_format": "verbose_json"}, "include", "response_format json"),
        ({"stream": "maybe"}, "stream", "'maybe'"),
        ({"stream": "true", "response_format": "srt"}, "response_format", "json or text"),
        ({"language": "xx"}, "language", "does not know the language 'xx'"),
        ({"language": "../"}, "language", "does not know"),
        ({"language": "k" * 10_000}, "language", "at most 200 letters"),
        ({"language": "k\0o"}, "language", "control characters"),
        ({"prompt": "a\0b"}, "prompt", "control characters"),
        ({"prompt": "a\x1b[31m"}, "prompt", "control characters"),
        ({"keywords": "a\0b"}, "keywords", "control characters"),
        ({"keywords": ["침실"] * 101}, "keywords", "at most 100"),
        ({"hotwords": "침실:1000"}, "hotwords", "at most 100"),
        ({"hotwords": "침실:x"}, "hotwords", "expected"),
        ({"keywords": "침실", "initial_prompt": "a", "prompt": "b"}, "prompt", "said by initial_prompt"),
        ({"chunking_strategy": "manual"}, "chunking_strategy", "'auto' or an object"),
        ({"chunking_strategy": "{"}, "chunking_strategy", "JSON"),
        ({"chunking_strategy": '{"a":' * 250_000}, "chunking_strategy", "JSON"),
        ({"chunking_strategy": '{"type": "semantic_vad"}'}, "chunking_strategy", "server_vad"),
        ({"chunking_strategy": '{"treshold": 1}'}, "chunking_strategy", "did you mean 'threshold'"),
        ({"chunking_strategy": '{"threshold": NaN}'}, "chunking_strategy", "JSON"),
        ({"chunking_strategy": '{"threshold": 1e400}'}, "chunking_strategy", "1e400"),
        ({"chunking_strategy": '{"prefix_padding_ms": -1}'}, "chunking_strategy", "0 or more"),
        ({"chunking_strategy": '{"threshold": true}'}, "chunking_strategy", "threshold"),
        ({"chunking_strategy[threshold]": "x"}, "chunking_strategy", "'x'"),
        ({"vad_parameters": "on"}, "vad_parameters", "an object"),
        ({"beam_size": "0"}, "beam_size", "1 or more"),
        ({"beam_size": "1.5"}, "beam_size", "1 or more"),
        ({"vad_filter": "perhaps"}, "vad_filter", "True or False"),
        ({"vad": "true", "vad_filter": "true"}, None, "said by"),
        ({"alternatives": "3"}, "alternatives", "option of CTC models"),
        ({"max_line_width": "0"}, "max_line_width", "1 to 1000"),
    ],
)
def test_a_value_that_cannot_be_is_refused_by_name(fields: dict[str, Any], param: str | None, said: str) -> None:
    found = refusal(fields)
    assert (found.status, found.code) == (400, "invalid_value")
    assert param is None or found.param == param
    assert said in found.message
    assert len(found.message) < 400
    assert found.message.isprintable()


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "/etc/passwd", "%2e%2e", "a\0b", "m" * 300, "https://x.example/m", "hf://a/b", "nope"]
)
def test_a_model_that_is_not_here_is_a_404_whatever_its_name(name: str) -> None:
    found = refusal({"model": name})
    assert (found.status, found.code, found.param) == (404, "model_not_found", "model")


@pytest.mark.parametrize("name", ["known_speaker_names[]", "known_speaker_references[]"])
def test_speakers_are_not_told_apart(name: str) -> None:
    found = refusal({name: "me"})
    assert (found.status, found.code, found.param) == (400, "unsupported_parameter", name[:-2])


def test_a_field_that_is_misspelt_is_told_and_one_of_another_service_is_not() -> None:
    found = refusal({"responce_format": "json"})
    assert (found.status, found.code, found.param) == (400, "unknown_parameter", "responce_format")
    assert "did you mean 'response_format'?" in found.message
    assert asked(user="me", seed="3", stream_include_usage="true").warnings == ()
    assert asked(diarize="true", speaker="x").warnings == ("fields that have no meaning here: diarize, speaker",)
    assert asked_in({"x\n\x1b": ["1"]}).warnings == (r"fields that have no meaning here: x\n\x1b",)
    assert "and 5 more" in asked_in({f"zz{number}": ["1"] for number in range(10)}).warnings[0]


def test_a_model_that_cannot_translate_says_so() -> None:
    assert asked("translate").task == "translate"
    found = refusal({"model": "nano-ctc-ko"}, "translate")
    assert (found.status, found.code, found.param) == (400, "unsupported_task", "model")


@pytest.mark.parametrize("prompt", ["<|startoftranscript|>", "a\tb\nc", "‮침실‬", "침실 " * 300_000])
def test_a_prompt_may_be_long_and_have_any_letters(prompt: str) -> None:
    assert asked(prompt=prompt).options.decoding.initial_prompt == prompt


def test_a_prompt_is_composed_so_that_it_takes_fewer_tokens() -> None:
    assert asked(prompt="\u1112\u1161\u11ab").options.decoding.initial_prompt == "한"
