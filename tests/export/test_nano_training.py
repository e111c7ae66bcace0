"""The shortcuts of training the nano models change nothing but the time it takes."""

from __future__ import annotations

from dataclasses import replace
from importlib import metadata

import numpy as np
import pytest

pytestmark = pytest.mark.export
torch = pytest.importorskip("torch")  # this module is collected, though not run, where there is none
pytest.importorskip("transformers")
try:
    metadata.distribution("openai-whisper")
except metadata.PackageNotFoundError:
    pytest.skip("the tokenizer's ranks are in the package openai-whisper", allow_module_level=True)

from transformers import Wav2Vec2ForCTC, WhisperFeatureExtractor, WhisperForConditionalGeneration  # noqa: E402
from transformers.models.wav2vec2.modeling_wav2vec2 import Wav2Vec2LayerNormConvLayer  # noqa: E402

from export.nano.batches import Batches, learning_rate  # noqa: E402
from export.nano.grammar import Sentence  # noqa: E402
from export.nano.nano_whisper import NanoWhisper  # noqa: E402
from export.nano.speech import Corpus, Utterance  # noqa: E402
from export.nano.train_ctc import CONFIG, convolve_channels_last, spell, unspell  # noqa: E402
from export.nano.whisper_windows import TokenSequences, Window, log_mel, stack  # noqa: E402


@pytest.fixture(scope="module")
def nano() -> NanoWhisper:
    torch.manual_seed(0)
    return NanoWhisper(num_letters=10).eval()


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    rng = np.random.default_rng(0)
    sentence = Sentence("불 켜 줘", "turn on the light")
    lengths = rng.integers(4_000, 40_000, 64)
    noise = [(rng.standard_normal(n) * 3_000).astype(np.int16) for n in lengths]
    return Corpus([Utterance(sentence, "ko", "m1", audio) for audio in noise])


def test_the_channels_last_front_end_is_the_front_end(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    model, audio = Wav2Vec2ForCTC(CONFIG).eval(), torch.randn(2, 16_000)
    with torch.no_grad():
        expected = model(audio).logits
        monkeypatch.setattr(Wav2Vec2LayerNormConvLayer, "forward", convolve_channels_last)
        found = model(audio).logits
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)  # one sum in another order


def test_log_mel_equals_the_feature_extractor_of_whisper() -> None:
    audio = np.random.default_rng(0).standard_normal((2, 32_000)).astype(np.float32) * 0.1
    extractor = WhisperFeatureExtractor(feature_size=80)
    expected = extractor(list(audio), sampling_rate=16_000, padding="longest", truncation=False, return_tensors="pt")
    torch.testing.assert_close(log_mel()(torch.from_numpy(audio)), expected.input_features, atol=1e-5, rtol=0)


def test_the_compact_model_gives_the_softmax_of_the_full_size_model(nano: NanoWhisper, tmp_path) -> None:
    nano.save(tmp_path)
    full = WhisperForConditionalGeneration.from_pretrained(tmp_path).eval()
    mel = torch.randn(1, 80, 3_000) * 0.3
    ids = [nano.vocabulary.special(t) for t in ("<|startoftranscript|>", "<|ko|>", "<|transcribe|>")]
    ids += nano.vocabulary.encode("불을 켜 줘")
    inputs = torch.tensor([[nano.vocabulary.full[i] for i in ids]])
    with torch.no_grad():
        expected = full(input_features=mel, decoder_input_ids=inputs).logits.softmax(-1)[..., nano.vocabulary.full]
        found = nano.decode(torch.tensor([ids]), nano.encode(mel)).softmax(-1)[..., : nano.vocabulary.unused]
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-3)


def test_heads_start_out_looking_where_their_offset_says(nano: NanoWhisper) -> None:
    encoder = nano.whisper.model.encoder
    frames = 100
    layer = encoder.layers[0]
    states = layer.self_attn_layer_norm(encoder.embed_positions.weight[:frames])
    queries, keys = (
        project(states).view(frames, 4, -1).transpose(0, 1)
        for project in (layer.self_attn.q_proj, layer.self_attn.k_proj)
    )
    looked_at = (queries @ keys.transpose(1, 2)).argmax(-1)
    offsets = (looked_at - torch.arange(frames))[:, 10:-10].float().median(-1).values
    assert offsets.tolist() == [-3, -1, 1, 3]


def test_rows_score_the_language_and_the_words_but_not_the_given_task(nano: NanoWhisper, corpus: Corpus) -> None:
    rows = TokenSequences(nano.vocabulary).rows([Window.of(corpus.utterances[0])], torch.Generator().manual_seed(0))
    assert rows.inputs.shape[0] == 2  # transcribed and translated
    assert rows.targets[:, 0].tolist() == [nano.vocabulary.special("<|ko|>")] * 2
    assert (rows.targets[:, 1] == -1).all()
    ends = [row[row >= 0][-1].item() for row in rows.targets]
    assert ends == [nano.vocabulary.special("<|endoftext|>")] * 2


def test_windows_are_padded_with_silence_to_whole_encoder_frames(corpus: Corpus) -> None:
    windows = [Window.of(utterance) for utterance in corpus.utterances[:3]]
    sound = stack(windows)
    assert sound.shape[1] % 320 == 0
    assert (sound[0, len(windows[0].audio) :] == 0).all()


def test_a_resumed_run_draws_the_batches_it_would_have_drawn(corpus: Corpus) -> None:
    straight, resumed = Batches(corpus, 4, seed=3), Batches(corpus, 4, seed=3)
    for step in range(5):
        straight.draw(step)
    for ours, theirs in zip(straight.draw(5)[1], resumed.draw(5)[1], strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_spelling_and_unspelling_agree() -> None:
    ids = [i for letter in spell("거실 불을 켜 줘") for i in (0, letter, letter)]
    assert unspell(ids) == "".join(unspell([i]) if i != 4 else " " for i in spell("거실 불을 켜 줘"))


def test_the_learning_rate_rises_and_then_falls_to_a_hundredth() -> None:
    rates = [learning_rate(step, 2_000, 1.0) for step in range(2_000)]
    assert max(rates) == pytest.approx(1.0, abs=0.01)
    assert rates[0] < 0.01
    assert rates[-1] == pytest.approx(0.01, abs=0.001)


def test_clips_of_several_sentences_are_of_one_voice_by_half(corpus: Corpus, monkeypatch: pytest.MonkeyPatch) -> None:
    """A voice speaks at a loudness of its own here, so that a clip tells how many there are."""
    monkeypatch.setattr("export.nano.batches.REVOICED_SHARE", 0.0)
    monkeypatch.setattr("export.nano.batches.WORDLESS_SHARE", 0.0)
    spoken = [
        replace(utterance, voice=f"voice {index % 4}", audio=np.full(8_000, 1_000 * (index % 4 + 1), np.int16))
        for index, utterance in enumerate(corpus.utterances * 4)
    ]
    batches = Batches(Corpus(spoken), 20, seed=3, joined_share=1.0)
    picked = [batches.pick(step) for step in range(60)]
    assert {len(clips) for clips in picked} == {1, 2, 4}  # of 20, 10 and 5 sentences
    voices = [set(np.unique(clip.audio)) - {0} for clips in picked for clip in clips]
    share = sum(len(heard) == 1 for heard in voices) / len(voices)
    assert 0.3 < share < 0.7


def test_no_clip_is_joined_unless_a_share_is_asked_for(corpus: Corpus) -> None:
    batches = Batches(Corpus(corpus.utterances * 4), 20, seed=3)
    assert {len(batches.pick(step)) for step in range(20)} == {20}
