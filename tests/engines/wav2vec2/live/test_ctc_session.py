"""Sessions of the small Korean bundle: text while it is spoken, what is stable stays, and what cannot be is refused."""

import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from jiwer import cer

from malsori.audio import decode
from malsori.bundles import read_manifest
from malsori.engines.base import DecodeOptions
from malsori.engines.session import SessionOptions
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.engines.wav2vec2.graphs import STREAM
from malsori.engines.wav2vec2.live.cached import CachedReader, Sizes
from malsori.engines.wav2vec2.live.ctc_session import CtcSession
from malsori.engines.wav2vec2.live.recomputed import ClipWindow, FeatureWindow
from malsori.engines.wav2vec2.live.running import BLOCK, FIRST, FrontEnd, RunningNormalizer
from malsori.engines.wav2vec2.live.ways import Settings, open_reader
from malsori.errors import Cancelled, ModelIncompatible, OptionError
from tests.shipped import ROOT, ctc_engine
from tests.stream_graph import NotedNetwork

BUNDLE = ROOT / "models" / "nano-ctc-ko"
ENGINE = ctc_engine()
KOREAN = decode(ROOT / "samples" / "korean.wav").samples
NUMBERS = decode(ROOT / "samples" / "numbers.wav").samples
CACHED, RECOMPUTED = SessionOptions(method="cached"), SessionOptions(method="recomputed")
BOTH = pytest.mark.parametrize("asked", [CACHED, RECOMPUTED], ids=["cached", "recomputed"])


def heard(sound, asked=None, *, block=4000, engine=ENGINE):
    """Return what is heard after each block."""
    session = engine.open(DecodeOptions(), asked or SessionOptions())
    return [session.push(sound[start : start + block]) for start in range(0, len(sound), block)]


def final(sound, engine=ENGINE):
    return " ".join(segment.text for segment in engine.transcribe([sound])[0].segments)


def reader(asked):
    return open_reader(ENGINE.acoustic, ENGINE.manifest, asked)[0]


@BOTH
def test_what_is_stable_grows_and_every_later_text_begins_with_it(asked):
    found = heard(NUMBERS, asked)
    for before, after in pairwise(found):
        assert after.stable.startswith(before.stable)
        assert after.text.startswith(before.stable)
    assert len({each.stable for each in found}) > 10


@BOTH
def test_the_last_partial_of_a_sentence_is_nearly_its_final(asked):
    assert cer(final(KOREAN), heard(KOREAN, asked)[-1].text) < 0.02
    # Six sentences with silence between them, which the model has learned nothing of: it may drop a space there.
    assert cer(final(NUMBERS), heard(NUMBERS, asked)[-1].text) < 0.1


@BOTH
def test_words_come_before_the_sentence_is_over(asked):
    found = heard(KOREAN, asked)
    assert "침실" in found[len(found) // 2].stable


def test_all_frames_at_once_with_all_ahead_are_read_as_in_a_file():
    """Nothing is cached, nothing committed: the graph for streams is the encoder, and the window the whole clip."""
    sound = KOREAN[: 16_000 * 3]
    expected = ENGINE.logits([sound])[0]
    for asked in (replace(CACHED, lookahead_s=10), replace(RECOMPUTED, lookahead_s=5)):
        way, _ = open_reader(replace(ENGINE.acoustic, normalizes=False), ENGINE.manifest, asked)
        found = way.read((sound - sound.mean()) / np.sqrt(sound.var() + 1e-7))
        assert not len(found.committed)
        np.testing.assert_allclose(found.ahead, expected, rtol=0, atol=1e-3)


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(0, 20_000), max_size=10), st.sampled_from([CACHED, RECOMPUTED]), st.integers(0, 40))
def test_each_frame_is_committed_once_however_the_sound_is_cut(sizes, asked, lookahead):
    way, pushed, committed = reader(replace(asked, lookahead_s=lookahead * 0.02)), 0, 0
    for size in sizes:
        reading = way.read(NUMBERS[pushed : pushed + size])
        pushed += size
        committed += len(reading.committed)
        assert len(reading.ahead) <= lookahead
    normalised = FIRST + (pushed - FIRST) // BLOCK * BLOCK if pushed >= FIRST else 0
    assert committed == max(0, ENGINE.frames.count(normalised) - lookahead)


