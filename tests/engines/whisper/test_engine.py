"""The Whisper engine on the small bundle of the repository: real words, short and long clips, and what it refuses."""

import json
import re
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import ctranslate2
import numpy as np
import pytest

from malsori.audio import decode
from malsori.engines.base import HOTWORD_WEIGHT, DecodeOptions, HotWord
from malsori.engines.ctc.options import CtcOptions
from malsori.engines.load import load_engine
from malsori.engines.whisper.engine import WhisperEngine
from malsori.engines.whisper.model_files import check_parts
from malsori.engines.whisper.network import Network
from malsori.engines.whisper.options import WhisperOptions
from malsori.engines.whisper.tokens import Tokens
from malsori.engines.whisper.track import cut
from malsori.errors import Cancelled, ModelCorrupt, ModelIncompatible, OptionError
from malsori.types import Segment, Word
from tests.shipped import ROOT

BUNDLE = ROOT / "models" / "nano-whisper"
SAMPLES = ROOT / "samples"
GREEDY = DecodeOptions(beam_size=1, temperature=(0.0,))
SILENCE = np.zeros(8000, np.float32)


@pytest.fixture(scope="module")
def manifest():
    from malsori.bundles import read_manifest

    return read_manifest(BUNDLE)


@pytest.fixture(scope="module")
def engine(manifest):
    return WhisperEngine(BUNDLE, manifest, device="cpu", threads=1)


@pytest.fixture(scope="module")
def tokens():
    return Tokens.read(BUNDLE)


def sample(name):

    return decode(SAMPLES / f"{name}.wav").samples


def text_of(hypothesis):
    return " ".join(segment.text for segment in hypothesis.segments)


@pytest.fixture(scope="module")
def korean():
    return sample("korean")


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(BUNDLE, tmp_path / "bundle")


@pytest.mark.parametrize(("name", "language"), [("korean", "ko"), ("english", "en")])
def test_a_sample_is_heard_word_for_word_in_the_language_that_is_spoken(engine, name, language):
    (heard,) = engine.transcribe([sample(name)])
    assert text_of(heard) == (SAMPLES / f"{name}.txt").read_text("utf-8").strip()
    assert heard.language == language
    assert 0.5 < heard.language_probability <= 1


def test_korean_is_translated_to_the_english_sentence(engine, korean):
    (heard,) = engine.transcribe([korean], DecodeOptions(task="translate", language="ko"))
    assert text_of(heard) == (SAMPLES / "korean.en.txt").read_text("utf-8").strip()


def test_a_language_that_is_given_is_certain(engine, korean):
    (heard,) = engine.transcribe([korean], replace(GREEDY, language="ko"))
    assert (heard.language, heard.language_probability) == ("ko", 1.0)


def test_detection_gives_every_language_of_the_model_with_the_likeliest_first(engine, korean):
    found = engine.detect_language(korean)
    assert set(found) == set(engine.manifest.languages)
    assert list(found.values()) == sorted(found.values(), reverse=True)
    assert sum(found.values()) == pytest.approx(1)


def test_among_the_languages_asked_for_the_likeliest_is_heard(engine, korean):
    among = replace(GREEDY, languages=("en",))
    assert engine.detect_language(korean, among) == {"en": 1.0}
    assert {each.language for each in engine.transcribe([korean, korean[:16000]], among)} == {"en"}
    both = replace(GREEDY, languages=("en", "ko"))
    assert engine.detect_language(korean, both) == engine.detect_language(korean)
    (heard,) = engine.transcribe([korean], both)
    assert heard.language == "ko"


def test_a_session_hears_one_of_the_languages_asked_for(engine, korean):
    assert not engine.open(replace(GREEDY, languages=("ko", "en"))).push(korean).text.isascii()
    assert engine.open(replace(GREEDY, languages=("en",))).push(korean).text.isascii()


def test_languages_that_the_model_does_not_know_are_refused(engine, korean):
    with pytest.raises(OptionError, match="nano-whisper does not know the language 'fr'; it knows ko, en"):
        engine.transcribe([korean], replace(GREEDY, languages=("en", "fr")))


