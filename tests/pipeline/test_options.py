"""The descriptions of the options: what keywords, flags, JSON schemas and documentation are made of."""

from __future__ import annotations

import copy
import json
import math
import pickle
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from malsori import CueOptions, GateOptions, TranscribeOptions
from malsori.engines.options import DecodeOptions, HotWord
from malsori.errors import OptionError
from malsori.option import check, non_defaults, options_of, put, schema
from malsori.pipeline.live.options import LiveOptions
from malsori.pipeline.options import ALIASES, wanted
from malsori.sound_options import FASTER_WHISPERS, SourceOptions, SpeechOptions
from tests.options_page import GROUPS, PAGE, flags, tables

CLASSES = [*GROUPS.values()]
TYPES: dict[str, tuple[type, ...]] = {
    "integer": (int,),
    "number": (int, float),
    "string": (str,),
    "boolean": (bool,),
    "array": (list, tuple),
    "object": (dict,),
    "null": (type(None),),
}


def fits(value: Any, wanted: dict[str, Any]) -> bool:
    """Whether a value is as a schema wants it, of what is used of JSON Schema here."""
    if "anyOf" in wanted and not any(fits(value, each) for each in wanted["anyOf"]):
        return False
    if "enum" in wanted and value not in wanted["enum"]:
        return False
    kinds = TYPES.get(wanted.get("type", ""), (object,))
    if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds and object not in kinds):
        return False
    if isinstance(value, (int, float)) and not _within(value, wanted):
        return False
    if isinstance(value, str) and not re.search(wanted.get("pattern", ""), value):
        return False
    if isinstance(value, (list, tuple)):
        long_enough = len(value) >= wanted.get("minItems", 0)
        return long_enough and all(fits(each, wanted.get("items", {})) for each in value)
    if isinstance(value, dict):
        return all(_member_fits(name, each, wanted) for name, each in value.items())
    return True


def _within(value: float, wanted: dict[str, Any]) -> bool:
    least, most = wanted.get("minimum", -math.inf), wanted.get("maximum", math.inf)
    whole = "multipleOf" not in wanted or value % wanted["multipleOf"] == 0
    return whole and least <= value <= most and value > wanted.get("exclusiveMinimum", -math.inf)


def _member_fits(name: str, value: Any, wanted: dict[str, Any]) -> bool:
    other = wanted.get("additionalProperties", True)
    if name in wanted.get("properties", {}):
        return fits(value, wanted["properties"][name])
    return fits(value, other) if isinstance(other, dict) else bool(other)


def test_the_page_of_options_is_up_to_date() -> None:
    assert PAGE.table == tables(), "python -m tests.options_page"


@pytest.mark.parametrize("options", CLASSES)
def test_every_option_is_explained(options: type) -> None:
    assert [name for name, each in options_of(options).items() if not each.help] == []


@pytest.mark.parametrize("options", CLASSES)
def test_a_schema_takes_the_defaults_and_is_json(options: type) -> None:
    wanted = json.loads(json.dumps(schema(options)))
    defaults = {name: each.get("default") for name, each in wanted["properties"].items() if "default" in each}
    assert defaults
    assert fits(defaults, wanted)
    assert not fits({**defaults, "nonsense": 1}, wanted)


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        ("beam_size", [None, 1, 256], [0, 257, 1.5, "2", True]),
        ("batch_size", [1, 1000], [0, None]),
        ("alternatives", [1, 256], [0, 257]),
        ("temperature", [0, 0.5, [0, 0.2]], [-1, [], [0, -1], "hot", None]),
        ("language", [None, "ko"], ["", " ", 5]),
        ("task", ["translate"], ["sing", None]),
        ("lm_alpha", [0, 0.7], [-1, "1", None]),
        ("hotwords", ["a,b", ["a"], {"a": 3}], [5, [5], {"a": 0}, {"a": 101}]),
        ("audio_context", ["auto", "full", 1, 30], ["half", 0.5, 31]),
        ("log_prob_threshold", [None, -1], [1, "none"]),
        ("suppress_tokens", [[], [-1, 5]], [[-2], 5, ["a"]]),
        ("max_new_tokens", [None, 224], [0, 225]),
        ("condition_on_previous_text", [None, True], ["yes", 1]),
        ("vad", [True], ["no", 1, None]),
        ("clip_timestamps", [[], [0, 2.5]], [[-1], 5, ["a"]]),
        ("track", [None, 1, "kor", "2"], [0, -1, "", " ", "-1"]),
        ("sample_rate", [None, 16_000, 44_100.0], [0, 44_100.5, 10**9, "16000"]),
        ("allow_truncated", [True], [None, 2]),
    ],
)
def test_a_schema_refuses_what_the_check_refuses(name: str, good: list[Any], bad: list[Any]) -> None:
    wanted = schema(SourceOptions, SpeechOptions, DecodeOptions)
    for value in good:
        assert fits({name: value}, wanted), value
        TranscribeOptions(**{name: value}).check_values()
    for value in bad:
        assert not fits({name: value}, wanted), value
        with pytest.raises(OptionError, match=name if name != "task" else "no task"):
            TranscribeOptions(**{name: value}).check_values()