class Numbering:
    """Graphs whose logits are the numbers of the frames."""

    def __init__(self):
        self.outputs = {"logits": 1}
        self._count = 0

    def features(self, clip):
        begun, self._count = self._count, self._count + ENGINE.frames.count(len(clip))
        return np.arange(begun, self._count, dtype=np.float32)[:, None]

    def encode(self, outputs, clips):
        return [clips[0][None]]

    def run(self, outputs, clips):
        """Take clips in which each sample has its own number."""
        count, stride = ENGINE.frames.count(len(clips[0])), ENGINE.frames.stride
        return [clips[0][None, : count * stride : stride, None] / stride]


def feature_window(lookahead, window):
    return FeatureWindow(
        Numbering(), FrontEnd(Numbering(), ENGINE.frames, RunningNormalizer()), ENGINE.frames, lookahead, window
    )


def clip_window(lookahead, window):
    return ClipWindow(Numbering(), ENGINE.frames, False, lookahead, window)


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 110), st.integers(0, 50), st.sampled_from([feature_window, clip_window]))
@example(22, 10, feature_window)  # 0.44 s: the normaliser holds back what is no whole tenth of a second
@example(110, 50, feature_window)
def test_a_window_of_a_step_and_the_look_ahead_commits_each_frame_once_in_order(step, lookahead, opened):
    way = opened(lookahead, step + lookahead)
    size = step * ENGINE.frames.stride
    sound = np.arange(-(-8 * 16_000 // size) * size, dtype=np.float32)
    readings = [way.read(sound[start : start + size]) for start in range(0, len(sound), size)]
    normalised = len(sound) // BLOCK * BLOCK if opened is feature_window else len(sound)
    pushed = ENGINE.frames.count(normalised)
    committed = np.concatenate([each.committed for each in readings])[:, 0]
    assert committed.tolist() == list(range(pushed - lookahead))
    assert readings[-1].ahead[:, 0].tolist() == list(range(pushed - lookahead, pushed))


@BOTH
def test_a_long_push_gives_a_text_and_stays_within_its_memory(asked):
    long = np.tile(NUMBERS, 4)
    (found,) = heard(long, asked, block=len(long))
    assert cer(" ".join([final(NUMBERS)] * 4), found.text) < 0.1


def test_less_than_a_step_waits():
    session = ENGINE.open(DecodeOptions(), SessionOptions(step_s=1.0))
    assert session.step == 16_000
    assert [session.push(KOREAN[start : start + 5333]).text for start in (0, 5333, 10_666)] == [""] * 3
    assert session.push(KOREAN[15_999:20_000]).text
    assert session.push(KOREAN[:0]).text


class NotedReader:
    """Counts the samples that a reader takes."""

    def __init__(self, way):
        self.most = way.most
        self.samples = 0
        self._way = way

    def read(self, sound):
        self.samples += len(sound)
        return self._way.read(sound)


@pytest.mark.parametrize("length", [11.0, 12.0, 20.5])
def test_a_step_longer_than_the_reader_takes_at_once_is_read_to_its_end(length):
    way, step = open_reader(ENGINE.acoustic, ENGINE.manifest, SessionOptions(step_s=11.0))
    session = CtcSession(noted := NotedReader(way), ENGINE.vocabulary, step, DecodeOptions())
    pushed = np.tile(NUMBERS, 2)[: round(length * 16_000)]
    found = session.push(pushed)
    assert noted.samples == len(pushed)
    assert cer(heard(pushed, CACHED)[-1].text, found.text) < 0.1


def test_the_cache_keeps_no_more_than_was_asked_for():
    graphs, sizes = ENGINE.acoustic.graphs, Sizes.of(ENGINE.manifest)
    front = FrontEnd(graphs, ENGINE.frames, RunningNormalizer())
    way = CachedReader(noted := NotedNetwork(graphs.stream()), front, sizes, lookahead=10, left=50)
    for start in range(0, len(NUMBERS), 16_000):
        ahead = way.read(NUMBERS[start : start + 16_000]).ahead
    assert len(ahead) == 10
    kept = {name: array.shape[1] for name, array in noted.feeds.items() if name != "features"}
    assert kept.pop("left") == 64
    assert set(kept.values()) == {50}


def test_sessions_of_one_engine_do_not_mix():
    alone = [heard(sound)[-1] for sound in (KOREAN, NUMBERS)]
    first, second = (ENGINE.open() for _ in range(2))
    for start in range(0, len(NUMBERS), 4000):
        one, two = (each.push(sound[start : start + 4000]) for each, sound in ((first, KOREAN), (second, NUMBERS)))
    assert [one, two] == alone


@pytest.fixture(scope="module")
def older():
    """The bundle as it was before there was a graph for streams."""
    manifest = read_manifest(BUNDLE)
    files = {name: entry for name, entry in manifest.files.items() if name != STREAM}
    return Wav2Vec2Engine(BUNDLE, replace(manifest, files=files), device="cpu", threads=1)


def test_a_bundle_without_the_graph_goes_the_other_way(older):
    assert heard(KOREAN, engine=older) == heard(KOREAN, RECOMPUTED)


def test_a_bundle_without_the_graph_has_no_cached_states_and_says_what_to_do(older):
    with pytest.raises(OptionError, match=r"nano-ctc-ko has no cached states: it lacks stream\.onnx; export it again"):
        older.open(DecodeOptions(), CACHED)


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        (SessionOptions(commit="attention"), "nano-ctc-ko has no commit; that is an option of Whisper models"),
        (SessionOptions(step_s=0), "step_s: expected a number of seconds, above 0 to 60, found 0"),
        (SessionOptions(step_s=float("nan")), "step_s: .* found nan"),
        (SessionOptions(lookahead_s=-0.1), "lookahead_s: expected a number of seconds, 0 to 60, found -0.1"),
        (SessionOptions(left_s="8"), "left_s: .* found '8'"),
        (SessionOptions(left_s=1e9), "left_s: .* found 1000000000.0"),
        (SessionOptions(method="best"), "method: expected cached or recomputed, found 'best'"),
        (
            SessionOptions(window_s=5),
            "window_s is for the method recomputed, and this session of nano-ctc-ko is cached",
        ),
        (replace(RECOMPUTED, left_s=5), "left_s is for the method cached"),
        (replace(RECOMPUTED, window_s=1, step_s=0.7, lookahead_s=0.5), "window_s: expected at least step_s and lookah"),
    ],
)
def test_what_a_session_cannot_be_is_refused(asked, message):
    with pytest.raises(OptionError, match=message):
        ENGINE.open(DecodeOptions(), asked)