def test_a_prompt_that_is_cut_is_told_before_anything_is_heard(engine):
    long = replace(GREEDY, initial_prompt="침실 " * 500, whisper=WhisperOptions(cut_prompt=True))
    (told,) = engine.check(long)
    assert told.startswith("initial_prompt: its last 223 tokens lead")
    assert engine.check(replace(long, initial_prompt="침실")) == ()


def test_results_come_in_the_order_of_the_clips_and_do_not_depend_on_the_neighbours(engine, korean):
    clips = [korean, korean[:9000], sample("english")]
    options = replace(GREEDY, word_timestamps=True)
    assert engine.transcribe(clips, options) == [engine.transcribe([clip], options)[0] for clip in clips]


def test_threads_share_one_engine(engine, korean):
    clips = [korean, korean[:16_000], korean, korean[:16_000]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda clip: engine.transcribe([clip], GREEDY)[0], clips))
    assert together == engine.transcribe(clips, GREEDY)


def test_workers_share_the_weights_and_hear_the_same(manifest, engine, korean, monkeypatch):
    monkeypatch.setattr("malsori.engines.load.cpu_threads", lambda: 2)
    loaded, load = [], ctranslate2.models.Whisper
    monkeypatch.setattr(
        ctranslate2.models, "Whisper", lambda *args, **how: loaded.append(load(*args, **how)) or loaded[0]
    )
    two = load_engine(BUNDLE, manifest, device="cpu", threads=1, workers=2)
    assert [model.num_workers for model in loaded] == [2]
    with ThreadPoolExecutor(2) as pool:
        together = list(pool.map(lambda clip: two.transcribe([clip], GREEDY)[0], [korean, korean[:16_000]]))
    assert together == engine.transcribe([korean, korean[:16_000]], GREEDY)


@pytest.mark.parametrize("workers", [0, 3, "two"])
def test_more_workers_than_cores_are_refused(manifest, monkeypatch, workers):
    monkeypatch.setattr("malsori.engines.load.cpu_threads", lambda: 2)
    with pytest.raises(OptionError, match="workers: expected 1 to 2, the cores there are"):
        load_engine(BUNDLE, manifest, device="cpu", workers=workers)