def test_a_keyword_finds_its_group_and_whole_groups_are_keywords_too() -> None:
    options = TranscribeOptions(language="Korean", track=2, vad_filter=False, patience=2, alternatives=3)
    assert (options.source.track, options.speech.vad, options.decoding.language) == (2, False, "ko")
    assert (options.decoding.whisper.patience, options.decoding.ctc.alternatives) == (2, 3)
    again = TranscribeOptions(decoding=options.decoding, best_of=3)
    assert again.decoding == replace(options.decoding, whisper=replace(options.decoding.whisper, best_of=3))
    assert non_defaults(again.decoding) == {"language": "ko", "patience": 2, "alternatives": 3, "best_of": 3}


def test_what_is_put_in_is_taken_out_and_the_rest_is_left() -> None:
    values = {"hotwords": "침실, 거실", "beam_size": 2, "step_s": 0.5}
    assert put(DecodeOptions(), values).hotwords == (HotWord("침실", 8.0), HotWord("거실", 8.0))
    assert values == {"step_s": 0.5}
    assert put(LiveOptions(), values).session.step_s == 0.5


def test_a_hot_word_that_is_listed_twice_is_kept_twice() -> None:
    assert TranscribeOptions(hotwords=["a", "a"]).decoding.hotwords == (HotWord("a", 8.0), HotWord("a", 8.0))


NEEDING = [{"align_with": Path("b")}, {"hallucination_silence_threshold": 2.0}]


@pytest.mark.parametrize("asked", NEEDING)
def test_words_need_their_times_where_something_else_needs_those(asked: dict[str, Any]) -> None:
    assert wanted(None, asked).decoding.word_timestamps
    assert wanted(wanted(None, asked), {}).decoding.word_timestamps
    assert not wanted(None, {}).decoding.word_timestamps


@pytest.mark.parametrize("asked", NEEDING)
def test_what_needs_the_times_of_words_leaves_nothing_behind_when_it_is_taken_back(asked: dict[str, Any]) -> None:
    options = TranscribeOptions(**asked)
    assert options.changed(**dict.fromkeys(asked)) == TranscribeOptions()
    assert not wanted(options, dict.fromkeys(asked)).decoding.word_timestamps


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_an_option_under_two_names_at_once_is_refused(alias: str, name: str) -> None:
    for pair in ({alias: None, name: None}, {name: None, alias: None}):
        with pytest.raises(TypeError, match=f"{alias} and {name} are two names of one option"):
            TranscribeOptions(**pair)


@pytest.mark.parametrize(("alias", "name"), FASTER_WHISPERS.items())
def test_a_setting_of_the_gate_under_two_names_at_once_is_refused(alias: str, name: str) -> None:
    with pytest.raises(OptionError, match=f"{alias} and {name} are two names of one option"):
        TranscribeOptions(vad_parameters={alias: 100, name: 200})


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("language", "decoding.language"),
        ("patience", "decoding.whisper.patience"),
        ("vad_filter", "speech.vad"),
        ("track", "source.track"),
    ],
)
def test_an_option_that_is_asked_for_outside_its_group_is_told_where_it_stands(name: str, place: str) -> None:
    with pytest.raises(AttributeError, match=f"no attribute '{name}'; that is .{place}$"):
        getattr(TranscribeOptions(), name)
    with pytest.raises(AttributeError, match=r"no attribute 'colour'$"):
        getattr(TranscribeOptions(), "colour")  # noqa: B009


def test_options_are_copied_and_pickled_as_they_are() -> None:
    options = TranscribeOptions(language="ko", track=2)
    assert copy.deepcopy(options) == pickle.loads(pickle.dumps(options)) == options


def test_a_group_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(OptionError, match="ctc: expected CtcOptions, found 5"):
        check(put(DecodeOptions(), {"ctc": 5}))
    for options in (GateOptions(), CueOptions(), LiveOptions()):
        check(options)


def test_every_option_that_a_text_can_give_has_a_flag_but_those_named_here() -> None:
    classes = (SourceOptions, SpeechOptions, GateOptions, DecodeOptions, CueOptions)
    wanted = {name: kept.flags for each in classes for name, kept in options_of(each).items() if kept.kind.schema}
    without = {name for name, spelled in wanted.items() if not flags() & {*spelled}}
    assert without == {"sample_rate", "gate", "neg_threshold"}


def test_a_text_means_the_same_as_a_keyword_and_as_a_flag() -> None:
    asked = TranscribeOptions(hotwords="침실:12, 거실", language="auto").decoding
    assert asked.hotwords == (HotWord("침실", 12.0), HotWord("거실", 8.0))
    assert asked.language is None


@pytest.mark.parametrize("value", [np.bool_(True), np.array(True)])
def test_a_switch_of_numpy_is_kept_as_pythons(value: Any) -> None:
    options = TranscribeOptions(vad=value, word_timestamps=value)
    assert options.speech.vad is options.decoding.word_timestamps is True
    assert json.dumps(non_defaults(options.decoding)) == '{"word_timestamps": true}'
    with pytest.raises(OptionError, match="vad"):
        TranscribeOptions(vad=np.array([True])).check_values()
