"""The way from recordings to transcripts, with an engine that reads a word off the loudness of its clip."""

from __future__ import annotations

import io
import shutil
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from malsori.bundles import read_manifest
from malsori.engines.base import DecodeOptions, Engine, HotWord
from malsori.engines.load import load_engine
from malsori.engines.wav2vec2.engine import Wav2Vec2Engine
from malsori.errors import (
    AudioNotFound,
    Cancelled,
    EmptyAudio,
    EngineError,
    MalsoriError,
    MissingDependency,
    ModelCorrupt,
    OptionError,
)
from malsori.pipeline import Progress, TranscribeOptions, Transcriber, load
from malsori.pipeline.clip import Clip
from malsori.pipeline.files.recording import Recording
from malsori.pipeline.files.stitch import stitch
from malsori.pipeline.files.stretches import Cutter, stretches_of
from malsori.types import SAMPLE_RATE, Audio, Hypothesis, Segment, Span, Transcript
from malsori.vad import GateOptions
from tests.loudness import LoudnessDetector, LoudnessEngine, recording, tone, wav
from tests.shipped import ROOT

NANO = ROOT / "models" / "nano-ctc-ko"
SAID = (Segment("said", 0.0, 0.001, 0.9),)


def transcriber(*languages: str, kind: str = "whisper", poison: int | None = None) -> Transcriber:
    return Transcriber(LoudnessEngine(*languages, kind=kind, poison=poison), detector=LoudnessDetector)


def heard_by(used: Transcriber) -> LoudnessEngine:
    assert isinstance(used.engine, LoudnessEngine)
    return used.engine


def texts(results: Iterator[Transcript] | Iterator[Transcript | MalsoriError]) -> list[str]:
    return [result.text if isinstance(result, Transcript) else type(result).__name__ for result in results]


def test_silence_makes_no_engine_call_and_no_words():
    used = transcriber("ko", "en")
    result = used.transcribe(np.zeros(5 * SAMPLE_RATE, np.float32))
    assert (result.text, result.segments, result.duration) == ("", (), 5.0)
    assert (result.language, result.language_probability) == ("und", 0.0)
    assert heard_by(used).calls == heard_by(used).detections == []


def test_times_are_on_the_clock_of_the_recording_and_stay_inside_their_stretch_of_speech():
    result = transcriber().transcribe(recording((10, 1.0), (20, 1.5)), word_timestamps=True)
    assert result.text == "w10 w20"
    first, second = result.segments
    padding = GateOptions().padding / 1000
    assert first.start == pytest.approx(2.0 - padding + 0.1, abs=0.04)
    assert first.end == pytest.approx(3.0 + padding, abs=0.04)
    assert second.start == pytest.approx(5.0 - padding + 0.1, abs=0.04)
    assert second.end == pytest.approx(6.5 + padding, abs=0.04)
    assert [(word.start, word.end) for word in second.words] == [(second.start, second.end)]
    assert result.duration == pytest.approx(8.5)


def test_a_file_and_its_samples_give_the_same_transcript(tmp_path: Path):
    audio = recording((30, 1.0))
    (tmp_path / "a.wav").write_bytes(wav(audio))
    from_file, from_bytes = transcriber().transcribe(tmp_path / "a.wav"), transcriber().transcribe(wav(audio))
    assert from_file == from_bytes == transcriber().transcribe(audio)


def test_an_array_of_another_rate_is_resampled():
    result = transcriber().transcribe(np.repeat(recording((30, 1.0)), 2), sample_rate=2 * SAMPLE_RATE)
    assert result.duration == pytest.approx(5.0, abs=0.01)


def test_without_the_gate_whisper_gets_the_whole_recording():
    used = transcriber()
    used.transcribe(recording((10, 100.0), (20, 100.0)), vad=False)
    assert heard_by(used).calls == [[206.0]]


def test_without_the_gate_a_ctc_model_gets_stretches_that_it_takes_cut_where_it_is_quiet():
    used = transcriber("ko", kind="wav2vec2-ctc")
    result = used.transcribe(recording((10, 112.0), (20, 20.0), pause=3.0), vad=False)
    (first,), (second,) = sorted(heard_by(used).calls, reverse=True)
    assert 115.0 < first < 118.0  # the pause before w20
    assert first + second == pytest.approx(141.0)
    assert result.text == "w10 w20"
    assert result.duration == 141.0


def test_speech_without_a_pause_is_as_long_as_the_engine_takes_it():
    ctc, whisper = transcriber("ko", kind="wav2vec2-ctc"), transcriber("ko")
    speech = recording((10, 100.0))
    assert ctc.transcribe(speech).text == "w10"
    assert whisper.transcribe(speech).text == "w10 w10 w10 w10"
    assert [length for call in heard_by(ctc).calls for length in call] == [pytest.approx(100.4, abs=0.1)]
    assert 25 < max(length for call in heard_by(whisper).calls for length in call) <= 30


