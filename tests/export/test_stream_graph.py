"""The graph for streams against the encoder and against PyTorch, whose attention is told what each chunk may see."""

from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from export.proof import compare, synthetic_speech  # noqa: E402
from export.wav2vec2 import export  # noqa: E402
from malsori.engines.base import DecodeOptions  # noqa: E402
from malsori.engines.session import SessionOptions  # noqa: E402
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine  # noqa: E402
from malsori.engines.wav2vec2.graphs import PAST  # noqa: E402
from malsori.engines.wav2vec2.live.cached import CachedReader, Sizes  # noqa: E402
from malsori.engines.wav2vec2.live.running import FrontEnd  # noqa: E402
from malsori.engines.wav2vec2.live.ways import open_reader  # noqa: E402
from malsori.errors import OptionError  # noqa: E402
from tests.export.test_wav2vec2_export import GROUP, LAYER, TINY, save_checkpoint  # noqa: E402
from tests.stream_graph import NotedNetwork  # noqa: E402

pytestmark = pytest.mark.export

POST = LAYER | {"do_stable_layer_norm": False}
CLIP = synthetic_speech(3.0, 5)


def bundle(folder, quantization="none", **config):
    checkpoint = save_checkpoint(folder / "checkpoint", **TINY, **config)
    manifest = export(checkpoint, folder / "bundle", quantization=quantization, languages=["ko"], force=True)
    return checkpoint, Wav2Vec2Engine(folder / "bundle", manifest, device="cpu", threads=1)


@pytest.fixture(scope="module", params=[LAYER, POST], ids=["stable-layer-norm", "post-norm"])
def pair(request, tmp_path_factory):
    return bundle(tmp_path_factory.mktemp("stream"), **request.param)


def session_reader(engine, lookahead_s, left_s=30.0):
    options = SessionOptions(method="cached", lookahead_s=lookahead_s, left_s=left_s)
    # The sound is normalised as a whole, so that nothing else differs.
    return open_reader(replace(engine.acoustic, normalizes=False), engine.manifest, options)[0]


def test_all_frames_at_once_are_the_offline_encoder(pair):
    _, engine = pair
    found = session_reader(engine, 0).read(normalized(CLIP)).committed
    assert compare([engine.logits([CLIP])[0]], [found]).relative < 1e-5


def normalized(clip):
    return ((clip - clip.mean()) / np.sqrt(clip.var() + 1e-7)).astype(np.float32)


def chunked(checkpoint, clip, edges):
    """Return PyTorch's logits where each chunk of frames sees itself and all before it, and nothing behind."""
    model = transformers.Wav2Vec2ForCTC.from_pretrained(checkpoint, attn_implementation="eager").eval()
    encoder = model.wav2vec2.encoder
    with torch.no_grad():
        features = model.wav2vec2.feature_extractor(torch.from_numpy(normalized(clip))[None]).transpose(1, 2)
        x, _ = model.wav2vec2.feature_projection(features)
        x = x[:, : edges[-1]]
        chunks = list(zip([0, *edges[:-1]], edges, strict=True))
        x = x + torch.cat([encoder.pos_conv_embed(x[:, :stop])[:, start:] for start, stop in chunks], 1)
        mask = torch.full((1, 1, x.shape[1], x.shape[1]), torch.finfo(torch.float32).min)
        for start, stop in chunks:
            mask[..., start:stop, :stop] = 0
        stable = model.config.do_stable_layer_norm
        x = x if stable else encoder.layer_norm(x)
        for layer in encoder.layers:
            x = layer(x, attention_mask=mask)[0]
        return model.lm_head(encoder.layer_norm(x) if stable else x)[0].numpy()


@pytest.mark.parametrize("edges", [[10, 100, 140], [90, 91, 148], [1, 2, 70]])
def test_chunk_after_chunk_is_what_pytorch_says_when_told_what_each_may_see(pair, edges):
    """The first chunks are shorter and longer than the 64 frames that the position embedding sees on its left."""
    checkpoint, engine = pair
    reader, sound = session_reader(engine, 0), normalized(CLIP)
    stops = [engine.frames.samples(0, edge).stop for edge in edges]
    found = [reader.read(sound[start:stop]).committed for start, stop in zip([0, *stops[:-1]], stops, strict=True)]
    # fp32 in another order of summation, as in test_wav2vec2_export
    assert compare([chunked(checkpoint, CLIP, edges)], [np.concatenate(found)]).relative < 1e-4


def noted_reader(engine, lookahead):
    """Return what reads a stream, and the network that tells what it was given."""
    network = NotedNetwork(engine.acoustic.graphs.stream())
    front = FrontEnd(engine.acoustic.graphs, engine.frames, None)
    return CachedReader(network, front, Sizes.of(engine.manifest), lookahead, left=1500), network


def test_frames_ahead_are_heard_and_do_not_enter_the_cache(pair):
    """Once with a look-ahead that is then given up, once without: what is committed before it is the same."""
    _, engine = pair
    sound = normalized(CLIP)
    cut, end = (engine.frames.samples(0, frames).stop for frames in (60, 140))
    with_ahead, given = noted_reader(engine, lookahead=20)
    without, given_without = noted_reader(engine, lookahead=0)
    with_ahead.read(sound[: engine.frames.samples(0, 80).stop])
    without.read(sound[:cut])
    first = with_ahead.read(sound[engine.frames.samples(0, 80).stop : end])
    second = without.read(sound[cut:end])
    assert {array.shape[1] for name, array in given.feeds.items() if name.startswith(PAST)} == {60}
    np.testing.assert_allclose(given.feeds["left"], given_without.feeds["left"], rtol=0, atol=1e-4)
    everything = np.concatenate([first.committed, first.ahead])
    assert len(everything) == len(second.committed) == 80
    # The keys and values of the first 60 frames saw 20 more: near, not equal.
    assert 1e-6 < compare([second.committed], [everything]).relative < 0.1


def test_int8_weights_are_shared_with_the_encoder_and_all_at_once_is_its_result(tmp_path):
    _, engine = bundle(tmp_path, "int8", **LAYER)
    found = session_reader(engine, 0).read(normalized(CLIP)).committed
    assert compare([engine.logits([CLIP])[0]], [found]).relative < 1e-5  # one clip, one scale, in both
    assert engine.manifest.measured["proof"]["logits_stream"] == engine.manifest.measured["proof"]["logits"]


def test_the_graph_adds_no_weights_to_the_bundle(tmp_path):
    _, engine = bundle(tmp_path, **LAYER)
    entries = engine.manifest.files
    assert entries["stream.onnx"].size < 60_000
    parameters = engine.manifest.sizes["parameters"] * 4
    assert entries["weights.bin"].size < 1.5 * parameters + 60 * 4096  # a second copy would be 2 of them


def test_a_group_norm_has_no_cached_states_and_is_recomputed(tmp_path):
    _, engine = bundle(tmp_path, **GROUP)
    assert "stream.onnx" not in engine.manifest.files
    with pytest.raises(OptionError, match=r"group norm .* looks at the whole clip"):
        engine.open(DecodeOptions(), SessionOptions(method="cached"))
    options = SessionOptions(lookahead_s=0, window_s=10)
    session = engine.open(DecodeOptions(), options)
    for start in range(0, len(CLIP), 8000):
        heard = session.push(CLIP[start : start + 8000])
        assert heard.text == heard.stable  # nothing is ahead, and every letter of this vocabulary stands for itself
    everything = open_reader(engine.acoustic, engine.manifest, options)[0].read(CLIP).committed
    assert compare([engine.logits([CLIP])[0]], [everything]).relative < 1e-4