def test_words_make_up_the_text_and_their_times_ascend_within_the_clip(engine, korean):
    (heard,) = engine.transcribe([korean], replace(GREEDY, language="ko", word_timestamps=True))
    assert heard.segments
    for segment in heard.segments:
        assert " ".join(word.text for word in segment.words) == " ".join(segment.text.split())
    times = [time for segment in heard.segments for word in segment.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= len(korean) / 16_000


def test_words_that_nobody_asked_for_are_there_only_where_times_come_from_them(engine, korean):
    (heard,) = engine.transcribe([korean], GREEDY)
    assert all(
        (segment.start, segment.end) == (segment.words[0].start, segment.words[-1].end) for segment in heard.segments
    )
    for fields in ({"time_tokens": True}, {"without_timestamps": True}):
        (heard,) = engine.transcribe([korean], replace(GREEDY, whisper=WhisperOptions(**fields)))
        assert all(segment.words == () for segment in heard.segments)


def test_confidences_are_probabilities(engine, korean):
    (heard,) = engine.transcribe([korean], replace(GREEDY, word_timestamps=True))
    for segment in heard.segments:
        assert 0 < segment.confidence <= 1
        assert segment.no_speech_prob is not None
        assert 0 <= segment.no_speech_prob <= 1
        assert segment.compression_ratio is not None
        assert all(0 <= word.probability <= 1 for word in segment.words)


def test_a_clip_longer_than_a_window_is_heard_to_its_end(engine, korean):
    clip = np.concatenate([np.concatenate([korean, SILENCE])] * (1 + 45 * 16_000 // (len(korean) + len(SILENCE))))
    (heard,) = engine.transcribe([clip], replace(GREEDY, language="ko"))
    starts = [segment.start for segment in heard.segments]
    assert starts == sorted(starts)
    assert starts[-1] >= 30
    assert max(segment.end for segment in heard.segments) <= len(clip) / 16_000


def test_full_windows_are_decoded_as_faster_whisper_does(exact, korean):
    from faster_whisper import WhisperModel

    # in 8 bits the seventh digit of a feature may decide where a product is rounded to
    peer = WhisperModel(str(BUNDLE), device="cpu", cpu_threads=1, compute_type="float32", local_files_only=True)
    clip = np.resize(np.concatenate([korean, SILENCE]), 65 * 16_000)
    theirs, _ = peer.transcribe(clip, language="ko", beam_size=1, temperature=[0.0])
    last_full = len(clip) // 160 - 3000  # behind it faster-whisper pads with zeros in log-mel space, which is not kept
    expected = [(s.text.strip(), s.end) for s in theirs if s.seek <= last_full]
    (ours,) = exact.transcribe([clip], replace(GREEDY, language="ko"))
    assert expected
    assert [(segment.text, segment.end) for segment in ours.segments][: len(expected)] == expected


def short(**fields):
    return replace(DecodeOptions(language="ko"), whisper=WhisperOptions(**fields))


@pytest.fixture(scope="module")
def exact(manifest):
    return exactly(manifest)


def exactly(manifest, network=Network):
    return WhisperEngine(BUNDLE, manifest, device="cpu", threads=1, compute_type="float32", network=network)


def shown(hypotheses):
    """What is told of them: the seventh digit of a probability depends on how a product was cut into blocks."""
    return [(heard.language, [segment.to_dict() for segment in heard.segments]) for heard in hypotheses]


def counted(engine, work):
    before = replace(engine.counters)
    result = work()
    after = engine.counters
    return result, (after.encodings - before.encodings, after.windows - before.windows, after.retries - before.retries)


def test_a_short_window_hears_the_same_words_and_says_how_long_it_was(engine, korean):
    (full,), (heard,) = (engine.transcribe([korean], short(audio_context=context)) for context in ("full", 5.0))
    assert text_of(heard) == text_of(full)
    assert [(segment.window_s, segment.retried) for segment in heard.segments] == [(7.0, False)]
    assert {segment.window_s for segment in full.segments} == {30.0}


def test_language_words_and_their_times_take_one_encoding(engine, korean):
    options = replace(short(audio_context=5.0), language=None, word_timestamps=True)
    (heard,), counts = counted(engine, lambda: engine.transcribe([korean], options))
    assert heard.segments[0].words
    assert counts == (1, 1, 0)


def test_what_a_short_window_leads_astray_is_read_again_in_longer_ones_up_to_thirty_seconds(engine, korean):
    strict = replace(short(audio_context=2.0, log_prob_threshold=0.0), temperature=(0.0,))
    (heard,), (_, windows, retries) = counted(engine, lambda: engine.transcribe([korean], strict))
    assert (windows, retries) == (4, 3)  # 7, 11, 20 and 30 s
    assert heard.segments
    assert all((segment.window_s, segment.retried) == (30.0, True) for segment in heard.segments)


def test_read_once_is_what_transcribe_makes_of_it_unless_it_would_read_again(engine, korean):
    plain = short(audio_context=5.0)
    once, counts = counted(engine, lambda: engine.read_without_retry(korean, plain))
    assert shown([once]) == shown(engine.transcribe([korean], plain))
    assert counts == (1, 1, 0)
    strict = replace(short(audio_context=2.0, log_prob_threshold=0.0), temperature=(0.0,))
    once, counts = counted(engine, lambda: engine.read_without_retry(korean, strict))
    assert (once, counts) == (None, (1, 1, 0))


def test_without_guards_a_short_window_stands(engine, korean):
    trusting = short(audio_context=2.0, log_prob_threshold=0.0, window_guards=False)
    (heard,), counts = counted(engine, lambda: engine.transcribe([korean], replace(trusting, temperature=(0.0,))))
    assert counts == (1, 1, 0)
    assert {(segment.window_s, segment.retried) for segment in heard.segments} == {(7.0, False)}


@pytest.mark.parametrize("context", ["full", 5.0])
def test_a_batch_reads_each_clip_as_it_is_read_alone(exact, korean, context):
    numbers, english = sample("numbers"), sample("english")
    clips = [korean, numbers, korean[:20_000], english, numbers[16_000:], np.zeros(8_000, np.float32), korean[:200]]
    clips += [korean] * 3  # more than can be read at a time
    options = replace(short(audio_context=context), language=None, word_timestamps=True)
    together, (encodings, windows, _) = counted(exact, lambda: exact.transcribe(clips, options))
    assert encodings < windows
    assert shown(together) == shown(exact.transcribe([clip], options)[0] for clip in clips)


def test_long_clips_share_windows_and_stay_apart(exact, korean):
    gap = np.zeros(16_000, np.float32)
    clips = [
        np.resize(np.concatenate([korean, gap]), 70 * 16_000),
        np.resize(np.concatenate([gap, korean]), 45 * 16_000),
    ]
    options = replace(GREEDY, language="ko")
    together, (encodings, windows, _) = counted(exact, lambda: exact.transcribe(clips, options))
    assert encodings < windows
    assert shown(together) == shown(exact.transcribe([clip], options)[0] for clip in clips)


def test_languages_are_told_window_by_window_where_that_is_asked_for(engine, korean):
    english = sample("english")
    clip = np.concatenate([np.pad(korean, (0, 30 * 16_000 - len(korean))), english])
    alone = WhisperOptions(condition_on_previous_text=False)  # this small model has never learned from a prompt
    fixed, switching = (DecodeOptions(whisper=replace(alone, multilingual=on)) for on in (False, True))
    (heard,), (fixed,) = engine.transcribe([clip], switching), engine.transcribe([clip], fixed)
    expected = [(SAMPLES / f"{name}.txt").read_text("utf-8").strip() for name in ("korean", "english")]
    assert [segment.text for segment in heard.segments] == expected
    assert heard.language == fixed.language == "ko"
    assert [segment.language for segment in heard.segments] == ["ko", "en"]
    assert [segment.language for segment in fixed.segments] == [None, None]


def test_no_window_is_led_by_the_text_before_it_where_that_is_false_be_it_numpys(engine, korean):
    clip = np.concatenate([np.pad(korean, (0, 30 * 16_000 - len(korean))), sample("english")])
    usual, alone, numpys = (
        shown(engine.transcribe([clip], replace(GREEDY, whisper=WhisperOptions(condition_on_previous_text=led))))
        for led in (None, False, np.False_)
    )
    assert usual != alone == numpys


def test_a_call_that_is_cancelled_ends_between_two_windows(engine, korean):
    long_clip = np.resize(korean, 95 * 16_000)
    before = engine.counters.windows
    options = replace(GREEDY, language="ko", cancelled=lambda: engine.counters.windows - before >= 3)
    with pytest.raises(Cancelled):
        engine.transcribe([long_clip], options)
    assert engine.counters.windows - before == 3


def test_a_window_that_is_to_be_read_again_is_not_once_the_call_is_cancelled(engine, korean):
    strict = replace(short(audio_context=2.0, log_prob_threshold=0.0), temperature=(0.0,))
    before = engine.counters.encodings
    asked = []

    def cancelled():
        asked.append(engine.counters.encodings - before)
        return len(asked) > 2  # the first reading is there

    with pytest.raises(Cancelled):
        engine.transcribe([korean], replace(strict, cancelled=cancelled))
    assert asked == [0, 1, 1]


def test_telling_the_language_of_several_windows_can_be_cancelled(engine, korean):
    before = engine.counters.windows
    options = DecodeOptions(
        whisper=WhisperOptions(language_detection_segments=3, language_detection_threshold=1.0),
        cancelled=lambda: engine.counters.windows > before,
    )
    with pytest.raises(Cancelled):
        engine.detect_language(np.resize(korean, 95 * 16_000), options)
    assert engine.counters.windows - before == 1


def test_digital_silence_asks_no_model(engine):
    (heard,), counts = counted(engine, lambda: engine.transcribe([np.zeros(40 * 16_000, np.float32)]))
    assert (heard.segments, heard.language, counts) == ((), "und", (0, 0, 0))
    assert {each.why for each in heard.passed} == {"inaudible"}
    assert sum(each.seconds for each in heard.passed) == 40.0


@pytest.mark.parametrize("fields", [{}, {"without_timestamps": True}, {"audio_context": "full"}])
def test_a_prefix_is_what_the_text_starts_with_and_is_there_once(engine, korean, fields):
    (usual,), (heard,) = (engine.transcribe([korean], short(prefix=text, **fields)) for text in (None, "침실 온도를"))
    assert text_of(heard) == text_of(usual)
    assert text_of(heard).startswith("침실 온도를 ")


@pytest.mark.parametrize(
    ("fields", "said"), [({}, ""), ({"prefix": "침실 온도를"}, ""), ({"prefix": "침실"}, "불을 켜 " * 99)]
)
def test_a_window_has_no_more_tokens_than_the_caller_allows_beside_what_was_given(engine, tokens, korean, fields, said):
    endless = short(max_new_tokens=9, suppress_tokens=(-1, tokens.eot), **fields)
    (heard,) = engine.transcribe([korean], replace(endless, temperature=(0.0,), word_timestamps=True), [said])
    given = len(tokens.encode(" " + fields["prefix"])) if fields else 0
    assert 0 < len(tokens.encode(" " + text_of(heard))) - given <= 9


@pytest.mark.parametrize(("most", "cut_off"), [(1, 1), (5, 1), (200, 0), (None, 0)])
def test_a_reading_that_the_callers_limit_ends_is_counted(engine, korean, most, cut_off):
    (heard,) = engine.transcribe([korean], replace(GREEDY, whisper=WhisperOptions(max_new_tokens=most)))
    assert heard.cut_off == cut_off


def test_a_clip_is_cut_off_beside_a_longer_one_where_it_is_cut_off_alone(manifest, tokens, korean):
    calls = []

    class Noted(Network):
        def generate(self, *args, **fields):
            found = super().generate(*args, **fields)
            calls.append(found[0].tokens)
            return found

    exact = exactly(manifest, network=Noted)
    babble = np.random.default_rng(1).normal(0, 0.1, 16_000).astype(np.float32)
    endless = replace(short(audio_context=10.0, suppress_tokens=(-1, tokens.eot)), temperature=(0.0,))
    exact.transcribe([babble], endless)
    alone, calls = calls, []
    exact.transcribe([babble, np.resize(korean, 8 * 16_000)], endless)
    assert len(alone[0]) < len(alone[-1])  # a short window has fewer tokens than the last one
    assert [tokens for tokens in alone if tokens not in calls] == []


def test_clips_that_are_read_alike_share_a_call_the_longest_first(engine):
    lengths = [samples * 16_000 for samples in (1, 7, 2, 31, 8, 3)]
    options = replace(short(audio_context=10.0), batch_size=2)
    assert engine.batches(lengths, options) == [[3, 1, 4, 0], [2, 5]]


def test_without_timestamps_a_window_is_one_segment_of_its_length(engine, korean):
    (heard,) = engine.transcribe([korean], short(without_timestamps=True))
    assert [(segment.start, segment.end) for segment in heard.segments] == [
        (0.0, pytest.approx(len(korean) / 16_000, abs=0.01))
    ]


def test_tokens_that_are_suppressed_are_not_read(engine, tokens, korean):
    (usual,) = engine.transcribe([korean], short())
    first = tokens.encode(" " + text_of(usual))[0]
    (heard,) = engine.transcribe([korean], replace(short(suppress_tokens=(-1, first)), temperature=(0.0,)))
    assert not text_of(heard).startswith(text_of(usual).split()[0])


def test_what_was_said_before_leads_the_reading(engine, korean):
    options = replace(GREEDY, language="ko")
    led = engine.transcribe([korean], options, ["거실 불을 켜 주세요"])
    assert led == engine.transcribe([korean], replace(options, initial_prompt="거실 불을 켜 주세요"))


def test_a_prompt_too_long_for_the_model_is_refused_with_both_lengths(engine, korean):
    with pytest.raises(OptionError, match=r"initial_prompt: expected .* at most 223 tokens, found one of \d{3,}"):
        engine.transcribe([korean], DecodeOptions(initial_prompt="말소리 " * 200))


@pytest.mark.parametrize(("samples", "frames"), [(0, 0), (1, 1), (320, 1), (321, 2), (16_000, 50), (31 * 16_000, 1550)])
def test_the_embedding_has_a_row_per_320_samples(engine, samples, frames):
    states = engine.embed(np.zeros(samples, np.float32))
    assert states.dtype == np.float32
    assert states.shape == (frames, engine.manifest.sizes["d_model"])


def test_each_window_of_a_long_embedding_is_of_its_own_sound(engine, korean):
    half_a_minute = np.resize(korean, 30 * 16_000)
    states = engine.embed(np.concatenate([half_a_minute, np.zeros_like(half_a_minute)]))
    assert not np.allclose(states[:1500], states[1500:], atol=0.1)


def test_an_empty_clip_has_no_words(engine):
    assert engine.transcribe([np.zeros(0, np.float32)], GREEDY)[0].segments == ()


@pytest.mark.parametrize("samples", [1, 100, 300, 500, 1000, 1600, 3300])
def test_clips_of_milliseconds_end_well(engine, korean, samples):
    (heard,) = engine.transcribe([korean[:samples]], replace(GREEDY, language="ko", word_timestamps=True))
    assert all(segment.end <= samples / 16_000 for segment in heard.segments)


def test_a_prompt_cannot_give_orders_to_the_model(tokens):
    text = "<|en|><|translate|><|notimestamps|>"
    spelled = tokens.encode(" " + text)
    assert max(spelled) < tokens.eot
    assert tokens.decode(spelled) == " " + text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"language": "xx"}, "'xx'.*it knows ko, en|'xx'.*it knows en, ko"),
        ({"task": "summarize"}, "'summarize'.*transcribe, translate"),
        ({"beam_size": 0}, "1 to 100, found 0"),
        ({"beam_size": 10**30}, "1 to 100, found 1000"),
        ({"temperature": (float("nan"),)}, r"0 or more, found \(nan"),
        ({"whisper": WhisperOptions(audio_context=0.5)}, "audio_context: .* from 1 to 30, found 0.5"),
        ({"whisper": WhisperOptions(patience=float("nan"))}, "patience: .*found nan"),
        ({"whisper": WhisperOptions(suppress_tokens=(70_000,))}, "suppress_tokens: .*70000"),
        ({"ctc": CtcOptions(language_model=Path("a.arpa"))}, "has no language_model"),
        ({"ctc": CtcOptions(lm_alpha=0.7)}, "has no lm_alpha"),
        ({"ctc": CtcOptions(lm_beta=0.7)}, "has no lm_beta"),
        ({"ctc": CtcOptions(alternatives=2)}, "has no alternatives"),
        ({"temperature": ()}, r"found \(\)"),
        ({"temperature": (0.0, -0.2)}, "0 or more"),
    ],
)
def test_an_option_that_the_model_does_not_have_is_named_with_what_there_is(engine, korean, change, message):
    with pytest.raises(OptionError, match=message):
        engine.transcribe([korean], replace(GREEDY, **change))
    with pytest.raises(OptionError, match=message):
        engine.check(replace(GREEDY, **change))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({}, ()),
        ({"hotwords": (HotWord("침실", HOTWORD_WEIGHT), HotWord("거실", HOTWORD_WEIGHT))}, ()),
        ({"hotwords": (HotWord("침실", 12.0),)}, ("no weights",)),
        ({"hotwords": (HotWord("침실*", HOTWORD_WEIGHT),)}, ("no [*] for their endings",)),
        ({"language": "ko", "whisper": WhisperOptions(multilingual=True)}, ("multilingual .* here ko",)),
        ({"whisper": WhisperOptions(multilingual=True)}, ()),
    ],
)
def test_what_makes_no_difference_is_told(engine, change, told):
    lines = engine.check(replace(DecodeOptions(), **change))
    assert len(lines) == len(told)
    assert all(re.search(pattern, line) for pattern, line in zip(told, lines, strict=True))