@pytest.mark.parametrize("vad", [True, False])
@pytest.mark.parametrize("kind", ["whisper", "wav2vec2-ctc"])
def test_a_longest_stretch_that_is_given_holds_for_every_model_with_the_gate_and_without(kind: str, vad: bool):
    used = transcriber("ko", "en", kind=kind)
    used.transcribe(recording((10, 100.0)), vad=vad, gate=GateOptions(max_speech_s=40.0))
    lengths = [length for call in heard_by(used).calls for length in call]
    assert 30 < max(lengths) <= 40
    assert sum(lengths) == pytest.approx(100.4 if vad else 104.0, abs=0.1)
    if kind == "whisper":  # its language is told once, not stretch by stretch
        assert heard_by(used).detections == [30.0]


def test_no_more_than_a_few_minutes_are_gathered():
    used = transcriber("ko", kind="wav2vec2-ctc")
    texts(used.transcribe_many([recording((n, 100.0)) for n in range(10, 18)]))
    assert [sum(call) for call in heard_by(used).calls] == [pytest.approx(401.6, abs=0.1)] * 2


def test_of_a_long_recording_eight_minutes_are_gathered():
    used = transcriber("ko", kind="wav2vec2-ctc")
    texts(used.transcribe_many([recording(*((n, 100.0) for n in range(10, 18)))]))
    assert [sum(call) for call in heard_by(used).calls] == [pytest.approx(401.6, abs=0.1)] * 2


def test_a_recording_is_handed_over_before_the_next_one_is_heard():
    for first in ([recording((10, 1.0))], [recording((n, 1.0)) for n in range(10, 13)], [recording((10, 250.0))]):
        used = transcriber("ko", kind="wav2vec2-ctc")
        results = used.transcribe_many([*first, recording((20, 200.0), (21, 200.0), (22, 200.0))])
        for _ in first:
            next(results)
        assert [length for call in heard_by(used).calls for length in call if 200 < length < 201] == []
        assert texts(results) == ["w20 w20 w21 w21 w22 w22"]


