"""The parts of the Whisper benches that need no model: lengths, percentiles, forced words, sounds without speech."""

from __future__ import annotations

import io

import numpy as np
import pytest

from bench import nonspeech, results
from bench.nonspeech import RATE, kinds, words_per_minute
from bench.results import Row
from bench.whisper.clips import BUCKETS, check_words, label, latency_rows, lengths, only, timed, words_in
from bench.whisper.ggml import write_weight
from bench.whisper.models import renamed
from bench.whisper.peers import half_of, windows


def test_a_bucket_s_clips_lie_evenly_inside_it() -> None:
    assert lengths((2.0, 5.0), 3) == [2.5, 3.5, 4.5]
    for low, high in BUCKETS:
        assert all(low < each <= high for each in lengths((low, high), 7))


def test_buckets_are_named_by_their_seconds() -> None:
    assert [label(bucket) for bucket in BUCKETS] == ["up to 2 s", "2-5 s", "5-10 s", "10-30 s"]


def test_longer_speech_has_more_words_and_none_is_more_than_a_decoder_may_say() -> None:
    assert [words_in(seconds) for seconds in (1, 10, 30)] == [5, 32, 92]
    assert 4 + half_of(words_in(30)) < 448  # positions, the prompt among them


@pytest.mark.parametrize("words", [4, 5, 92])
def test_half_of_prompt_and_new_tokens_is_as_many_words_as_were_asked_for(words: int) -> None:
    new = half_of(words)
    assert min((4 + new) // 2, new) == words


def test_the_ratio_of_a_percentile_is_that_of_the_percentiles() -> None:
    middle, slow = latency_rows("case", {"ours": [1.0, 2.0, 3.0], "peer": [4.0, 4.0, 10.0]}, "2x peer")
    assert (middle.metric, middle.ours, middle.peers, middle.ratio) == ("p50", 2.0, {"peer": 4.0}, {"peer": 2.0})
    assert (slow.metric, slow.ours, slow.peers) == ("p95", 2.9, {"peer": 9.4})
    assert (middle.target, slow.target) == ("2x peer", "")
    assert middle.spread == (1.0, 3.0)


def test_clips_are_chosen_for_everybody_alike() -> None:
    assert only({"ours": [1, 2, 3], "peer": [4, 5, 6]}, [True, False, True]) == {"ours": [1, 3], "peer": [4, 6]}


def test_who_says_another_number_of_words_is_not_timed() -> None:
    check_words("peer", "three words here", 3)
    with pytest.raises(SystemExit, match="peer said 2 words where 3 were forced"):
        timed("peer", lambda: "two words", 3)()


def test_windows_follow_each_other_to_the_last_sample() -> None:
    assert windows(70 * RATE) == [(0, 30 * RATE), (30 * RATE, 60 * RATE), (60 * RATE, 70 * RATE)]


def test_weights_get_the_names_that_openai_whisper_gives_them() -> None:
    assert renamed("model.encoder.embed_positions.weight") == "encoder.positional_embedding"
    assert renamed("model.decoder.embed_tokens.weight") == "decoder.token_embedding.weight"
    assert renamed("model.decoder.layers.3.encoder_attn.k_proj.weight") == "decoder.blocks.3.cross_attn.key.weight"
    assert renamed("model.decoder.layers.3.encoder_attn_layer_norm.bias") == "decoder.blocks.3.cross_attn_ln.bias"
    assert renamed("model.encoder.layers.0.self_attn_layer_norm.bias") == "encoder.blocks.0.attn_ln.bias"
    assert renamed("model.encoder.layer_norm.bias") == "encoder.ln_post.bias"


@pytest.mark.parametrize(
    ("name", "shape", "half", "written"),
    [
        ("encoder.conv1.weight", (4, 3, 2), 1, (2, 3, 4)),
        ("encoder.conv1.bias", (4,), 0, (1, 4)),
        ("encoder.ln_post.bias", (4,), 0, (4,)),
        ("decoder.positional_embedding", (5, 4), 0, (4, 5)),
    ],
)
def test_weights_are_halves_but_for_what_whisper_cpp_reads_in_full(name, shape, half, written) -> None:
    file = io.BytesIO()
    write_weight(file, name, np.arange(np.prod(shape), dtype=np.float32).reshape(shape))
    numbers = np.frombuffer(file.getvalue()[: 4 * (3 + len(written))], "<i4")
    assert numbers.tolist() == [len(written), len(name), half, *written]
    data = np.frombuffer(file.getvalue()[4 * len(numbers) + len(name) :], "<f2" if half else "<f4")
    assert data.tolist() == list(range(np.prod(shape)))


@pytest.mark.parametrize("name", kinds())
def test_every_kind_of_sound_is_as_long_as_asked_audible_and_the_same_for_the_same_seed(name: str) -> None:
    make = kinds()[name]
    sound = make(np.random.default_rng(3), 4.3)
    assert sound.dtype == np.float32
    assert sound.shape == (round(4.3 * RATE),)
    assert (np.abs(sound).max() > 1e-4) == (name != "silence")
    assert np.abs(sound).max() <= 1
    np.testing.assert_array_equal(sound, make(np.random.default_rng(3), 4.3))


def level(sound: nonspeech.Sound) -> float:
    return 20 * np.log10(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


@pytest.mark.parametrize("wanted", [-60, -40, -20])
def test_noise_has_the_level_asked_for(wanted: int) -> None:
    sound = nonspeech.noise(np.random.default_rng(0), 2, power=1, level=wanted)
    assert level(sound) == pytest.approx(wanted, abs=0.1)


@pytest.mark.parametrize(("power", "slope"), [(0, 0), (1, -3), (2, -6)])
def test_the_power_of_noise_falls_by_its_colour(power: int, slope: float) -> None:
    """In dB an octave: between 500-1000 Hz and 2000-4000 Hz lie two of them."""
    spectrum = np.abs(np.fft.rfft(nonspeech.noise(np.random.default_rng(0), 8, power=power))) ** 2
    hertz = np.fft.rfftfreq(8 * RATE, 1 / RATE)
    low, high = (spectrum[(hertz >= at) & (hertz < 2 * at)].mean() for at in (500, 2000))
    assert 10 * np.log10(high / low) == pytest.approx(2 * slope, abs=0.3)


def test_words_are_counted_for_a_minute_of_sound() -> None:
    assert words_per_minute(["", "two words", " one "], 90) == 2


def test_rows_that_were_not_measured_again_stay(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    fresh = [Row("a", "time", "s", 1.0)]
    assert results.others("mine", fresh) == []
    kept = '{"case": "b", "metric": "time", "unit": "s", "ours": 3}'
    text = '{"date": "1", "rows": [{"case": "a", "metric": "time", "unit": "s", "ours": 2}, %s]}'
    (tmp_path / "mine-x.json").write_text(text % kept)
    assert [each.case for each in results.others("mine", fresh)] == ["b"]


def test_the_picture_takes_each_bucket_s_percentiles_and_leaves_out_who_lacks_one() -> None:
    from bench.whisper.plot import bars

    rows = [
        {"case": f"tiny, {label(bucket)}, {window}", "metric": metric, "ours": ours, "peers": peers}
        for index, bucket in enumerate(BUCKETS)
        for metric, more in (("p50", 0.0), ("p95", 0.5))
        for window, ours, peers in (
            ("window as stock", 1 + more, {"faster-whisper": 2 + more, **({"whisper.cpp": 3} if index else {})}),
            ("window calibrated to 5 s", 0.1 + more, {"faster-whisper": 2 + more}),
        )
    ]
    assert bars([*rows, {"case": "tiny, 13 min", "metric": "time", "ours": 9, "peers": {}}], "tiny") == {
        "malsori, calibrated": [(0.1, 0.6)] * 4,
        "malsori": [(1.0, 1.5)] * 4,
        "faster-whisper": [(2.0, 2.5)] * 4,
    }
    assert bars(rows, "small") == {}
