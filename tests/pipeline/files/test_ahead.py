"""Recordings that threads read before the run asks for them: the same transcripts, in bounded memory, ended at once."""

from __future__ import annotations

import io
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import malsori
from malsori import SourceRequest, Transcript
from malsori.engines.base import DecodeOptions
from malsori.errors import AudioNotFound, Cancelled, EngineError, MalsoriError, OptionError
from malsori.pipeline import Progress, Transcriber
from malsori.pipeline.files.ahead import MOST_AHEAD_S, MOST_TAKEN, Ahead
from malsori.pipeline.files.reading import RecordingReader
from malsori.pipeline.files.source_request import ResolvedOptions
from malsori.pipeline.files.steps import ClipsFound, SourceReading, Step
from malsori.pipeline.options import TranscribeOptions
from malsori.types import SAMPLE_RATE, Audio, Hypothesis
from tests.loudness import LoudnessDetector, LoudnessEngine, recording, wav
from tests.shipped import ROOT

LIMIT_S = 20.0  # for what has to happen at last
CTC, WHISPER = ROOT / "models" / "nano-ctc-ko", ROOT / "models" / "nano-whisper"
KOREAN, ENGLISH, NUMBERS = (ROOT / "samples" / f"{name}.wav" for name in ("korean", "english", "numbers"))


def transcriber(*languages: str, engine: LoudnessEngine | None = None) -> Transcriber:
    return Transcriber(engine or LoudnessEngine(*(languages or ("ko",))), detector=LoudnessDetector)


def results(used: Transcriber, sources: Any, **options: Any) -> list[Transcript | str]:
    found = used.transcribe_many(sources, on_error="return", **options)
    return [each if isinstance(each, Transcript) else f"{type(each).__name__}: {each}" for each in found]


def texts(found: Iterator[Transcript | MalsoriError]) -> list[str]:
    return [each.text if isinstance(each, Transcript) else type(each).__name__ for each in found]


def threads_of_ahead() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("malsori-ahead")]


def soon(holds: Callable[[], bool]) -> bool:
    """Return whether something holds before `LIMIT_S` are over."""
    latest = time.monotonic() + LIMIT_S
    while not holds() and time.monotonic() < latest:
        time.sleep(0.005)
    return holds()


@cache
def nano(model: Path) -> Transcriber:
    return malsori.load(model, threads=1)


def some_sources(folder: Path) -> list[Any]:
    """Small files, bad ones between them, one long one, and options of their own."""
    (folder / "bad.wav").write_text("no sound at all")
    long = np.concatenate([malsori.decode(path).samples for path in (KOREAN, NUMBERS) * 2])
    return [
        KOREAN,
        SourceRequest(NUMBERS, {"word_timestamps": True}),
        folder / "bad.wav",
        b"",
        SourceRequest(KOREAN, {"vad": False}),
        SourceRequest(KOREAN, {"beam_size": 4, "hotwords": {"침실": 4}}),
        SourceRequest(wav(recording((10, 0.4))), {"clip_timestamps": [0.5, 2.5, 90.0]}),
        long,
        folder / "none.wav",
        SourceRequest(NUMBERS, {"language": "xx"}),
        SourceRequest(ENGLISH, {"sample_rate": 8000}),
        np.zeros(SAMPLE_RATE, np.float32),
        NUMBERS,
        KOREAN,
    ]


@pytest.mark.parametrize(("model", "threads"), [(CTC, (1, 3)), (WHISPER, (2,))], ids=["ctc", "whisper"])
def test_recordings_read_ahead_have_the_same_transcripts(model: Path, threads: tuple[int, ...], tmp_path: Path):
    sources = some_sources(tmp_path)
    expected = results(nano(model), sources)
    assert sum(isinstance(each, str) for each in expected) in (5, 6)  # hot words' weights and Whisper
    for ahead in threads:
        assert results(nano(model), sources, ahead=ahead) == expected
    assert threads_of_ahead() == []


