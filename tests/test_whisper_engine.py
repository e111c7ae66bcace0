"""The Whisper engine on the small bundle of the repository: real words, short and long clips, and what it refuses."""

import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from malsori.audio import decode
from malsori.engines.base import DecodeOptions, HotWord
from malsori.engines.load import load_engine
from malsori.engines.whisper_engine import WhisperEngine
from malsori.engines.whisper_longform import cut, decoding_options
from malsori.engines.whisper_windows import WINDOW, Windows
from malsori.errors import ModelCorrupt, ModelIncompatible, OptionError
from malsori.types import Segment, Word

ROOT = Path(__file__).resolve().parents[1]
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


def test_results_come_in_the_order_of_the_clips_and_do_not_depend_on_the_neighbours(engine, korean):
    clips = [korean, korean[:9000], sample("english")]
    options = replace(GREEDY, word_timestamps=True)
    assert engine.transcribe(clips, options) == [engine.transcribe([clip], options)[0] for clip in clips]


def test_threads_share_one_engine(engine, korean):
    clips = [korean, korean[:16_000], korean, korean[:16_000]]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda clip: engine.transcribe([clip], GREEDY)[0], clips))
    assert together == engine.transcribe(clips, GREEDY)


def test_words_make_up_the_text_and_their_times_ascend_within_the_clip(engine, korean):
    (heard,) = engine.transcribe([korean], replace(GREEDY, language="ko", word_timestamps=True))
    assert heard.segments
    for segment in heard.segments:
        assert " ".join(word.text for word in segment.words) == " ".join(segment.text.split())
    times = [time for segment in heard.segments for word in segment.words for time in (word.start, word.end)]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= len(korean) / 16_000


def test_there_are_no_words_unless_they_are_asked_for(engine, korean):
    (heard,) = engine.transcribe([korean], GREEDY)
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


def test_full_windows_are_decoded_as_faster_whisper_does(engine, korean):
    clip = np.resize(np.concatenate([korean, SILENCE]), 65 * 16_000)
    theirs, _ = engine._model.transcribe(clip, language="ko", beam_size=1, temperature=[0.0])
    last_full = (
        len(clip) // 160 - WINDOW
    )  # behind it faster-whisper pads with zeros in log-mel space, which is not kept
    expected = [(s.text.strip(), s.start, s.end) for s in theirs if s.seek <= last_full]
    (ours,) = engine.transcribe([clip], replace(GREEDY, language="ko"))
    assert expected
    found = [(segment.text, segment.start, segment.end) for segment in ours.segments]
    assert found[: len(expected)] == expected


def test_what_follows_a_clip_is_silence_in_the_waveform(engine, korean):
    alone = Windows(engine._model, korean).features[:, :WINDOW]
    with_silence = Windows(engine._model, np.concatenate([korean, SILENCE])).features[:, :WINDOW]
    np.testing.assert_array_equal(alone, with_silence)


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


def test_a_prompt_cannot_give_orders_to_the_model(engine, korean):
    options = replace(GREEDY, language="ko")
    orders = replace(options, initial_prompt="<|en|><|translate|><|notimestamps|>")
    assert engine.transcribe([korean], orders) == engine.transcribe([korean], replace(options, initial_prompt=" "))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"language": "xx"}, "'xx'.*it knows ko, en|'xx'.*it knows en, ko"),
        ({"task": "summarize"}, "'summarize'.*transcribe, translate"),
        ({"beam_size": 0}, "1 or more, found 0"),
        ({"hotwords": (HotWord("침실", 8.0),)}, "has no hotwords; that is an option of CTC models"),
        ({"language_model": Path("a.arpa")}, "has no language_model"),
        ({"lm_alpha": 0.7}, "has no lm_alpha"),
        ({"lm_beta": 0.7}, "has no lm_beta"),
        ({"alternatives": 2}, "has no alternatives"),
        ({"temperature": ()}, r"found \(\)"),
        ({"temperature": (0.0, -0.2)}, "0 or more"),
    ],
)
def test_an_option_that_the_model_does_not_have_is_named_with_what_there_is(engine, korean, change, message):
    with pytest.raises(OptionError, match=message):
        engine.transcribe([korean], replace(GREEDY, **change))


def test_left_to_itself_the_beam_is_five_wide(engine, korean):
    left, five = (DecodeOptions(language="ko", beam_size=size, temperature=(0.0,)) for size in (None, 5))
    assert engine.transcribe([korean], left) == engine.transcribe([korean], five)
    assert decoding_options(engine._tokenizer("ko", "transcribe"), left).beam_size == 5


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
    with pytest.raises(ModelIncompatible, match="cannot load"):
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
    assert list(cut(iter(heard), 2.0)) == [Segment("in", 0.0, 2.0, 0.9, (Word("late", 1.9, 2.0, 0.5),))]


@pytest.mark.parametrize("name", ["korean", "english", "numbers"])
def test_word_times_do_not_change_the_text(engine, name):
    clip = decode(SAMPLES / f"{name}.wav").samples
    plain, timed = (engine.transcribe([clip], DecodeOptions(word_timestamps=on))[0] for on in (False, True))
    assert [segment.text for segment in timed.segments] == [segment.text for segment in plain.segments]


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


def test_low_memory_is_refused_by_name(manifest):
    with pytest.raises(OptionError, match="nano-whisper has no memory='low'"):
        load_engine(BUNDLE, manifest, device="cpu", threads=1, memory="low")