def test_a_recording_is_handed_over_before_the_next_one_is_decoded():
    asked: list[int] = []

    class Noted(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(1)
            return super().read(size)

    used = transcriber("ko", kind="wav2vec2-ctc")
    results = used.transcribe_many([recording((10, 250.0)), Noted(wav(recording((20, 1.0))))])
    assert next(results).text == "w10 w10 w10"
    assert asked == []
    assert texts(results) == ["w20"]


def test_what_was_gathered_waits_for_no_pipe():
    used = transcriber("ko")

    class Pipe(io.BytesIO):
        def seekable(self) -> bool:
            return False

        def read(self, size: int | None = -1) -> bytes:
            assert len(heard_by(used).calls) == 1
            return super().read(size)

    assert texts(used.transcribe_many([recording((10, 1.0)), Pipe(wav(recording((20, 1.0))))])) == ["w10", "w20"]


def test_speech_of_several_recordings_shares_engine_calls_of_similar_lengths():
    used = transcriber("ko", kind="wav2vec2-ctc")
    recordings = [recording((n, 1.0), (n + 1, 3.0), (n + 2, 1.0)) for n in (10, 20, 30, 40)]
    results = texts(used.transcribe_many(recordings, batch_size=8))
    assert results == ["w10 w11 w12", "w20 w21 w22", "w30 w31 w32", "w40 w41 w42"]
    assert sorted(len(call) for call in heard_by(used).calls) == [4, 8]
    assert all(max(call) - min(call) < 0.1 for call in heard_by(used).calls)


def test_the_neighbours_of_a_recording_do_not_change_its_transcript():
    recordings = [recording((n, 0.5 + n / 10)) for n in range(5, 25)]
    together = list(transcriber().transcribe_many(recordings))
    assert together == [transcriber().transcribe(audio) for audio in recordings]


def test_results_come_before_all_sources_were_asked_for():
    asked = []

    def sources() -> Iterator[Audio]:
        for n in range(40):
            asked.append(n)
            yield recording((10 + n, 25.0))

    results = transcriber().transcribe_many(sources())
    assert next(results).text == "w10"
    assert len(asked) < 22
    assert texts(results) == [f"w{10 + n}" for n in range(1, 40)]


def test_a_bad_recording_costs_only_itself(tmp_path: Path):
    (tmp_path / "bad.wav").write_text("ffconcat version 1.0")
    sources = [wav(recording((10, 1.0))), tmp_path / "bad.wav", b"", tmp_path / "none.wav", wav(recording((20, 1.0)))]
    results = list(transcriber().transcribe_many(sources, on_error="return"))
    assert texts(iter(results)) == ["w10", "UnsupportedFormat", "EmptyAudio", "AudioNotFound", "w20"]
    assert "bad.wav: expected" in str(results[1])


def test_an_error_is_raised_in_its_place_after_the_results_before_it(tmp_path: Path):
    results = transcriber().transcribe_many([recording((10, 1.0)), tmp_path / "none.wav"])
    assert next(results).text == "w10"
    with pytest.raises(AudioNotFound):
        next(results)


def test_a_clip_that_the_engine_fails_on_costs_only_its_own_recording():
    used = transcriber(poison=20)
    recordings = [recording((10, 1.0)), recording((11, 1.0), (20, 1.0)), recording((30, 1.0))]
    assert texts(used.transcribe_many(recordings, on_error="return")) == ["w10", "EngineError", "w30"]


def test_the_language_is_told_once_from_the_first_thirty_seconds_of_speech():
    used = transcriber("ko", "en")
    result = used.transcribe(recording((10, 20.0), (20, 20.0), (30, 20.0)))
    assert heard_by(used).detections == [30.0]
    assert {options.language for options in heard_by(used).options} == {"en"}
    assert (result.language, result.language_probability) == ("en", 0.75)


def test_a_single_stretch_of_speech_leaves_the_language_to_the_engine():
    used = transcriber("ko", "en")
    result = used.transcribe(recording((10, 5.0)))
    assert heard_by(used).detections == []
    assert (result.language, result.language_probability) == ("en", 0.5)


def test_a_given_language_is_certain_and_nothing_is_detected():
    used = transcriber("ko", "en")
    result = used.transcribe(recording((10, 1.0), (20, 1.0)), language="ko")
    assert (result.language, result.language_probability) == ("ko", 1.0)
    assert heard_by(used).detections == []


def test_languages_to_tell_apart_reach_the_engine_as_codes_whichever_way_they_are_said():
    used = transcriber("ko", "en")
    for languages in (["Korean", "en-US", "ko"], "korean,en", ("ko", "en")):
        used.transcribe(recording((10, 20.0), (20, 20.0)), languages=languages)
        assert heard_by(used).options[-1].languages == ("ko", "en")
    for languages in (["ko", ""], 3, [3], "ko,xx"):
        with pytest.raises(OptionError, match=r"languages must be codes or English names|does not know the language"):
            used.transcribe(recording((10, 1.0)), languages=languages)


def test_recordings_in_different_languages_do_not_share_a_call():
    used = transcriber("ko", "en")
    texts(used.transcribe_many([recording((10, 1.0)), recording((20, 1.0), (21, 1.0))]))
    assert sorted((options.language or "", len(call)) for options, call in _calls(used)) == [("", 1), ("en", 2)]


def test_the_language_of_a_recording_is_detected_from_its_speech():
    assert transcriber("ko", "en").detect_language(recording((10, 1.0))) == {"en": 0.75, "ko": 0.25}
    assert transcriber("ko", "en").detect_language(np.zeros(SAMPLE_RATE, np.float32)) == {}


WRONG: tuple[dict[str, Any], ...] = (
    {"language": "xx"},
    {"task": "translate"},
    {"task": "sing"},
    {"batch_size": 0},
    {"beam_size": 0},
    {"alternatives": 0},
    {"hotwords": iter(["침실"])},
    {"hotwords": [1]},
    {"hotwords": {"침실": float("nan")}},
    {"hotwords": {"침실": -1.0}},
    {"hotwords": {"침실": 1e9}},
    {"hotwords": {"침실": "8"}},
    {"hotwords": {"침실": None}},
    {"beam_size": 2.5},
    {"beam_size": True},
    {"batch_size": None},
    {"batch_size": "8"},
    {"alternatives": "3"},
    {"temperature": "a"},
    {"temperature": (0.0, None)},
    {"lm_alpha": None},
    {"lm_beta": "1"},
    {"language_model": 3},
    {"initial_prompt": 3},
    {"sample_rate": "a"},
    {"gate": None},
    {"align_with": 3},
    {"on_error": "ignore"},
)


def test_wrong_options_are_raised_before_any_source_is_read():
    used = transcriber("ko")
    sources = [b"never read"]
    for wrong in WRONG:
        with pytest.raises(OptionError):
            used.transcribe_many(sources, **wrong)
    with pytest.raises(OptionError, match="loudness does not know the language 'xx'; it knows ko"):
        used.transcribe(b"", language="xx")
    with pytest.raises(OptionError, match="found a single one"):
        used.transcribe_many("talk.wav")
    with pytest.raises(OptionError, match="'xx'"):
        used.detect_language(b"", language="xx")
    with pytest.raises(TypeError, match="lang"):
        used.transcribe(b"", lang="ko")


def test_options_can_be_given_whole_and_changed_by_keyword():
    used = transcriber("ko", "en")
    used.transcribe(recording((10, 1.0)), TranscribeOptions(language="ko", beam_size=2), beam_size=3, temperature=0.5)
    (options,) = heard_by(used).options
    assert (options.language, options.beam_size, options.temperature) == ("ko", 3, (0.5,))


def test_hot_words_come_in_a_list_or_with_weights_and_a_language_model_as_any_path(tmp_path: Path):
    used, model = transcriber("ko", kind="wav2vec2-ctc"), tmp_path / "b.arpa"
    model.touch()
    used.transcribe(recording((10, 1.0)), hotwords=["침실", "거실"], language_model=str(model), alternatives=2)
    used.transcribe(recording((10, 1.0)), hotwords={"침실": 3.0})
    first, second = heard_by(used).options
    assert first.hotwords == (HotWord("침실", 8.0), HotWord("거실", 8.0))
    assert (first.ctc.language_model, first.ctc.alternatives, first.beam_size) == (model, 2, None)
    assert second.hotwords == (HotWord("침실", 3.0),)


def test_numbers_of_numpy_are_numbers():
    given = {"beam_size": np.int64(2), "batch_size": np.int32(3), "temperature": np.float32(0.5)}
    assert transcriber("ko").check(hotwords={"침실": np.float32(3)}, **given)


def test_what_the_model_will_leave_out_is_among_the_warnings_of_every_transcript_once():
    cut = wav(recording((10, 1.0), (20, 1.0), (30, 1.0)))[:-32_000]
    options = TranscribeOptions(hotwords=["x"], allow_truncated=True)
    (left_out,) = transcriber().check(options)
    sound, mended = transcriber().transcribe_many([recording((10, 1.0), (20, 1.0)), cut], options)
    assert sound.warnings == (left_out,)
    assert mended.warnings[0] == left_out
    assert len(mended.warnings) == 2


def test_the_warnings_of_a_mended_recording_are_in_its_transcript():
    cut = wav(recording((10, 1.0)))[:-32_000]
    assert transcriber().transcribe(cut, allow_truncated=True).warnings
    with pytest.raises(MalsoriError, match="expected"):
        transcriber().transcribe(cut)


def test_a_model_named_to_align_with_is_loaded_as_the_one_it_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    altered = tmp_path / "altered"
    shutil.copytree(NANO, altered)
    (altered / "vocab.json").write_bytes((altered / "vocab.json").read_bytes() + b"\n")
    asked: list[dict[str, Any]] = []

    def noted(*parts: Any, **choices: Any) -> Engine:
        asked.append({name: choice for name, choice in choices.items() if name != "meanwhile"})
        return load_engine(*parts, **choices)

    monkeypatch.setattr("malsori.pipeline.options.load_engine", noted)
    used = load(NANO, device="cpu", threads=1, memory="low", verify=False)
    assert used.transcribe(np.zeros(SAMPLE_RATE, np.float32), align_with=altered).text == ""
    loaded = {"device": "cpu", "compute_type": "default", "threads": 1, "workers": 1, "memory": "low"}
    assert asked == [loaded] * 2
    with pytest.raises(ModelCorrupt, match=r"vocab\.json"):
        load(NANO, device="cpu").transcribe(b"never read", align_with=altered)


class Failing(Wav2Vec2Engine):
    """Cannot hear a clip whose loudest sample is 0.3; in the others no word of the loudness engine is found."""

    def logits(self, clips: Sequence[Audio], batch_size: int = 8) -> list[NDArray[np.float32]]:
        if any(np.abs(clip).max() > 0.25 for clip in clips):
            raise EngineError("the aligner choked")
        return super().logits(clips, batch_size)


def test_segments_that_keep_their_times_are_counted_once_though_a_neighbour_of_their_batch_fails():
    aligner = Transcriber(Failing(NANO, read_manifest(NANO), device="cpu", threads=1))
    recordings = [recording((10, 1.0)), recording((30, 1.0))]
    heard, failed = transcriber().transcribe_many(recordings, on_error="return", align_with=aligner)
    assert isinstance(failed, EngineError)
    assert isinstance(heard, Transcript)
    assert [warning.split(" segment")[0] for warning in heard.warnings] == ["the words of 1"]


def test_progress_grows_to_all_the_speech_that_was_found():
    seen: list[Progress] = []
    texts(transcriber().transcribe_many([recording((n, 2.0)) for n in range(10, 30)], progress=seen.append))
    heard = [progress.heard for progress in seen]
    assert heard == sorted(heard)
    assert heard[0] == 0
    assert heard[-1] == seen[-1].found == pytest.approx(20 * 2.4, abs=1)


def test_progress_tells_how_much_is_behind_of_a_recording_and_of_the_run():
    seen: list[Progress] = []
    sources = [*(recording((n, 2.0)) for n in range(10, 30)), recording(*((n, 100.0) for n in range(10, 18)))]
    texts(transcriber("ko").transcribe_many(sources, progress=seen.append))
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert done[-1] == 21
    assert [progress.number for progress in seen if progress.done < 20] == sorted(
        progress.number for progress in seen if progress.done < 20
    )
    last = [progress for progress in seen if progress.number == 21]
    assert last[0].length == last[-1].length == 818.0
    assert last[-1].seconds == pytest.approx(818.0)
    assert len({round(progress.seconds) for progress in last}) > 4
    assert all(progress.seconds <= (progress.length or 0) for progress in seen)


def test_progress_goes_on_while_a_recording_without_speech_is_read():
    seen: list[Progress] = []
    texts(transcriber("ko").transcribe_many([np.zeros(600 * SAMPLE_RATE, np.float32)], progress=seen.append))
    behind = [progress.seconds for progress in seen]
    assert behind == sorted(behind)
    assert len(set(behind)) > 500
    assert 500 < behind[-1] < 600  # the rest might have been speech


def test_one_transcriber_serves_several_threads():
    used = transcriber()
    recordings = [recording((n, 1.0), (n + 1, 1.0)) for n in range(10, 18)]
    results: dict[int, str] = {}

    def work(index: int) -> None:
        results[index] = used.transcribe(recordings[index]).text

    threads = [threading.Thread(target=work, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {index: f"w{10 + index} w{11 + index}" for index in range(8)}


def test_embedding_gives_the_frames_of_the_whole_recording():
    assert transcriber().embed(recording((10, 1.0))).shape == (250, 4)


def test_embedding_gives_one_layer_or_all_by_frame_or_pooled():
    used, audio = transcriber(), recording((10, 1.0))
    assert np.unique(used.embed(audio)).tolist() == [2.0]
    assert np.unique(used.embed(audio, layer=1)).tolist() == [1.0]
    assert used.embed(audio, layers="all").shape == (3, 250, 4)
    assert used.embed(audio, layer=1, pooled=True).tolist() == [1.0] * 4
    pooled = used.embed(audio, layers="all", pooled=True)
    assert pooled.dtype == np.float32
    assert pooled.tolist() == [[0.0] * 4, [1.0] * 4, [2.0] * 4]


def test_there_is_no_mean_of_no_frames():
    with pytest.raises(EmptyAudio, match="<array>: expected at least one frame of sound to pool, found 100 samples"):
        transcriber().embed(np.ones(100, np.float32), pooled=True)
    assert transcriber().embed(np.ones(100, np.float32)).shape == (0, 4)


@pytest.mark.parametrize("wrong", [{"layers": "some"}, {"layers": 3}, {"layer": 1, "layers": "all"}])
def test_layers_that_cannot_be_are_refused(wrong: dict[str, Any]):
    with pytest.raises(OptionError, match="layer"):
        transcriber().embed(recording((10, 1.0)), **wrong)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(1, 30_000), min_size=1, max_size=30))
def test_pieces_are_the_sound_of_their_spans_however_the_recording_is_cut(sizes: list[int]):
    audio = recording((10, 0.7), (20, 2.5), (30, 0.4), pause=0.8)
    audio += np.linspace(0, 0.005, len(audio), dtype=np.float32)
    options = GateOptions(max_speech_s=1.5)
    edges = [0, *np.cumsum(sizes).clip(0, len(audio)).tolist(), len(audio)]
    blocks = [audio[start:stop] for start, stop in pairwise(edges)]
    whole, parts = (list(stretches_of(given, LoudnessDetector(), options)) for given in ([audio], blocks))
    assert [piece.span for piece in whole] == [piece.span for piece in parts]
    assert len(whole) >= 4
    for piece in parts:
        np.testing.assert_array_equal(piece.audio, audio[piece.span.start : piece.span.stop])


@pytest.mark.parametrize(("seconds", "spans"), [(0.2, [(0, 3200)]), (0.9, [(0, 14_400)]), (1.1, [])])
def test_a_recording_of_a_moment_in_which_the_gate_finds_nothing_is_one_piece(seconds: float, spans: list[Any]):
    quiet = np.full(round(seconds * SAMPLE_RATE), 0.001, np.float32)
    for blocks in ([quiet], np.split(quiet, [100, 3000])):
        found = list(stretches_of(blocks, LoudnessDetector(), GateOptions(), ungated_below=SAMPLE_RATE))
        assert [(piece.span.start, piece.span.stop) for piece in found] == spans
        assert all(np.array_equal(piece.audio, quiet) for piece in found)
    assert not list(stretches_of([quiet], LoudnessDetector(), GateOptions()))
    assert not list(stretches_of([], LoudnessDetector(), GateOptions(), ungated_below=SAMPLE_RATE))


def test_what_is_held_of_a_long_recording_does_not_grow():
    cutter = Cutter(LoudnessDetector(), GateOptions(max_speech_s=5.0))
    speech, silence = tone(0.1, SAMPLE_RATE), np.zeros(SAMPLE_RATE, np.float32)
    held = []
    for second in range(300):
        cutter.push(silence if second % 40 > 20 else speech)
        held.append(cutter.held)
    assert max(held) <= 7 * SAMPLE_RATE


def test_silence_is_not_held():
    cutter = Cutter(LoudnessDetector(), GateOptions(max_speech_s=120.0))
    for _ in range(60):
        cutter.push(np.zeros(SAMPLE_RATE, np.float32))
    assert cutter.held <= 2 * SAMPLE_RATE


def _calls(used: Transcriber) -> Iterator[tuple[DecodeOptions, list[float]]]:
    return zip(heard_by(used).options, heard_by(used).calls, strict=True)


def test_what_is_said_in_a_pause_of_the_named_stretches_is_not_recognised():
    used = transcriber()
    result = used.transcribe(recording((10, 1.0), (20, 1.5), (30, 1.0)), clip_timestamps=[4.5, 7.0])
    assert result.text == "w20"
    assert heard_by(used).calls == [[2.5]]
    assert result.segments[0].start == pytest.approx(4.6)
    assert result.duration == pytest.approx(11.5)


def test_the_last_stretch_may_go_to_the_end():
    used = transcriber()
    used.transcribe(recording((10, 1.0), (20, 1.5)), clip_timestamps=(0.0, 3.5, 6.0))
    assert sorted(heard_by(used).calls) == [[2.5, 3.5]] or heard_by(used).calls == [[3.5], [2.5]]


@pytest.mark.parametrize(
    "times", [[3.0, 1.0], [1.0, 1.0], [-1.0, 2.0], "1;2", [float("nan")], None, 5.0, np.array([1.0, 2.0])]
)
def test_stretches_that_cannot_be_are_refused_by_name(times: Any):
    with pytest.raises(OptionError, match="clip_timestamps: expected"):
        transcriber().transcribe(recording((10, 1.0)), clip_timestamps=times)


def test_with_previous_text_each_stretch_hears_what_came_before_it_in_its_own_recording():
    used = transcriber()
    sources = [recording((10, 1.0), (20, 1.5)), recording((30, 1.0), (40, 1.5))]
    found = texts(used.transcribe_many(sources, condition_on_previous_text=True))
    assert found == ["w10 w20", "w30 w40"]
    assert [sorted(map(str.strip, previous)) for previous in heard_by(used).previous] == [["", ""], ["w10", "w30"]]


def test_without_it_nothing_came_before():
    used = transcriber()
    used.transcribe(recording((10, 1.0), (20, 1.5)))
    assert {text for previous in heard_by(used).previous for text in previous} <= {""}


def test_a_recording_of_several_languages_is_asked_for_them_stretch_by_stretch():
    used = transcriber("ko", "en")
    used.transcribe(recording((10, 1.0), (20, 1.5)), multilingual=True)
    assert heard_by(used).detections == []
    assert {options.language for options in heard_by(used).options} == {None}


@pytest.mark.parametrize(
    ("first", "second", "expected"), [("ko", "en", "ko"), ("und", "en", "en"), ("und", "und", "und")]
)
def test_a_recordings_language_is_the_first_that_one_of_its_stretches_told(first: str, second: str, expected: str):
    read = Recording(samples=10 * SAMPLE_RATE)
    read.heard = [
        (
            Clip.of(np.zeros(100, np.float32), Span(100, 200)),
            Hypothesis(SAID, second, 0.5),
        ),
        (Clip.of(np.zeros(100, np.float32), Span(0, 100)), Hypothesis(SAID, first, 0.5)),
    ]
    assert stitch(read, model="a", certain=None, words=False).language == expected


@pytest.mark.parametrize(("certain", "expected"), [(None, ("und", 0.0)), ("ko", ("ko", 1.0))])
def test_a_transcript_without_words_has_no_language_unless_it_is_certain(
    certain: str | None, expected: tuple[str, float]
):
    read = Recording(samples=SAMPLE_RATE, language="en", language_probability=0.5)
    read.heard = [(Clip.of(np.zeros(100, np.float32), Span(0, 100)), Hypothesis((), "en", 0.5))]
    found = stitch(read, model="a", certain=certain, words=False)
    assert (found.language, found.language_probability) == expected


def test_the_language_is_that_of_the_first_stretch_with_words():
    read = Recording(samples=SAMPLE_RATE)
    read.heard = [
        (Clip.of(np.zeros(100, np.float32), Span(0, 100)), Hypothesis((), "ja", 0.5)),
        (Clip.of(np.zeros(100, np.float32), Span(100, 200)), Hypothesis(SAID, "ko", 0.9)),
    ]
    found = stitch(read, model="a", certain=None, words=False)
    assert (found.language, found.language_probability) == ("ko", 0.9)


def test_a_run_that_is_cancelled_ends_before_the_next_call():
    used = transcriber()
    calls = heard_by(used).calls
    results = used.transcribe_many([recording((10, 1.0))] * 3, batch_size=1, cancelled=lambda: len(calls) >= 1)
    with pytest.raises(Cancelled):
        list(results)
    assert len(calls) == 1


def test_a_recording_without_speech_can_be_cancelled_while_it_is_read():
    with pytest.raises(Cancelled):
        transcriber().transcribe(np.zeros(60 * SAMPLE_RATE, np.float32), cancelled=lambda: True)


def test_a_run_that_is_cancelled_while_the_language_is_told_ends():
    used = transcriber("ko", "en")

    def detect(clip: Audio, options: DecodeOptions) -> dict[str, float]:
        raise Cancelled

    used.engine.detect_language = detect  # type: ignore[method-assign, assignment]
    with pytest.raises(Cancelled):
        list(used.transcribe_many([recording((10, 1.0), (20, 1.0))], on_error="return"))


@pytest.mark.parametrize("previous", [None, True])
def test_a_prefix_is_what_a_recording_starts_with_and_not_each_of_its_stretches(previous: bool | None):
    used = transcriber()
    sources = [recording((10, 1.0), (20, 1.5)), recording((30, 1.0), (40, 1.5))]
    found = texts(used.transcribe_many(sources, prefix="well", condition_on_previous_text=previous))
    assert found == ["w10 w20", "w30 w40"]
    assert sorted((options.whisper.prefix or "", sorted(map(round, call))) for options, call in _calls(used)) == [
        ("", [2, 2]),
        ("well", [1, 1]),
    ]


def test_an_option_that_there_is_not_is_named_with_the_nearest_that_there_is():
    with pytest.raises(TypeError, match=r"no option 'beam_sise'; did you mean 'beam_size'\?"):
        transcriber().transcribe(recording((10, 1.0)), beam_sise=3)


def test_names_of_faster_whisper_are_understood():
    used = transcriber()
    parameters = {"threshold": 0.4, "min_silence_duration_ms": 300, "speech_pad_ms": 100}
    used.transcribe(
        recording((10, 1.0)), vad_filter=True, vad_parameters=parameters, patience=2, suppress_tokens=[-1, 5]
    )
    assert heard_by(used).options[0].whisper.patience == 2
    assert heard_by(used).options[0].whisper.suppress_tokens == (-1, 5)
    assert heard_by(used).calls == [[pytest.approx(1.2, abs=0.04)]]


@pytest.mark.parametrize(
    "change", [{"audio_context": 31}, {"audio_context": "short"}, {"patience": -1}, {"best_of": 0}]
)
def test_what_whisper_cannot_have_is_refused_before_any_work(change: dict[str, Any]):
    used = transcriber()
    with pytest.raises(OptionError, match=f"{next(iter(change))}: expected"):
        used.transcribe(recording((10, 1.0)), **change)
    assert heard_by(used).calls == []


def test_speech_in_which_no_words_are_heard_is_told_of():
    class Deaf(LoudnessEngine):
        def hear(self, clip: Audio, options: DecodeOptions) -> Hypothesis:
            heard = super().hear(clip, options)
            return heard if heard.segments[0].text == " w20 " else replace(heard, segments=())

    used = Transcriber(Deaf("ko"), detector=LoudnessDetector)
    told = used.transcribe(recording((10, 1.0), (20, 1.5), (30, 2.0))).warnings
    assert told == ("no words were heard in 2 of 3 stretches of speech, the first at 1.8 s",)
    assert used.transcribe(recording((10, 1.0)), vad=False).warnings == ()


def test_a_moment_that_nobody_took_for_speech_is_not_told_of_as_such():
    class Deaf(LoudnessEngine):
        def hear(self, clip: Audio, options: DecodeOptions) -> Hypothesis:
            return replace(super().hear(clip, options), segments=())

    used = Transcriber(Deaf("ko"), detector=LoudnessDetector)
    heard_by(used).fills_windows = True
    quiet = np.full(3 * SAMPLE_RATE // 2, 0.001, np.float32)
    assert used.transcribe(quiet).warnings == ()
    assert heard_by(used).calls == [[1.5]]
    told = used.transcribe(recording((10, 1.0), pause=0.2)).warnings
    assert told == ("no words were heard in 1 of 1 stretches of speech, the first at 0.0 s",)


def test_sound_that_comes_and_goes_as_speech_does_and_that_the_gate_leaves_out_is_told_of():
    quiet, loud = (tone(level, SAMPLE_RATE // 4) for level in (0.0005, 0.009))  # the detector hears from 0.01 on
    swinging = np.concatenate([quiet, loud] * 40)
    spoken = np.concatenate([swinging, tone(0.1, SAMPLE_RATE // 4)])
    used = transcriber()
    (none,), (few,) = (used.transcribe(sound).warnings for sound in (swinging, spoken))
    assert none.startswith("no speech was found in 20.0 s, and 11.")
    assert none.endswith(
        "come and go as speech does, the first at 0.2 s; if somebody speaks there, "
        "try --vad-threshold 0.2 or --vad false"
    )
    assert few.startswith("speech was found in 0.5 s of 20.2 s, and 1")
    assert used.transcribe(spoken[-6 * SAMPLE_RATE :]).warnings == ()
    assert used.transcribe(swinging, vad=False).warnings == ()
    assert used.transcribe(np.concatenate([loud] * 80)).warnings == ("no speech was found in 20.0 s of sound",)


def test_a_silent_recording_is_told_of_with_the_gate_and_without() -> None:
    silence = np.zeros(20 * SAMPLE_RATE, np.float32)
    told = ("nothing is to be heard in 20.0 s: the recording is silent",)
    used = transcriber()
    assert (used.transcribe(silence).warnings, used.transcribe(silence, vad=False).warnings) == (told, told)
    assert used.transcribe(silence[: 5 * SAMPLE_RATE]).warnings == ()


def test_a_tenth_may_be_left_out():
    swinging = np.concatenate([tone(level, SAMPLE_RATE // 4) for level in (0.0005, 0.009)] * 24)
    used = transcriber("ko", kind="wav2vec2-ctc")
    much, little = (np.concatenate([tone(0.3, seconds * SAMPLE_RATE), swinging]) for seconds in (100, 20))
    assert used.transcribe(much).warnings == ()
    assert len(used.transcribe(little).warnings) == 1


def test_without_the_gate_sound_that_a_model_has_no_words_for_is_told_of_where_it_comes_and_goes():
    class Deaf(LoudnessEngine):
        def hear(self, clip: Audio, options: DecodeOptions) -> Hypothesis:
            return replace(super().hear(clip, options), segments=())

    used = Transcriber(Deaf("ko"), detector=LoudnessDetector)
    swinging = np.concatenate([tone(level, SAMPLE_RATE // 4) for level in (0.0005, 0.1)] * 40)
    (told,) = used.transcribe(swinging, vad=False).warnings
    assert told.startswith("words were heard in 0.0 s of 20.0 s, and 11.")
    assert told.endswith("of the rest come and go as speech does, the first at 0.2 s")
    assert used.transcribe(np.concatenate([tone(0.1, SAMPLE_RATE)] * 20), vad=False).warnings == ()


def test_readings_that_were_cut_off_are_told_of():
    read = Recording(samples=SAMPLE_RATE)
    read.heard = [(Clip.of(np.zeros(100, np.float32), Span(0, 100)), Hypothesis((), "en", 0.5, cut_off=2))]
    told = stitch(read, model="a", certain="en", words=False).warnings
    assert told == ("2 reading(s) ended at the most tokens that they may have: what was said behind that is missing",)


def test_a_stretch_behind_the_end_is_told_of():
    told = transcriber().transcribe(recording((10, 1.0)), clip_timestamps="0,1,30,40").warnings
    assert told == ("clip_timestamps: 30 s is behind the end, 5 s; nothing is recognised there",)


def test_hot_words_may_stand_in_one_text():
    used = transcriber()
    used.transcribe(recording((10, 1.0)), hotwords="침실, 거실")
    assert [word.text for word in heard_by(used).options[0].hotwords] == ["침실", "거실"]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"speech_pad": 5}, r"vad_parameters: there is no 'speech_pad'; did you mean 'speech_pad_ms'\?"),
        ({"nonsense": 5}, "vad_parameters: there is no 'nonsense'; there are threshold"),
        ({"speech_pad_ms": "x"}, "padding_ms: expected a number, found 'x'"),
    ],
)
def test_what_the_gate_does_not_have_is_named(parameters: dict[str, Any], message: str):
    with pytest.raises(OptionError, match=message):
        transcriber().transcribe(recording((10, 1.0)), vad_parameters=parameters)


@pytest.mark.parametrize(("probability", "told"), [(0.25, True), (0.9, False)])
def test_a_language_that_is_a_guess_is_told(probability: float, told: bool):
    read = Recording(samples=SAMPLE_RATE)
    read.heard = [(Clip.of(np.zeros(100, np.float32), Span(0, 100)), Hypothesis(SAID, "ja", probability))]
    (*_, last) = ("", *stitch(read, model="a", certain=None, words=False).warnings)
    assert last.startswith("the language is not certain (ja, 25%)") is told
    assert not stitch(read, model="a", certain="ja", words=False).warnings


@pytest.mark.parametrize(
    "error", [MissingDependency("faster-whisper", "the Silero detector"), EngineError("Silero is damaged")]
)
def test_a_detector_that_cannot_be_had_stops_no_load_and_is_told_by_the_run_that_needs_it(
    monkeypatch: pytest.MonkeyPatch, error: Exception
):
    def absent(path: Path) -> None:
        raise error

    monkeypatch.setattr("malsori.vad.silero.open_network", absent)
    loaded = load(NANO.with_name("nano-whisper"), device="cpu", threads=1)
    assert loaded.transcribe(np.zeros(SAMPLE_RATE, np.float32), vad=False).warnings == ()
    with pytest.raises(type(error), match="Silero"):
        loaded.transcribe(np.zeros(SAMPLE_RATE, np.float32))


@pytest.mark.parametrize("name", ["nano-whisper", "nano-ctc-ko"])
def test_the_detector_is_opened_beside_the_engine(monkeypatch: pytest.MonkeyPatch, name: str):
    opened: list[str] = []
    monkeypatch.setattr("malsori.vad.silero.open_network", lambda path: opened.append(threading.current_thread().name))
    load(NANO.with_name(name), device="cpu", threads=1)
    assert len(opened) == 1
    assert opened[0].startswith("malsori-detector")


def test_what_is_no_options_is_refused_with_a_keyword_to_type() -> None:
    with pytest.raises(OptionError, match=r"options: expected TranscribeOptions, found 'ko'; .*language='ko'"):
        Transcriber(LoudnessEngine("ko"), detector=LoudnessDetector).transcribe(recording((10, 1.0)), "ko")
