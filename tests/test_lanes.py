"""Several windows at once, each on a thread of its own: the same words as one after the other."""

from __future__ import annotations

import gc
import shutil
import weakref
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from malsori.audio import decode
from malsori.bundles import read_manifest
from malsori.engines.base import DecodeOptions
from malsori.engines.whisper import replicas
from malsori.engines.whisper.engine import WhisperEngine
from malsori.engines.whisper.lanes import batches
from malsori.engines.whisper.options import WhisperOptions
from malsori.engines.whisper.prompt import Prompts
from malsori.engines.whisper.replicas import Replicas
from malsori.engines.whisper.window import Context
from malsori.errors import Cancelled, EngineError
from malsori.types import Audio

ROOT = Path(__file__).resolve().parents[1]
BUNDLE = ROOT / "models" / "nano-whisper"
LIVE = DecodeOptions(live=True)
HOT = DecodeOptions(language="ko", temperature=(0.8,), whisper=WhisperOptions(log_prob_threshold=None))


def loaded(threads: int = 2) -> WhisperEngine:
    return WhisperEngine(BUNDLE, read_manifest(BUNDLE), device="cpu", threads=threads)


@pytest.fixture
def engine() -> WhisperEngine:
    return loaded()


@pytest.fixture(scope="module")
def clips() -> list[Audio]:
    korean = sample("korean")
    return [korean, korean[:9000], sample("english"), np.concatenate([korean, korean]), korean[4000:]]


def sample(name: str) -> Audio:
    return decode(ROOT / "samples" / f"{name}.wav").samples


def shape(engine: WhisperEngine) -> tuple[int, int]:
    return engine._network._replicas._workers, engine._network._replicas._threads


def test_several_clips_are_read_at_a_time_and_heard_as_alone(engine: WhisperEngine, clips: list[Audio]):
    options = DecodeOptions(word_timestamps=True)
    alone = [engine.transcribe([clip], options)[0] for clip in clips]
    assert shape(engine) == (1, 2)
    assert engine.transcribe(clips, options) == alone
    assert shape(engine) == (2, 1)
    assert [engine.transcribe([clip], options)[0] for clip in clips] == alone


def test_where_somebody_waits_for_the_words_nothing_is_loaded_again(engine: WhisperEngine, clips: list[Audio]):
    alone = [engine.transcribe([clip])[0] for clip in clips]
    assert engine.transcribe(clips, LIVE) == alone
    assert shape(engine) == (1, 2)
    engine.transcribe(clips)
    assert engine.transcribe(clips, LIVE) == alone
    assert shape(engine) == (2, 1)


def test_with_one_thread_there_is_one_lane(clips: list[Audio]):
    engine = loaded(threads=1)
    engine.transcribe(clips)
    assert shape(engine) == (1, 1)


def test_lanes_whose_weights_have_gone_stay_and_draw(tmp_path: Path, clips: list[Audio]):
    folder = Path(shutil.copytree(BUNDLE, tmp_path / "bundle"))
    engine = WhisperEngine(folder, read_manifest(folder), device="cpu", threads=2)
    plain = engine.transcribe(clips)
    held = engine._network._replicas.model
    (folder / "model.bin").unlink()
    assert len(engine.transcribe(clips, HOT)) == len(clips)
    assert engine._network._replicas.model is held
    assert engine.transcribe(clips) == plain


@pytest.mark.parametrize(("batch_size", "lanes"), [(1, 1), (3, 2), (5, 4), (8, 3), (8, 2)])
@pytest.mark.parametrize("count", [1, 2, 7, 16])
def test_what_is_read_at_a_time_is_at_most_the_batch_size(
    engine: WhisperEngine, clips: list[Audio], batch_size: int, lanes: int, count: int
):
    options = DecodeOptions(language="ko", batch_size=batch_size)
    prompts = Prompts(engine._tokens, options)
    tracks = [engine._track(clips[0], Context(), options, []) for _ in range(count)]
    sizes = [len(batch) for batch in batches(tracks, lanes, options, prompts, sparing=False)]
    assert sum(sizes) == count
    assert sum(sorted(sizes)[-lanes:]) <= batch_size
    assert max(sizes) - min(sizes) <= 1


