"""Several windows at once, each on a thread of its own: the same words as one after the other."""

from __future__ import annotations

import gc
import shutil
import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

from malsori.audio import decode
from malsori.bundles import read_manifest
from malsori.engines.base import DecodeOptions
from malsori.engines.whisper.engine import WhisperEngine
from malsori.engines.whisper.features import LogMel
from malsori.engines.whisper.lanes import batches
from malsori.engines.whisper.network import Network
from malsori.engines.whisper.options import WhisperOptions
from malsori.engines.whisper.prompt import Prompts
from malsori.engines.whisper.replicas import MOST_LANES, Replicas, load_weights
from malsori.engines.whisper.tokens import Tokens
from malsori.engines.whisper.track import Track, timed
from malsori.engines.whisper.window import Context
from malsori.errors import Cancelled, EngineError
from malsori.types import Audio
from tests.shipped import ROOT

BUNDLE = ROOT / "models" / "nano-whisper"
LIVE = DecodeOptions(live=True)
HOT = DecodeOptions(language="ko", temperature=(0.8,), whisper=WhisperOptions(log_prob_threshold=None))


class Loaded(NamedTuple):
    """An engine and what computes for it."""

    engine: WhisperEngine
    replicas: Replicas

    @property
    def shape(self) -> tuple[int, int]:
        return self.replicas.workers, self.replicas.threads


def loaded(
    folder: Path = BUNDLE, threads: int = 2, network: type[Network] = Network, load: Callable[..., Any] = load_weights
) -> Loaded:
    made: list[Replicas] = []

    def replicas(*args: Any, **named: Any) -> Replicas:
        made.append(Replicas(*args, **named, load=load))
        return made[0]

    manifest = read_manifest(folder)
    engine = WhisperEngine(folder, manifest, device="cpu", threads=threads, network=partial(network, replicas=replicas))
    return Loaded(engine, made[0])


@pytest.fixture
def fresh() -> Loaded:
    return loaded()


@pytest.fixture
def engine(fresh: Loaded) -> WhisperEngine:
    return fresh.engine


@pytest.fixture(scope="module")
def clips() -> list[Audio]:
    korean = sample("korean")
    return [korean, korean[:9000], sample("english"), np.concatenate([korean, korean]), korean[4000:]]


def sample(name: str) -> Audio:
    return decode(ROOT / "samples" / f"{name}.wav").samples


def test_several_clips_are_read_at_a_time_and_heard_as_alone(fresh: Loaded, clips: list[Audio]):
    engine, options = fresh.engine, DecodeOptions(word_timestamps=True)
    alone = [engine.transcribe([clip], options)[0] for clip in clips]
    assert fresh.shape == (1, 2)
    assert engine.transcribe(clips, options) == alone
    assert fresh.shape == (2, 1)
    assert [engine.transcribe([clip], options)[0] for clip in clips] == alone


def test_where_somebody_waits_for_the_words_nothing_is_loaded_again(fresh: Loaded, clips: list[Audio]):
    engine = fresh.engine
    alone = [engine.transcribe([clip])[0] for clip in clips]
    assert engine.transcribe(clips, LIVE) == alone
    assert fresh.shape == (1, 2)
    engine.transcribe(clips)
    assert engine.transcribe(clips, LIVE) == alone
    assert fresh.shape == (2, 1)


def test_with_one_thread_there_is_one_lane(clips: list[Audio]):
    single = loaded(threads=1)
    single.engine.transcribe(clips)
    assert single.shape == (1, 1)


def test_lanes_whose_weights_have_gone_stay_and_draw(tmp_path: Path, clips: list[Audio]):
    folder = Path(shutil.copytree(BUNDLE, tmp_path / "bundle"))
    engine, replicas = loaded(folder)
    plain = engine.transcribe(clips)
    held = replicas.model
    (folder / "model.bin").unlink()
    assert len(engine.transcribe(clips, HOT)) == len(clips)
    assert replicas.model is held
    assert engine.transcribe(clips) == plain