LOUDNESSES = st.lists(st.tuples(st.integers(5, 90), st.sampled_from([0.1, 0.5, 3.0])), max_size=4)
OWN = st.sampled_from([{}, {"language": "en"}, {"language": "xx"}, {"vad": False}, {"prefix": "so"}, {"beam_size": 2}])


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(st.tuples(st.one_of(LOUDNESSES, st.none()), OWN), max_size=10),
    st.integers(1, 4),
    st.sampled_from([None, 20]),
)
def test_transcripts_do_not_depend_on_who_reads_the_recordings(
    given_: list[tuple[list[tuple[int, float]] | None, dict[str, Any]]], ahead: int, poison: int | None
):
    sources = [SourceRequest(b"" if each is None else wav(recording(*each)), own) for each, own in given_]
    serial, beside = (transcriber(engine=LoudnessEngine("ko", "en", poison=poison)) for _ in range(2))
    assert results(beside, sources, ahead=ahead) == results(serial, sources)
    assert threads_of_ahead() == []


class Noted:
    """An iterable of sources that notes how many were taken."""

    def __init__(self, sources: Sequence[Any]) -> None:
        self._sources = iter(sources)
        self.taken = 0

    def __iter__(self) -> Noted:
        return self

    def __next__(self) -> Any:
        source = next(self._sources)
        self.taken += 1
        return source


class Holding(Ahead):
    """Notes the most seconds of speech that were found and not taken yet."""

    def __init__(self, sources: Any, threads: int) -> None:
        self.most = self.found = 0.0
        self.guard = threading.Lock()
        super().__init__(sources, CountingReader(self), threads)


class CountingReader(RecordingReader):
    """Tells how many seconds of speech it found."""

    def __init__(self, holding: Holding) -> None:
        resolved = ResolvedOptions(TranscribeOptions(), lambda _: ())
        super().__init__(LoudnessEngine("ko"), LoudnessDetector, resolved)
        self._holding = holding

    def steps(self, request: Any, advanced: Any) -> Any:
        for step in super().steps(request, advanced):
            with self._holding.guard:
                self._holding.found += speech_in(step)
                self._holding.most = max(self._holding.most, self._holding.found)
            yield step


def speech_in(step: Step) -> float:
    return sum(clip.seconds for clip in step.clips) if isinstance(step, ClipsFound) else 0.0


@pytest.mark.parametrize("threads", [1, 3])
def test_no_more_speech_is_held_than_eight_minutes_and_a_clip_for_each_thread(threads: int):
    sources = [recording(*((n, 25.0) for n in range(10, 60))), *[recording((n, 25.0)) for n in range(10, 70)]]
    ahead = Holding(sources, threads)
    try:
        taken = 0.0
        assert not ahead.waits()
        assert soon(lambda: ahead.most > MOST_AHEAD_S - 30)
        for reading in ahead:
            for step in reading.steps(lambda samples: None):
                with ahead.guard:
                    ahead.found -= speech_in(step)
                    taken += speech_in(step)
                time.sleep(0.002)  # so that the threads come ahead as far as they may
    finally:
        ahead.close()
    assert taken == pytest.approx(110 * 25.4, abs=5)
    assert ahead.most <= 2 * MOST_AHEAD_S + (threads + 1) * 51