def test_many_threads_are_shared_out_among_few_lanes():
    made = Replicas(BUNDLE, device="cpu", compute_type="float32", threads=12, workers=1)
    assert made.lanes(1) == 1
    assert (made.lanes(3), made.lanes(100)) == (3, replicas.MOST_LANES)
    assert (made.model.num_workers, made._threads) == (4, 3)


def test_threads_that_call_while_the_model_is_loaded_anew_are_served(engine: WhisperEngine, clips: list[Audio]):
    alone = [engine.transcribe([clip])[0] for clip in clips]
    with ThreadPoolExecutor(3) as pool:
        singly = pool.map(lambda clip: engine.transcribe([clip])[0], clips * 2)
        together = pool.submit(engine.transcribe, clips)
        assert [*singly] == alone * 2
        assert together.result() == alone


def test_what_is_drawn_for_a_clip_is_the_same_whenever_and_beside_whatever(clips: list[Audio]):
    first, second = loaded(), loaded()
    drawn = [first.transcribe([clip], HOT)[0] for clip in clips]
    assert second.transcribe(clips[::-1], HOT)[::-1] == drawn
    assert [first.transcribe([clip], HOT)[0] for clip in clips] == drawn


def test_draws_leave_one_copy_of_the_weights(engine: WhisperEngine, clips: list[Audio]):
    held = engine._network._replicas
    engine.transcribe(clips[:1])
    before = weakref.ref(held.model)
    engine.transcribe(clips[:1], HOT)
    gc.collect()
    assert before() is None
    assert shape(engine) == (held.model.num_workers, 2)


@pytest.mark.parametrize("options", [DecodeOptions(language="ko"), HOT])
def test_a_load_that_fails_is_told_and_tried_again_at_the_next_call(
    engine: WhisperEngine, clips: list[Audio], options: DecodeOptions, monkeypatch: pytest.MonkeyPatch
):
    alone = engine.transcribe(clips, options)
    engine = loaded()

    def fail(*_: object) -> None:
        raise EngineError("too little memory")

    with monkeypatch.context() as patch:
        patch.setattr(Replicas, "_load", fail)
        with pytest.raises(EngineError, match="too little memory"):
            engine.transcribe(clips, options)
    assert engine.transcribe(clips, options) == alone


def test_a_call_that_is_cancelled_in_one_lane_ends(engine: WhisperEngine, clips: list[Audio]):
    with pytest.raises(Cancelled):
        engine.transcribe(clips, DecodeOptions(cancelled=lambda: engine.counters.windows > 1))


def test_a_failure_in_one_lane_is_the_calls(engine: WhisperEngine, clips: list[Audio]):
    def fail(*_: object, **__: object) -> None:
        raise EngineError("a lane failed")

    engine._network.align = fail  # type: ignore[method-assign, assignment]
    with pytest.raises(EngineError, match="a lane failed"):
        engine.transcribe(clips)


@pytest.mark.parametrize("other", [None, b"other weights"])
def test_a_model_whose_file_has_gone_or_is_another_goes_on_as_it_was_loaded(
    tmp_path: Path, clips: list[Audio], other: bytes | None
):
    folder = Path(shutil.copytree(BUNDLE, tmp_path / "bundle"))
    engine = WhisperEngine(folder, read_manifest(folder), device="cpu", threads=2)
    plain, hot = loaded().transcribe(clips), DecodeOptions(language="ko", temperature=(0.8,))
    (folder / "model.bin").unlink()
    if other is not None:
        (folder / "model.bin").write_bytes(other)
    assert engine.transcribe(clips) == plain
    assert shape(engine) == (1, 2)
    assert len(engine.transcribe(clips, hot)) == len(clips)
