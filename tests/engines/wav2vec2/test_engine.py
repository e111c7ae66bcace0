"""The wav2vec2 engine on the small Korean bundle of the repository: real words, cut to many lengths."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from malsori.audio import decode
from malsori.engines.base import DecodeOptions
from malsori.engines.load import load_engine
from malsori.engines.wav2vec2.acoustic import normalize
from malsori.engines.wav2vec2.batches import Grouping
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.engines.whisper.options import WhisperOptions
from malsori.errors import ModelIncompatible, OptionError
from malsori.pipeline import Transcriber
from tests.shipped import ROOT

BUNDLE = ROOT / "models" / "nano-ctc-ko"
SAMPLE = ROOT / "samples" / "korean.wav"
SECONDS = (0.1, 1.0, 0.4, 2.5, 1.7, 0.01, 20.0, 1.0, 3.3)


@pytest.fixture(scope="module")
def manifest():
    from malsori.bundles import read_manifest

    return read_manifest(BUNDLE)


@pytest.fixture(scope="module")
def engine(manifest):
    return Wav2Vec2Engine(BUNDLE, manifest, device="cpu", threads=1)


@pytest.fixture(scope="module")
def speech():
    return decode(SAMPLE).samples


@pytest.fixture(scope="module")
def clips(speech):
    """The sample from its start, repeated or cut to each length."""
    return [np.resize(speech, round(seconds * 16_000)) for seconds in SECONDS]


def times_and_texts(hypothesis):
    return [(word.text, word.start, word.end) for segment in hypothesis.segments for word in segment.words]


def test_normalized_sound_has_zero_mean_and_unit_variance():
    clip = normalize(np.random.default_rng(0).normal(0.3, 0.01, 16_000).astype(np.float32))
    assert clip.dtype == np.float32
    assert clip.mean() == pytest.approx(0, abs=1e-4)
    assert clip.var() == pytest.approx(1, abs=2e-3)  # 1e-7 is added to a variance of 1e-4


def test_normalized_silence_is_silence():
    assert not normalize(np.zeros(1600, np.float32)).any()


def test_the_sample_is_read_exactly(engine, speech):
    (hypothesis,) = engine.transcribe([speech], DecodeOptions())
    assert hypothesis.segments[0].text == SAMPLE.with_suffix(".txt").read_text("utf-8").strip()
    assert (hypothesis.language, hypothesis.language_probability) == ("ko", 1.0)


def test_clips_together_give_the_texts_and_times_of_clips_alone(engine, clips):
    options = DecodeOptions(word_timestamps=True)
    alone = [engine.transcribe([clip], options)[0] for clip in clips]
    for batch_size in (1, 3, 8):
        together = engine.transcribe(clips, replace(options, batch_size=batch_size))
        assert [times_and_texts(one) for one in together] == [times_and_texts(one) for one in alone]


def test_clips_padded_to_share_a_call_give_the_logits_of_clips_alone(engine, speech):
    """Nearly: int8 takes one scale for all that is in a call, which moves logits by 0.4 here, and by 9 without mask."""
    clips = [np.resize(speech, round(seconds * 16_000)) for seconds in (1.0, 2.5, 1.1, 8.1, 2.4, 1.05, 2.6, 8.0)]
    alone = engine.logits(clips)
    masked = replace(engine.acoustic, grouping=Grouping.MASKED)
    for batch_size in (2, 3, 8):
        for (found,), expected in zip(masked.run(["logits"], clips, batch_size), alone, strict=True):
            np.testing.assert_allclose(found, expected, rtol=0, atol=0.8)
    assert any(
        (found != expected).any()
        for (found,), expected in zip(masked.run(["logits"], clips, 3), alone, strict=True)  # they did share calls
    )


def test_threads_share_one_engine(engine, clips):
    alone = [engine.transcribe([clip])[0] for clip in clips]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda clip: engine.transcribe([clip])[0], clips)) == alone


def test_words_follow_each_other_inside_the_clip_and_spell_the_segment(engine, speech):
    (hypothesis,) = engine.transcribe([speech], DecodeOptions(word_timestamps=True))
    (segment,) = hypothesis.segments
    edges = [time for word in segment.words for time in (word.start, word.end)]
    assert edges == sorted(edges)
    assert 0 <= edges[0] == segment.start
    assert edges[-1] == segment.end <= len(speech) / 16_000
    assert " ".join(word.text for word in segment.words) == segment.text
    assert all(0 < word.probability <= 1 for word in segment.words)
    assert 0 < segment.confidence <= 1


def test_words_are_left_out_unless_asked_for(engine, speech):
    (hypothesis,) = engine.transcribe([speech])
    assert hypothesis.segments[0].words == ()


def test_a_clip_below_one_frame_has_no_words_and_no_states(engine):
    for samples in (0, 1, 399):
        clip = np.ones(samples, np.float32)
        assert engine.transcribe([clip])[0].segments == ()
        assert engine.embed(clip).shape == (0, engine.manifest.sizes["hidden_size"])


def test_no_clips_are_no_hypotheses(engine):
    assert engine.transcribe([]) == []


def test_silence_has_no_words(engine):
    assert engine.transcribe([np.zeros(32_000, np.float32)])[0].segments == ()


@pytest.mark.parametrize("samples", [400, 719, 720, 16_000])
def test_states_and_logits_have_the_frames_of_the_formula(engine, speech, samples):
    clip = speech[:samples]
    assert engine.embed(clip).shape == (engine.frames.count(samples), engine.manifest.sizes["hidden_size"])
    assert engine.logits([clip])[0].shape == (engine.frames.count(samples), len(engine.vocabulary))


def test_the_only_language_is_certain(engine, speech):
    assert Transcriber(engine).detect_language(speech, vad=False) == {"ko": 1.0}


def test_a_model_of_several_languages_cannot_tell_which(engine, manifest, speech):
    several = Wav2Vec2Engine(BUNDLE, replace(manifest, languages=("ko", "en")), device="cpu", threads=1)
    with pytest.raises(OptionError, match="ko, en"):
        Transcriber(several).detect_language(speech, vad=False)
    assert several.transcribe([speech], DecodeOptions(language="en"))[0].language == "en"


@pytest.mark.parametrize(
    ("options", "word"),
    [
        (DecodeOptions(task="translate"), "translate"),
        (DecodeOptions(language="en"), "does not know the language 'en'; it knows ko"),
        (DecodeOptions(initial_prompt="a"), "initial_prompt"),
        (DecodeOptions(whisper=WhisperOptions(audio_context=5.0)), "has no audio_context"),
        (DecodeOptions(temperature=(0.5,)), "temperature"),
        (DecodeOptions(beam_size=1000), "beam_size: expected 1 to 256 for a CTC model, found 1000"),
        (DecodeOptions(batch_size=0), "batch"),
    ],
)
def test_an_option_that_ctc_does_not_have_is_refused(engine, speech, options, word):
    with pytest.raises(OptionError, match=word):
        engine.transcribe([speech], options)


def test_a_compute_type_that_was_not_exported_is_refused(manifest):
    with pytest.raises(OptionError, match="float16"):
        Wav2Vec2Engine(BUNDLE, manifest, device="cpu", compute_type="float16", threads=1)


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"attention_mask": False}, "inputs"),
        ({"sample_rate": 8000}, "8000"),
        ({"conv_strides": (5, 2, 2, 2, 2, 2, 1)}, "stride"),
        ({"blank": "<nothing>"}, "blank"),
        ({"sizes": {"hidden_size": 7}}, "hidden states"),
        ({"languages": ()}, "languages"),
    ],
)
def test_a_manifest_that_contradicts_the_graph_is_refused(manifest, change, word):
    with pytest.raises(ModelIncompatible, match=word):
        Wav2Vec2Engine(BUNDLE, replace(manifest, **change), device="cpu", threads=1)


@pytest.mark.parametrize("last", [1, 4])
@pytest.mark.parametrize("seconds", [0.1, 0.5, 3.0])
def test_kernels_that_are_not_those_of_the_graph_are_refused(manifest, speech, last, seconds):
    kernels = (*manifest.conv_kernels[:-1], last)
    wrong = Wav2Vec2Engine(BUNDLE, replace(manifest, conv_kernels=kernels), device="cpu", threads=1)
    clip = np.resize(speech, max(round(seconds * 16_000), wrong.frames.receptive_field))
    with pytest.raises(ModelIncompatible, match=r"frontend(\.native)?\.onnx: expected \d+ frames of \d+ samples"):
        wrong.transcribe([clip])


@pytest.mark.parametrize("name", ["frontend.onnx", "encoder.onnx", "weights.bin", "vocab.json"])
def test_a_file_that_the_manifest_does_not_list_is_not_loaded(manifest, name):
    files = {listed: entry for listed, entry in manifest.files.items() if listed != name}
    with pytest.raises(ModelIncompatible, match=f"lists no file '{name}'"):
        load_engine(BUNDLE, replace(manifest, files=files), device="cpu", threads=1)


@pytest.mark.parametrize("threads", [-1, 100_000])
def test_a_number_of_threads_that_no_machine_has_is_refused(manifest, threads):
    with pytest.raises(OptionError, match=f"found {threads}"):
        load_engine(BUNDLE, manifest, device="cpu", threads=threads)


def test_the_compute_type_auto_is_what_was_exported(manifest, speech):
    chosen = Wav2Vec2Engine(BUNDLE, manifest, device="cpu", compute_type="auto", threads=1)
    assert chosen.transcribe([speech])[0].segments


def test_layers_are_numbered_from_what_goes_into_the_first_to_what_comes_out_of_the_last(engine, speech):
    layers = engine.embed(speech, "all")
    assert layers.shape == (5, engine.frames.count(len(speech)), 192)
    for layer in range(5):
        np.testing.assert_array_equal(layers[layer], engine.embed(speech, layer))
        np.testing.assert_array_equal(layers[layer], engine.embed(speech, layer - 5))
    np.testing.assert_allclose(layers[-1], engine.embed(speech), atol=1e-6)
    assert len({float(layer.std()) for layer in layers}) == 5


def test_any_layer_of_a_long_clip_is_taken_in_windows_and_of_none_has_no_frames(engine, speech):
    clip = np.resize(speech, 31 * 16_000)
    layers = engine.embed(clip, "all")
    assert layers.shape == (5, engine.frames.count(len(clip)), 192)
    np.testing.assert_array_equal(layers[2], engine.embed(clip, 2))
    assert engine.embed(clip[:100], "all").shape == (5, 0, 192)
    assert engine.embed(clip[:100], 1).shape == (0, 192)


@pytest.mark.parametrize("layer", [5, -6])
def test_a_layer_out_of_range_is_refused_with_the_range(engine, speech, layer):
    with pytest.raises(OptionError, match=rf"nano-ctc-ko has 0 to 4 .*found {layer}"):
        engine.embed(speech, layer)


def test_a_number_of_layers_that_the_graph_does_not_have_is_refused_by_its_file(manifest, speech):
    wrong = Wav2Vec2Engine(BUNDLE, replace(manifest, sizes=manifest.sizes | {"num_hidden_layers": 6}), device="cpu")
    with pytest.raises(ModelIncompatible, match=r"layers(\.native)?\.onnx"):
        wrong.embed(speech, 0)


def test_low_memory_reads_the_same(manifest, engine, speech):
    low = load_engine(BUNDLE, manifest, device="cpu", threads=1, memory="low")
    options = DecodeOptions(word_timestamps=True)
    assert times_and_texts(*low.transcribe([speech], options)) == times_and_texts(*engine.transcribe([speech], options))


def test_a_memory_that_there_is_not_is_refused(manifest):
    with pytest.raises(OptionError, match="memory: expected normal or low, found 'none'"):
        load_engine(BUNDLE, manifest, device="cpu", threads=1, memory="none")