@pytest.mark.parametrize(("parameters", "step"), [(2_000_000, 8000), (316_000_000, 16_000)])
def test_a_large_model_is_asked_half_as_often(parameters, step):
    manifest = replace(ENGINE.manifest, sizes=ENGINE.manifest.sizes | {"parameters": parameters})
    assert Settings.of(SessionOptions(), ENGINE.frames, manifest, None).step == step


def test_options_of_decoding_are_checked_when_a_session_is_opened():
    with pytest.raises(OptionError, match="does not know the language 'en'; it knows ko"):
        ENGINE.open(DecodeOptions(language="en"))


def test_a_session_can_be_cancelled():
    session = ENGINE.open(DecodeOptions(cancelled=lambda: True))
    with pytest.raises(Cancelled):
        session.push(KOREAN)


def test_the_graph_for_streams_is_opened_when_a_session_wants_it(tmp_path):
    folder = Path(shutil.copytree(BUNDLE, tmp_path / "bundle"))
    names = [path.name for path in folder.glob("stream.*")]
    for name in names:
        (folder / name).unlink()
    engine = Wav2Vec2Engine(folder, read_manifest(BUNDLE), device="cpu", threads=1)
    assert heard(KOREAN, RECOMPUTED, engine=engine) == heard(KOREAN, RECOMPUTED)
    with pytest.raises(ModelIncompatible, match="stream"):
        engine.open(DecodeOptions(), CACHED)
    for name in names:
        shutil.copy(BUNDLE / name, folder)
    assert heard(KOREAN, CACHED, engine=engine) == heard(KOREAN, CACHED)