def test_left_to_itself_the_beam_is_five_wide(engine, korean):
    left, five = (DecodeOptions(language="ko", beam_size=size, temperature=(0.0,)) for size in (None, 5))
    assert engine.transcribe([korean], left) == engine.transcribe([korean], five)


def test_an_unknown_compute_type_is_named_with_those_there_are(manifest):
    with pytest.raises(OptionError, match=r"'int7'.*default, auto, .*float32"):
        WhisperEngine(BUNDLE, manifest, device="cpu", compute_type="int7")


def test_a_compute_type_of_the_device_is_what_runs(manifest):
    assert WhisperEngine(BUNDLE, manifest, device="cpu", compute_type="float32").compute_type == "float32"


def test_weights_stored_in_half_precision_run_on_a_device_that_has_none_and_nothing_is_written(manifest, capfd):
    engine = WhisperEngine(BUNDLE, replace(manifest, quantization="int8_float16"), device="cpu")
    assert engine.compute_type in {"int8_float16", "int8_float32"}
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["tokenizer.json", "model.bin", "preprocessor_config.json"])
def test_a_missing_file_is_named_and_not_sought_elsewhere(copy, manifest, name):
    (copy / name).unlink()
    with pytest.raises(ModelCorrupt, match=name):
        WhisperEngine(copy, manifest, device="cpu")