@pytest.mark.parametrize(("batch_size", "lanes"), [(1, 1), (3, 2), (5, 4), (8, 3), (8, 2)])
@pytest.mark.parametrize("count", [1, 2, 7, 16])
def test_what_is_read_at_a_time_is_at_most_the_batch_size(clips: list[Audio], batch_size: int, lanes: int, count: int):
    options = DecodeOptions(language="ko", batch_size=batch_size)
    prompts = Prompts(Tokens.read(BUNDLE), options)
    written = timed(len(clips[0]), options)
    tracks = [Track(clips[0], LogMel(80), Context(), options.language, [], written) for _ in range(count)]
    sizes = [len(batch) for batch in batches(tracks, lanes, options, prompts, sparing=False)]
    assert sum(sizes) == count
    assert sum(sorted(sizes)[-lanes:]) <= batch_size
    assert max(sizes) - min(sizes) <= 1


def test_many_threads_are_shared_out_among_few_lanes():
    made = Replicas(BUNDLE, device="cpu", compute_type="float32", threads=12, workers=1)
    assert made.lanes(1) == 1
    assert (made.lanes(3), made.lanes(100)) == (3, MOST_LANES)
    assert (made.model.num_workers, made.threads) == (4, 3)


def test_threads_that_call_while_the_model_is_loaded_anew_are_served(engine: WhisperEngine, clips: list[Audio]):
    alone = [engine.transcribe([clip])[0] for clip in clips]
    with ThreadPoolExecutor(3) as pool:
        singly = pool.map(lambda clip: engine.transcribe([clip])[0], clips * 2)
        together = pool.submit(engine.transcribe, clips)
        assert [*singly] == alone * 2
        assert together.result() == alone


def test_what_is_drawn_for_a_clip_is_the_same_whenever_and_beside_whatever(clips: list[Audio]):
    first, second = loaded().engine, loaded().engine
    drawn = [first.transcribe([clip], HOT)[0] for clip in clips]
    assert second.transcribe(clips[::-1], HOT)[::-1] == drawn
    assert [first.transcribe([clip], HOT)[0] for clip in clips] == drawn


def test_draws_leave_one_copy_of_the_weights(fresh: Loaded, clips: list[Audio]):
    engine, replicas = fresh
    engine.transcribe(clips[:1])
    before = weakref.ref(replicas.model)
    engine.transcribe(clips[:1], HOT)
    gc.collect()
    assert before() is None
    assert fresh.shape == (replicas.model.num_workers, 2)


@pytest.mark.parametrize("options", [DecodeOptions(language="ko"), HOT])
def test_a_load_that_fails_is_told_and_tried_again_at_the_next_call(
    engine: WhisperEngine, clips: list[Audio], options: DecodeOptions
):
    alone = engine.transcribe(clips, options)
    short = False

    def load(*args: Any, **named: Any) -> Any:
        if short:
            raise EngineError("too little memory")
        return load_weights(*args, **named)

    engine = loaded(load=load).engine
    short = True
    with pytest.raises(EngineError, match="too little memory"):
        engine.transcribe(clips, options)
    short = False
    assert engine.transcribe(clips, options) == alone


def test_a_call_that_is_cancelled_in_one_lane_ends(engine: WhisperEngine, clips: list[Audio]):
    with pytest.raises(Cancelled):
        engine.transcribe(clips, DecodeOptions(cancelled=lambda: engine.counters.windows > 1))


def test_a_failure_in_one_lane_is_the_calls(clips: list[Audio]):
    class Failing(Network):
        def align(self, *_: object, **__: object) -> list[Any]:
            raise EngineError("a lane failed")

    with pytest.raises(EngineError, match="a lane failed"):
        loaded(network=Failing).engine.transcribe(clips)


@pytest.mark.parametrize("other", [None, b"other weights"])
def test_a_model_whose_file_has_gone_or_is_another_goes_on_as_it_was_loaded(
    tmp_path: Path, clips: list[Audio], other: bytes | None
):
    folder = Path(shutil.copytree(BUNDLE, tmp_path / "bundle"))
    used = loaded(folder)
    plain, hot = loaded().engine.transcribe(clips), DecodeOptions(language="ko", temperature=(0.8,))
    (folder / "model.bin").unlink()
    if other is not None:
        (folder / "model.bin").write_bytes(other)
    assert used.engine.transcribe(clips) == plain
    assert used.shape == (1, 2)
    assert len(used.engine.transcribe(clips, hot)) == len(clips)