def test_so_many_sources_are_taken_before_they_are_needed_and_no_more():
    sources = Noted([np.zeros(SAMPLE_RATE // 10, np.float32)] * 500)
    found = transcriber().transcribe_many(sources, ahead=2)
    next(found)
    assert soon(lambda: sources.taken >= MOST_TAKEN)
    time.sleep(0.05)
    first = sources.taken
    assert first <= MOST_TAKEN + 2
    for _ in range(10):
        next(found)
    assert soon(lambda: sources.taken >= first + 9)
    found.close()  # type: ignore[attr-defined]
    assert sources.taken <= first + 11


def test_nothing_is_taken_before_the_first_result_is_asked_for():
    sources = Noted([recording((10, 1.0))])
    found = transcriber().transcribe_many(sources, ahead=2)
    time.sleep(0.05)
    assert sources.taken == 0
    assert texts(found) == ["w10"]


def test_recordings_are_decoded_while_the_engine_works():
    read = threading.Event()

    class Waiting(LoudnessEngine):
        def transcribe(self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()) -> Any:
            assert read.wait(LIMIT_S)
            return super().transcribe(clips, options, previous)

    class Told(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            read.set()
            return super().read(size)

    sources = [*(recording((10, 250.0)) for _ in range(3)), Told(wav(recording((20, 1.0))))]
    found = texts(transcriber(engine=Waiting("ko")).transcribe_many(sources, ahead=2))
    assert found == [*[" ".join(["w10"] * 9)] * 3, "w20"]


def test_a_long_recording_shares_calls_where_recordings_are_read_ahead():
    sources = [recording((10, 100.0), (11, 100.0), (12, 100.0)), recording((20, 100.0))]
    for ahead, calls in ((0, [3, 1]), (1, [4])):
        engine = LoudnessEngine("ko", kind="wav2vec2-ctc")
        found = transcriber(engine=engine).transcribe_many(sources, ahead=ahead, batch_size=4)
        assert texts(found) == ["w10 w11 w12", "w20"]
        assert [len(call) for call in engine.calls] == calls


def test_an_iterable_that_blocks_keeps_back_no_recording_that_it_gave():
    goes_on = threading.Event()

    def sources() -> Iterator[Audio]:
        yield recording((10, 1.0))
        yield recording((11, 1.0))
        assert goes_on.wait(LIMIT_S)
        yield recording((12, 1.0))

    found = transcriber().transcribe_many(sources(), ahead=3)
    assert [next(found).text for _ in range(2)] == ["w10", "w11"]
    goes_on.set()
    assert texts(found) == ["w12"]


def test_a_pipe_that_nobody_writes_to_keeps_back_no_recording_before_it():
    goes_on = threading.Event()

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def read(self, size: int | None = -1) -> bytes:
            assert goes_on.wait(LIMIT_S)
            return super().read(size)

    found = transcriber().transcribe_many([recording((10, 1.0)), Pipe(wav(recording((20, 1.0))))], ahead=2)
    assert next(found).text == "w10"
    goes_on.set()
    assert texts(found) == ["w20"]


@pytest.mark.parametrize("ahead", [0, 1, 3])
def test_an_error_of_the_iterable_comes_behind_the_results_of_what_it_gave(ahead: int):
    def sources() -> Iterator[Audio]:
        yield recording((10, 1.0))
        yield recording((11, 1.0))
        raise ConnectionError("the archive is gone")

    found = transcriber().transcribe_many(sources(), ahead=ahead)
    assert [next(found).text for _ in range(2)] == ["w10", "w11"]
    with pytest.raises(ConnectionError, match="the archive is gone"):
        next(found)
    assert threads_of_ahead() == []


def test_an_iterable_is_asked_by_one_thread_at_a_time_and_not_again_behind_its_end():
    class Touchy:
        def __init__(self) -> None:
            self.inside = threading.Lock()
            self.left = 40

        def __iter__(self) -> Touchy:
            return self

        def __next__(self) -> Audio:
            assert self.inside.acquire(blocking=False)
            time.sleep(0.001)
            self.left -= 1
            assert self.left >= -1
            self.inside.release()
            if self.left < 0:
                raise StopIteration
            return recording((10, 0.5))

    assert texts(transcriber().transcribe_many(Touchy(), ahead=4)) == ["w10"] * 40


@pytest.mark.parametrize("ahead", [1, 3])
def test_what_concerns_the_run_ends_it_and_the_threads(ahead: int, tmp_path: Path):
    (tmp_path / "a.wav").write_bytes(wav(recording((10, 1.0))))
    ends: list[tuple[type[BaseException], list[Any], dict[str, Any]]] = [
        (OptionError, [tmp_path / "a.wav"], {"sample_rate": 8000}),
        (TypeError, [3], {}),
        (Cancelled, [recording((n, 1.0)) for n in range(10, 40)], {"cancelled": cancelled_after(40)}),
    ]
    for error, sources, options in ends:
        with pytest.raises(error):
            results(transcriber(), sources, ahead=ahead, **options)
        assert threads_of_ahead() == []


def cancelled_after(times: int) -> Callable[[], bool]:
    asked: list[int] = []

    def cancelled() -> bool:
        asked.append(1)
        return len(asked) > times

    return cancelled


class Closing(io.BytesIO):
    """Sound without an end, as far as a test goes; a pipe's kind of file that notes its reads."""

    def __init__(self) -> None:
        super().__init__(wav(recording(*((n % 80 + 10, 20.0) for n in range(30)))))
        self.reads = self.bytes_read = 0

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        self.reads += 1
        self.bytes_read += len(found)
        return found


def test_close_ends_the_threads_and_closes_the_files(tmp_path: Path):
    path = tmp_path / "long.wav"
    path.write_bytes(wav(recording(*((n % 80 + 10, 20.0) for n in range(30)))))
    files = [Closing(), Closing()]
    found = transcriber().transcribe_many([recording((10, 1.0)), path, path, *files], ahead=4)
    assert next(found).text == "w10"
    assert soon(lambda: all(file.reads > 2 for file in files))
    began = time.monotonic()
    found.close()  # type: ignore[attr-defined]
    assert threads_of_ahead() == []
    assert time.monotonic() - began < 3
    assert [link for link in open_files() if link.endswith("long.wav")] == []
    assert not any(file.closed for file in files)  # they are the caller's


def open_files() -> list[str]:
    folder = Path("/proc/self/fd")
    if not folder.is_dir():
        pytest.skip("this system does not list open files")
    return [str(link.readlink()) for link in folder.iterdir() if link.is_symlink()]


def test_a_run_that_is_dropped_ends_its_threads():
    found = transcriber().transcribe_many([recording((n, 1.0)) for n in range(10, 90)], ahead=3)
    next(found)
    del found
    assert soon(lambda: threads_of_ahead() == [])


def test_close_does_not_wait_for_an_iterable_that_blocks():
    goes_on = threading.Event()

    def sources() -> Iterator[Audio]:
        yield recording((10, 1.0))
        goes_on.wait(LIMIT_S)
        yield recording((11, 1.0))

    found = transcriber().transcribe_many(sources(), ahead=2)
    next(found)
    began = time.monotonic()
    found.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 3
    goes_on.set()
    assert soon(lambda: threads_of_ahead() == [])


def test_the_first_error_that_is_raised_ends_the_threads(tmp_path: Path):
    sources = [recording((10, 1.0)), tmp_path / "none.wav", *[recording((n, 1.0)) for n in range(11, 60)]]
    found = transcriber().transcribe_many(sources, ahead=3)
    assert next(found).text == "w10"
    with pytest.raises(AudioNotFound):
        next(found)
    assert threads_of_ahead() == []


class Deaf(LoudnessEngine):
    """Cannot tell which language is spoken."""

    def _detect_language(self, clip: Audio, options: DecodeOptions | None = None) -> dict[str, float]:
        raise EngineError("no language")


@pytest.mark.parametrize("ahead", [0, 1])
def test_a_recording_that_failed_is_not_read_to_its_end(ahead: int):
    long = Closing()
    found = transcriber(engine=Deaf("ko", "en")).transcribe_many(
        [long, recording((20, 1.0))], on_error="return", ahead=ahead
    )
    assert texts(found) == ["EngineError", "w20"]
    assert long.bytes_read < 0.7 * len(long.getvalue())


def test_progress_goes_on_while_a_recording_without_speech_is_read_ahead():
    seen: list[Progress] = []
    sources = [np.zeros(600 * SAMPLE_RATE, np.float32), recording((10, 1.0))]
    assert texts(transcriber().transcribe_many(sources, progress=seen.append, ahead=2)) == ["", "w10"]
    behind = [progress.seconds for progress in seen if progress.number == 1]
    assert behind == sorted(behind)
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert done[-1] == 2


def test_seconds_are_told_as_done_only_when_they_were_heard():
    class Asking(LoudnessEngine):
        def transcribe(
            self, clips: Sequence[Audio], options: DecodeOptions, previous: Sequence[str] = ()
        ) -> list[Hypothesis]:
            time.sleep(0.05)  # the thread goes ahead meanwhile
            return super().transcribe(clips, options, previous)

    seen: list[Progress] = []
    used, sound = transcriber(engine=Asking("ko")), recording(*((n, 25.0) for n in range(10, 40)))
    texts(used.transcribe_many([sound], progress=seen.append, ahead=1))
    assert seen[-1].seconds == pytest.approx(len(sound) / SAMPLE_RATE)
    # 30 s of each pause of the recording's 27.4 s clips lie between the seconds done and those heard at most.
    assert all(progress.seconds <= progress.heard * 27.5 / 25.4 + 70 for progress in seen)


@pytest.mark.parametrize("ahead", [-1, 65, 1.5, True, "2", None])
def test_a_number_of_threads_that_there_cannot_be_is_refused(ahead: Any):
    with pytest.raises(OptionError, match="ahead: expected a number of threads from 0 to 64, found"):
        transcriber().transcribe_many([], ahead=ahead)


def test_a_reading_is_a_source_reading():
    reading: SourceReading = next(Holding([recording((10, 1.0))], 1))
    assert [type(step).__name__ for step in reading.steps(lambda samples: None)] == [
        "SourceOpened",
        "ClipsFound",
        "SourceEnded",
    ]