@pytest.mark.parametrize("name", ["tokenizer.json", "model.bin"])
def test_a_file_cut_short_is_an_error_of_the_model(copy, manifest, name):
    (copy / name).write_bytes((copy / name).read_bytes()[:1000])
    with pytest.raises(ModelIncompatible, match=r"cannot load|is not a tokenizer"):
        WhisperEngine(copy, manifest, device="cpu")


def test_features_that_do_not_fit_the_network_are_refused(copy, manifest):
    settings = json.loads((copy / "preprocessor_config.json").read_text())
    (copy / "preprocessor_config.json").write_text(json.dumps(settings | {"feature_size": 128}))
    with pytest.raises(ModelIncompatible, match="80 mels, the features have 128"):
        WhisperEngine(copy, manifest, device="cpu")


def test_a_manifest_without_languages_is_refused(manifest):
    with pytest.raises(ModelIncompatible, match="languages"):
        WhisperEngine(BUNDLE, replace(manifest, languages=()), device="cpu")


def test_languages_that_the_tokenizer_does_not_know_are_refused_by_name(manifest):
    with pytest.raises(ModelIncompatible, match="languages kor"):
        WhisperEngine(BUNDLE, replace(manifest, languages=("kor", "en")), device="cpu")


@pytest.mark.parametrize("network", [True, False])
def test_a_tokenizer_and_a_network_of_other_languages_are_refused_together(manifest, tokens, network):
    only = replace(manifest, languages=("en",), tasks=("transcribe",))
    with pytest.raises(ModelIncompatible, match="the tokenizer is that of a model with other languages"):
        check_network(network, only, replace(tokens, multilingual=not network))


def check_network(multilingual, manifest, tokens):
    check_parts(BUNDLE, manifest, SimpleNamespace(n_mels=80, multilingual=multilingual), tokens, 80)


def test_a_model_that_knows_english_only_is_asked_for_no_language(manifest, tokens):
    only, english = replace(manifest, languages=("en",), tasks=("transcribe",)), replace(tokens, multilingual=False)
    check_network(False, only, english)
    assert english.start("en", "transcribe", True) == [english.sot]
    engine = WhisperEngine(BUNDLE, only, device="cpu", threads=1)
    assert engine.detect_language(np.ones(16_000, np.float32)) == {"en": 1.0}
    assert engine.counters.encodings == 0


def test_a_manifest_that_has_an_english_model_translate_is_refused(manifest, tokens):
    with pytest.raises(ModelIncompatible, match="knows English only transcribes"):
        check_network(False, replace(manifest, languages=("en",)), replace(tokens, multilingual=False))


def test_a_file_that_the_manifest_does_not_list_is_not_loaded(manifest):
    files = {name: entry for name, entry in manifest.files.items() if name != "tokenizer.json"}
    with pytest.raises(ModelIncompatible, match=r"lists no file 'tokenizer\.json'"):
        load_engine(BUNDLE, replace(manifest, files=files), device="cpu")


def test_the_engine_is_chosen_by_the_kind_in_the_manifest(manifest):
    assert isinstance(load_engine(BUNDLE, manifest, device="cpu", threads=1), WhisperEngine)


def test_an_unknown_kind_is_refused(manifest):
    with pytest.raises(ModelIncompatible, match="'parrot'"):
        load_engine(BUNDLE, replace(manifest, kind="parrot"))


def test_cutting_drops_what_starts_behind_the_end_and_clamps_the_rest():
    word = Word("late", 1.9, 2.4, 0.5)
    heard = [Segment("in", 0.0, 2.4, 0.9, (word,)), Segment("beyond", 2.0, 3.0, 0.9)]
    assert cut(heard, 2.0) == [Segment("in", 0.0, 2.0, 0.9, (Word("late", 1.9, 2.0, 0.5),))]


@pytest.mark.parametrize("name", ["korean", "english", "numbers"])
def test_word_times_do_not_change_the_text(engine, name):
    clip = decode(SAMPLES / f"{name}.wav").samples
    plain, timed = (engine.transcribe([clip], DecodeOptions(word_timestamps=on))[0] for on in (False, True))
    assert [segment.text for segment in timed.segments] == [segment.text for segment in plain.segments]


@pytest.mark.parametrize("name", ["korean", "english"])
def test_a_segment_has_the_decoders_times_or_those_of_its_words_where_they_are_asked_for(engine, name):
    options = DecodeOptions(whisper=WhisperOptions(time_tokens=True))
    plain, timed = (engine.transcribe([sample(name)], replace(options, word_timestamps=on))[0] for on in (False, True))
    assert text_of(plain) == text_of(timed)
    for own, worded in zip(plain.segments, timed.segments, strict=True):
        assert not own.words
        assert all(round(edge / 0.02) * 0.02 == pytest.approx(edge) for edge in (own.start, own.end))
        assert (worded.start, worded.end) == (worded.words[0].start, worded.words[-1].end)
        assert abs(own.start - worded.start) < 0.5
        assert abs(own.end - worded.end) < 0.5


def test_word_times_do_not_change_the_text_of_clips_cut_anywhere(engine):
    rng = np.random.default_rng(0)
    sound = decode(SAMPLES / "numbers.wav").samples
    options = DecodeOptions(language="ko", beam_size=1, temperature=(0.0,))
    for _ in range(12):
        start, length = int(rng.integers(0, len(sound) - 32_000)), int(rng.integers(800, 32_000))
        clip = sound[start : start + length]
        plain, timed = (engine.transcribe([clip], replace(options, word_timestamps=on))[0] for on in (False, True))
        assert text_of(timed) == text_of(plain), (start, length)


@pytest.mark.parametrize("layer", [0, -2, "all"])
def test_a_layer_other_than_the_last_is_refused(engine, korean, layer):
    with pytest.raises(OptionError, match="nano-whisper gives its last layer only"):
        engine.embed(korean, layer)


@pytest.mark.parametrize("threads", [1, 2])
def test_low_memory_reads_one_window_a_call_and_the_same_words(engine, manifest, korean, threads):
    single_windows = load_engine(BUNDLE, manifest, device="cpu", threads=threads, memory="low")
    clips = [korean, korean[:20_000], korean[4_000:]] * 2
    heard, expected = single_windows.transcribe(clips), engine.transcribe(clips)
    assert [text_of(each) for each in heard] == [text_of(each) for each in expected]
    assert single_windows.counters.encodings == single_windows.counters.windows == len(clips)


def test_a_tokenizer_that_is_none_is_told_although_the_weights_load_beside_it(manifest, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(BUNDLE, folder)
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(ModelIncompatible, match="is not a tokenizer"):
        WhisperEngine(folder, manifest, device="cpu")
    (folder / "model.bin").write_bytes(b"no weights")  # of two faults the tokenizer's is told first
    with pytest.raises(ModelIncompatible, match="is not a tokenizer"):
        WhisperEngine(folder, manifest, device="cpu")


def test_weights_that_are_none_are_told_as_what_they_are(manifest, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(BUNDLE, folder)
    (folder / "model.bin").write_bytes(b"no weights")
    with pytest.raises(ModelIncompatible, match="CTranslate2 cannot load it"):
        WhisperEngine(folder, manifest, device="cpu")
